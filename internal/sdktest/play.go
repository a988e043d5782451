package sdktest

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupelog/troupe/collector"
	"github.com/troupelog/troupe/internal/modelserver"
	"github.com/troupelog/troupe/logger"
)

// Play is the frame of the adapters' examples. It starts a server that stands in for the
// model's, and a collector with a logger; it calls play with the address of the former and
// a context that is part of a trace; then it prints what was delivered.
func Play(play func(ctx context.Context, url string) error) {
	if err := played(context.Background(), play); err != nil {
		fmt.Println(err)
	}
}

func played(ctx context.Context, play func(ctx context.Context, url string) error) (err error) {
	server := modelserver.New()
	defer server.Close()
	store, err := collector.Start(collector.Config{}) // in real life: troupe serve
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close(ctx)) }()
	log, err := logger.New(logger.Config{ID: "agents", BaseURL: store.URL()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close(ctx)) }()
	turn, trace := logger.StartTrace(logger.NewContext(ctx, log), logger.TraceConfig{Name: "turn"})
	err = play(turn, server.URL)
	trace.End()
	if err != nil {
		return err
	}
	if err := log.Flush(ctx); err != nil {
		return err
	}
	fmt.Println(log.Stats().Delivered, "lines delivered")
	return nil
}

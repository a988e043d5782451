package troupeeino

import (
	"context"

	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/schema"

	"github.com/troupelog/troupe/logger"
)

// Handler is a callbacks.Handler that logs. Make it with New. It may be used for any number
// of runs concurrently; given twice, globally and for a run, it logs once.
type Handler struct {
	log     *logger.Logger // of runs whose context has none
	streams inFlight
}

var _ callbacks.Handler = (*Handler)(nil)

// New returns a handler. log is for the runs whose context carries no logger; with nil
// these are not logged.
func New(log *logger.Logger) *Handler { return &Handler{log: log} }

// Wait waits until the streams that runs have returned so far are read to their ends and
// logged, or ctx ends; then it returns its error. Call it before logger.Close.
func (h *Handler) Wait(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	return h.streams.wait(ctx)
}

// OnStart implements callbacks.Handler.
func (h *Handler) OnStart(ctx context.Context, info *callbacks.RunInfo, input callbacks.CallbackInput) context.Context {
	next, _ := h.begin(ctx, info, input)
	return next
}

// OnEnd implements callbacks.Handler.
func (h *Handler) OnEnd(ctx context.Context, info *callbacks.RunInfo, output callbacks.CallbackOutput) context.Context {
	if r := runOf(ctx, info); r.finish() {
		r.contain(func() { r.output(output) })
		r.drop()
	}
	return ctx
}

// OnError implements callbacks.Handler.
func (h *Handler) OnError(ctx context.Context, info *callbacks.RunInfo, err error) context.Context {
	if r := runOf(ctx, info); r.finish() {
		r.contain(func() { r.fail(err) })
		r.drop()
	}
	return ctx
}

// OnStartWithStreamInput implements callbacks.Handler.
func (h *Handler) OnStartWithStreamInput(
	ctx context.Context, info *callbacks.RunInfo, input *schema.StreamReader[callbacks.CallbackInput],
) context.Context {
	next, r := h.begin(ctx, info, nil)
	if r == nil {
		input.Close()
		return next
	}
	r.hold()
	h.streams.begin(func() {
		defer r.release()
		defer input.Close()
		r.contain(func() {
			if in := collect(input, nil); len(in.chunks) > 0 {
				r.input(in.whole())
			}
		})
	})
	return next
}

// OnEndWithStreamOutput implements callbacks.Handler.
func (h *Handler) OnEndWithStreamOutput(
	ctx context.Context, info *callbacks.RunInfo, output *schema.StreamReader[callbacks.CallbackOutput],
) context.Context {
	r := runOf(ctx, info)
	if !r.finish() {
		output.Close()
		return ctx
	}
	r.parent.hold()
	h.streams.begin(func() {
		defer r.parent.release()
		defer r.drop()
		defer output.Close()
		r.contain(func() {
			out := collect(output, r.firstChunk)
			r.finished()
			if out.err != nil {
				r.failMidway(out)
				return
			}
			r.output(out.whole())
		})
	})
	return ctx
}

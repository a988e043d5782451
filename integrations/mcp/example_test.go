package troupemcp_test

import (
	"context"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/troupelog/troupe/collector"
	troupemcp "github.com/troupelog/troupe/integrations/mcp"
	"github.com/troupelog/troupe/logger"
)

// A client and a server of one process, over an in-memory transport, write into one trace.
func Example() {
	ctx := context.Background()
	store, err := collector.Start(collector.Config{}) // in real life: troupe serve
	if err != nil {
		panic(err)
	}
	defer store.Close(ctx)
	log, err := logger.New(logger.Config{ID: "agents", BaseURL: store.URL()})
	if err != nil {
		panic(err)
	}
	defer log.Close(ctx)

	server := mcp.NewServer(&mcp.Implementation{Name: "greeter", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "greet"}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "Good evening."}}}, nil, nil
	})
	server.AddReceivingMiddleware(troupemcp.Server(log))

	client := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil)
	client.AddSendingMiddleware(troupemcp.Client())

	here, there := mcp.NewInMemoryTransports()
	if _, err := server.Connect(ctx, there, nil); err != nil {
		panic(err)
	}
	session, err := client.Connect(ctx, here, nil)
	if err != nil {
		panic(err)
	}
	defer session.Close()

	turn, trace := logger.StartTrace(logger.NewContext(ctx, log), logger.TraceConfig{Name: "turn"})
	result, err := session.CallTool(turn, &mcp.CallToolParams{Name: "greet", Arguments: map[string]any{}})
	if err != nil {
		panic(err)
	}
	trace.End()
	fmt.Println(result.Content[0].(*mcp.TextContent).Text)
	fmt.Println(log.Flush(ctx), log.Stats().Delivered)
	// Output:
	// Good evening.
	// <nil> 8
}

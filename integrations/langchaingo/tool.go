package troupelangchain

import (
	"context"
	"errors"
	"fmt"

	"github.com/tmc/langchaingo/schema"
	"github.com/tmc/langchaingo/tools"

	"github.com/troupelog/troupe/logger"
)

// Tool returns a tool that logs its calls. It may be used concurrently if t may. Errors
// and panics of t reach the caller as they are.
func Tool(t tools.Tool) tools.Tool { return tool{t} }

type tool struct{ tools.Tool }

// Call implements tools.Tool.
func (t tool) Call(ctx context.Context, input string) (string, error) {
	scope := logger.FromContext(ctx)
	if !scope.Active() {
		return t.Tool.Call(ctx, input)
	}
	c := scope.AddToolCall(logger.ToolCallConfig{Name: t.Name(), Description: t.Description(), Args: input})
	returned := false
	defer func() {
		if !returned {
			c.Fail(logger.Failure{Message: "the tool panicked", Type: "panic"})
		}
	}()
	output, err := t.Tool.Call(ctx, input)
	returned = true
	if err != nil {
		c.Fail(detailOf(err))
	} else {
		c.Result(output)
	}
	return output, err
}

// Retriever returns a retriever that logs its calls. It may be used concurrently if r may.
// Errors and panics of r reach the caller as they are.
func Retriever(r schema.Retriever) schema.Retriever { return retriever{r} }

type retriever struct{ schema.Retriever }

// GetRelevantDocuments implements schema.Retriever.
func (r retriever) GetRelevantDocuments(ctx context.Context, query string) ([]schema.Document, error) {
	scope := logger.FromContext(ctx)
	if !scope.Active() {
		return r.Retriever.GetRelevantDocuments(ctx, query)
	}
	retrieval := scope.AddRetrieval(logger.RetrievalConfig{Name: fmt.Sprintf("%T", r.Retriever)})
	retrieval.SetInput(query)
	returned := false
	defer func() {
		if !returned {
			failed(scope, retrieval, logger.Failure{Message: "the retriever panicked", Type: "panic"})
		}
	}()
	docs, err := r.Retriever.GetRelevantDocuments(ctx, query)
	returned = true
	if err != nil {
		failed(scope, retrieval, detailOf(err))
		return docs, err
	}
	contain(scope, func() { retrieval.SetOutput(documentsOf(docs)) })
	return docs, nil
}

// failed logs that a retrieval failed: the protocol has no errors of retrievals, so it is
// one of what is around it.
func failed(scope logger.Scope, r logger.Retrieval, d logger.Failure) {
	scope.AddError(logger.ErrorConfig{Name: "retrieval", Message: d.Message, Type: d.Type})
	r.End()
}

// document is a document as it is logged.
type document struct {
	Content  string         `json:"content"`
	Metadata map[string]any `json:"metadata,omitempty"`
	Score    float32        `json:"score,omitempty"`
}

func documentsOf(docs []schema.Document) []document {
	out := make([]document, len(docs))
	for i, d := range docs {
		out[i] = document{d.PageContent, d.Metadata, d.Score}
	}
	return out
}

func detailOf(err error) logger.Failure {
	kind := fmt.Sprintf("%T", err)
	switch {
	case errors.Is(err, context.Canceled):
		kind = "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		kind = "timeout"
	}
	return logger.Failure{Message: err.Error(), Type: kind}
}

// contain runs a function that looks at values of the caller, which may panic. The call
// must not notice.
func contain(scope logger.Scope, f func()) {
	defer func() {
		if v := recover(); v != nil {
			scope.AddError(logger.ErrorConfig{
				Name: "troupe", Type: "panic", Message: fmt.Sprintf("a value cannot be logged: panic of type %T", v),
			})
		}
	}()
	f()
}

package troupeeino

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudwego/eino/callbacks"
	"github.com/cloudwego/eino/components"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/components/retriever"
	"github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/compose"

	"github.com/troupelog/troupe/logger"
)

// run is one execution of a component or graph. On a nil run all methods do nothing.
type run struct {
	info   *callbacks.RunInfo
	parent *run
	scope  logger.Scope // what is around it
	start  time.Time

	// What the run is logged as. root is the trace of the outermost run if that had to
	// begin one. The entity is one of the others, or none: then root is all.
	root      logger.Trace
	span      logger.Span
	model     logger.Generation
	asked     string // the model that was asked for
	tool      logger.ToolCall
	retrieval logger.Retrieval

	over atomic.Bool // the run has ended; its stream may not have
	told bool        // its outcome is logged; written by who set over, before it drops the run
	mu   sync.Mutex
	open int       // guarded by mu; the run and the streams of it and below it
	end  time.Time // guarded by mu; when the run or its stream was over
}

// runKey is the key of a *run in a context. It is the same for all handlers, so that two
// of them do not log twice.
type runKey struct{}

// runOf returns the run of ctx if it is the one that info is about, nil otherwise: the
// callbacks of a component that does not report its start come with what is around it.
func runOf(ctx context.Context, info *callbacks.RunInfo) *run {
	if r, ok := ctx.Value(runKey{}).(*run); ok && r.info == info {
		return r
	}
	return nil
}

// begin begins the run of info with its input, nil for one that comes later, and returns
// the context to run it with. It returns a nil run for what is not logged, or has begun
// already.
func (h *Handler) begin(ctx context.Context, info *callbacks.RunInfo, input any) (context.Context, *run) {
	if info == nil || runOf(ctx, info) != nil {
		return ctx, nil
	}
	r := &run{info: info, start: time.Now(), open: 1}
	scope := logger.FromContext(ctx)
	if scope.Logger() == nil {
		ctx = logger.NewContext(ctx, h.log)
	}
	if scope.Active() {
		r.parent, _ = ctx.Value(runKey{}).(*run)
	} else {
		c := logger.TraceConfig{Name: nameOf(info)}
		r.contain(func() { c.Input = textOf(input) })
		if ctx, r.root = logger.StartTrace(ctx, c); !logger.FromContext(ctx).Active() {
			return ctx, nil
		}
	}
	r.scope = logger.FromContext(ctx)
	r.contain(func() { ctx = r.beginEntity(ctx, input) })
	return context.WithValue(ctx, runKey{}, r), r
}

// beginEntity begins what the run is logged as.
func (r *run) beginEntity(ctx context.Context, input any) context.Context {
	switch r.info.Component {
	case components.ComponentOfChatModel:
		c := generationOf(model.ConvCallbackInput(input))
		c.Name, c.Provider = nameOf(r.info), providerOf(r.info)
		r.model, r.asked = r.scope.AddGeneration(c), c.Model
		return logger.NewContext(ctx, r.scope.Logger())
	case components.ComponentOfTool:
		c := logger.ToolCallConfig{Name: nameOf(r.info)}
		if id := compose.GetToolCallID(ctx); id != "" {
			c.Tags = map[string]string{"tool_call_id": id}
		}
		if in := tool.ConvCallbackInput(input); in != nil {
			c.Args = in.ArgumentsInJSON
		}
		r.tool = r.scope.AddToolCall(c)
	case components.ComponentOfRetriever:
		r.retrieval = r.scope.AddRetrieval(logger.RetrievalConfig{Name: nameOf(r.info)})
		if in := retriever.ConvCallbackInput(input); in != nil {
			r.retrieval.SetInput(in.Query)
		}
	default:
		if r.root == (logger.Trace{}) {
			kind := map[string]string{"eino.component": string(r.info.Component)}
			ctx, r.span = logger.StartSpan(ctx, logger.SpanConfig{Name: nameOf(r.info), Tags: kind})
			if text := textOf(input); text != "" {
				r.span.SetInput(text)
			}
		}
	}
	return ctx
}

// nameOf returns the name of a run: what the graph calls it, or else what it is.
func nameOf(info *callbacks.RunInfo) string {
	switch {
	case info.Name != "":
		return info.Name
	case strings.HasSuffix(info.Type, string(info.Component)):
		return info.Type
	default:
		return info.Type + string(info.Component)
	}
}

// contain runs a function that looks at values of the user, whose methods may panic. The
// run of the user must not notice.
func (r *run) contain(f func()) {
	if r == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			r.scope.AddError(logger.ErrorConfig{
				Name: "troupe", Type: "panic", Message: fmt.Sprintf("a value of %s cannot be logged: panic of type %T", nameOf(r.info), v),
			})
		}
	}()
	f()
}

// finish reports whether this is the end of the run, and not one more report of it.
func (r *run) finish() bool {
	if r == nil || r.over.Swap(true) {
		return false
	}
	r.finished()
	return true
}

// finished notes when the run, or its stream, was over.
func (r *run) finished() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end = time.Now()
}

// hold keeps the run and those around it open for a stream, until release.
func (r *run) hold() {
	for ; r != nil; r = r.parent {
		r.mu.Lock()
		r.open++
		r.mu.Unlock()
	}
}

// release undoes hold.
func (r *run) release() {
	for ; r != nil; r = r.parent {
		r.drop()
	}
}

// drop ends the run if it is over and no stream of it or below it is left.
func (r *run) drop() {
	r.mu.Lock()
	r.open--
	last, end := r.open == 0, r.end
	r.mu.Unlock()
	if last {
		r.close(end)
	}
}

// close ends what the run is logged as, unless its outcome has done so.
func (r *run) close(at time.Time) {
	end := logger.EndConfig{EndTime: at}
	if !r.told {
		r.model.EndWith(end)
		r.tool.EndWith(end)
		r.retrieval.EndWith(end)
	}
	r.span.EndWith(end)
	r.root.EndWith(end)
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// repo is where all is stored.
const repo = "budgets"

// needle is a word that one line has.
const needle = "zanzibarneedle"

// fill stores turns of ten lines, and the data of the large pages.
func (b *budgets) fill(ctx context.Context) error {
	for turn := 0; turn < b.lines/10; turn += 500 {
		var lines []string
		for i := turn; i < min(turn+500, b.lines/10); i++ {
			lines = append(lines, b.turnLines(i)...)
		}
		if err := b.site.Post(ctx, repo, lines); err != nil {
			return err
		}
	}
	for _, lines := range [][]string{spans("large", 5000), spans("huge", 50_000), spans("left", 2000), spans("right", 2000), conversation("long", 10_000), b.valueLines()} {
		if err := b.site.Post(ctx, repo, lines); err != nil {
			return err
		}
	}
	return b.settle(ctx)
}

// settle waits until all that was stored is folded and can be found: a line that is stored
// last is.
func (b *budgets) settle(ctx context.Context) error {
	if err := b.site.Post(ctx, repo, []string{fmt.Sprintf(`trace{id=last,action=create,data={"name":"last","input":"the last %s"}}`, needle)}); err != nil {
		return err
	}
	return b.found(ctx, needle)
}

func (b *budgets) found(ctx context.Context, word string) error {
	for {
		text, err := b.site.Get(ctx, "/api/v1/repositories/"+repo+"/search?q="+word)
		if err != nil && ctx.Err() != nil {
			return err
		}
		var page struct{ Data []json.RawMessage }
		if err == nil && json.Unmarshal(text, &page) == nil && len(page.Data) > 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("looking for %s: %w", word, err)
		}
	}
}

// turnLines returns the lines of a turn of the last day.
func (b *budgets) turnLines(i int) []string {
	return linesAt(i, b.started.Add(time.Duration(i%86_400-86_400)*time.Second))
}

// linesAt returns the lines of a turn at a time.
func linesAt(i int, begun time.Time) []string {
	id, at := fmt.Sprintf("turn-%07d", i), begun.UTC().Format(time.RFC3339Nano)
	words := fmt.Sprintf("word%d asks about parcel %d", i%5000, i)
	return []string{
		fmt.Sprintf(`trace{id=%s,action=create,data={"name":"turn","sessionId":"s-%d","startTimestamp":"%s","input":"%s"}}`, id, i/20, at, words),
		fmt.Sprintf(`trace{id=%s,action=add-generation,data={"id":"%s-g","name":"plan","model":"gpt-4o","provider":"openai","startTimestamp":"%s","messages":[{"role":"user","content":"%s"}]}}`, id, id, at, words),
		fmt.Sprintf(`generation{id=%s-g,action=result,data={"result":{"id":"r","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"parcel %d is on its way"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":8,"total_tokens":28}}}}`, id, i),
		fmt.Sprintf(`generation{id=%s-g,action=end,data={"endTimestamp":"%s"}}`, id, at),
		fmt.Sprintf(`trace{id=%s,action=add-tool-call,data={"id":"%s-t","name":"parcel","args":"{}","startTimestamp":"%s"}}`, id, id, at),
		fmt.Sprintf(`tool_call{id=%s-t,action=result,data={"result":"on its way"}}`, id),
		fmt.Sprintf(`tool_call{id=%s-t,action=end,data={"endTimestamp":"%s"}}`, id, at),
		fmt.Sprintf(`trace{id=%s,action=add-tag,data={"tags":{"env":"prod"}}}`, id),
		fmt.Sprintf(`trace{id=%s,action=update,data={"output":"parcel %d is on its way"}}`, id, i),
		fmt.Sprintf(`trace{id=%s,action=end,data={"endTimestamp":"%s"}}`, id, at),
	}
}

// spans returns the lines of a trace of n spans, a hundred below each of the first ones.
func spans(id string, n int) []string {
	lines := []string{fmt.Sprintf(`trace{id=%s,action=create,data={"name":"%s","startTimestamp":"2026-11-22T10:00:00Z"}}`, id, id)}
	for i := range n {
		parent := "trace{id=" + id
		if i%100 != 0 {
			parent = fmt.Sprintf("span{id=%s-%d", id, i/100*100)
		}
		lines = append(lines, fmt.Sprintf(`%s,action=add-span,data={"id":"%s-%d","name":"step %d of %s","startTimestamp":"2026-11-22T10:%02d:%02d.%03dZ"}}`,
			parent, id, i, i, id, i/3600%60, i/60%60, i%1000))
	}
	return lines
}

// conversation returns the lines of a session of n turns.
func conversation(session string, n int) []string {
	var lines []string
	for i := range n {
		at := fmt.Sprintf("2026-11-22T%02d:%02d:%02dZ", 1+i/3600, i/60%60, i%60)
		lines = append(lines, fmt.Sprintf(
			`trace{id=%s-%d,action=create,data={"name":"turn %d","sessionId":"%s","startTimestamp":"%s","input":"question %d","output":"answer %d"}}`,
			session, i, i, session, at, i, i))
	}
	return lines
}

// valueLines returns model calls with much in them.
func (b *budgets) valueLines() []string {
	var messages []string
	for i := range 200 {
		messages = append(messages, fmt.Sprintf(`{"role":"%s","content":"message %d, %s"}`, []string{"user", "assistant"}[i%2], i, strings.Repeat("as it is ", 40)))
	}
	generation := func(id, messages string) []string {
		return []string{
			fmt.Sprintf(`trace{id=%s,action=create,data={"name":"%s","startTimestamp":"2026-11-22T10:00:00Z"}}`, id, id),
			fmt.Sprintf(`trace{id=%s,action=add-generation,data={"id":"%s-g","model":"gpt-4o","startTimestamp":"2026-11-22T10:00:00Z","messages":[%s]}}`, id, id, messages),
		}
	}
	text := func(word string) string {
		return fmt.Sprintf(`{"role":"user","content":"%s"}`, strings.Repeat(word+" and so on. ", 64<<10/(len(word)+12)))
	}
	all := generation("many", strings.Join(messages, ","))
	all = append(all, generation("five", fmt.Sprintf(`{"role":"user","content":"%s"}`, strings.Repeat("long line ", 5<<20/10)))...)
	all = append(all, generation("text-a", text("first"))...)
	return append(all, generation("text-b", text("second"))...)
}

package tree

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/pricing"
)

// title returns the display name of a node.
func title(n *fold.Node) string {
	name := n.Name
	if n.Kind == "generation" && n.Model != "" {
		name = strings.TrimSpace(name + " " + n.Model)
		if n.Provider != "" && n.Provider != "unknown" {
			name += " (" + n.Provider + ")"
		}
	}
	if name == "" {
		name = n.ID
	}
	return name
}

// facts returns the result of a node: its state if it has not ended, its duration, and the
// tokens and cost of its whole subtree.
func facts(n *fold.Node) []string {
	var facts []string
	switch n.Status {
	case "open":
		facts = append(facts, "open")
	case "partial":
		facts = append(facts, "its beginning has not arrived")
	}
	if !n.Start.IsZero() && !n.End.IsZero() {
		facts = append(facts, Duration(max(n.End.Sub(n.Start), 0)))
	}
	if skew := Skew(n.Start, n.End); skew != "" {
		facts = append(facts, skew)
	}
	if n.Kind == "session" {
		facts = append(facts, plural(len(n.Children), "trace"))
	}
	usage, cost := sum(n)
	if tokens := Tokens(usage); tokens != "" {
		facts = append(facts, tokens)
	}
	if cost.Total != 0 {
		facts = append(facts, Dollars(cost.Total))
	}
	return facts
}

// sum adds up the usage of the generations in a node's subtree. If there are none it returns
// the node's own usage, so that a wrapper's totals never count twice.
func sum(n *fold.Node) (pricing.Usage, pricing.Cost) {
	var usage pricing.Usage
	var cost pricing.Cost
	generations := 0
	var add func(*fold.Node)
	add = func(n *fold.Node) {
		if n.Kind == protocol.Generation.String() {
			generations++
			usage.Add(n.Usage)
			cost.Add(n.Cost)
		}
		for _, child := range n.Children {
			add(child)
		}
	}
	if add(n); generations == 0 {
		return n.Usage, n.Cost
	}
	return usage, cost
}

// Skew returns a note if end is before start, which happens when the clocks of two machines
// disagree; otherwise "".
func Skew(start, end time.Time) string {
	if start.IsZero() || end.IsZero() || !end.Before(start) {
		return ""
	}
	return "ends " + Duration(start.Sub(end)) + " before it starts"
}

// Duration returns d with two digits or more: 95 µs, 1.4 ms, 12 ms, 1.20 s, 2m05s, 3h10m.
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Truncate(10*time.Millisecond).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}

// Tokens formats input and output tokens as "1,200 + 30 tokens", or the total if only that
// is known; "" if there are none.
func Tokens(u pricing.Usage) string {
	switch {
	case u.Input != 0 || u.Output != 0:
		return thousands(u.Input) + " + " + thousands(u.Output) + " tokens"
	case u.Total != 0:
		return thousands(u.Total) + " tokens"
	}
	return ""
}

// Dollars returns an amount with four decimals below one dollar, else with two.
func Dollars(amount pricing.USD) string {
	if amount >= pricing.Dollar {
		return fmt.Sprintf("$%.2f", dollars(amount))
	}
	if amount > 0 && amount < pricing.Dollar/10_000 {
		return "<$0.0001"
	}
	return fmt.Sprintf("$%.4f", dollars(amount))
}

// dollars returns an amount as a number that is good enough to be printed with a few
// decimals.
func dollars(amount pricing.USD) float64 { return float64(amount) / float64(pricing.Dollar) }

// thousands returns n with commas between groups of three digits.
func thousands(n int64) string {
	digits := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(digits) - 3; i > start; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

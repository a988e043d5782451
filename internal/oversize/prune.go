package oversize

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/troupelog/troupe/internal/jsonscan"
)

// prune shortens JSON that has no long texts left to cut: it keeps as many members of large lists
// and objects as fit. The small members of an object come first, because these are names, times
// and counts.
func (s *shortener) prune(raw []byte) []byte {
	p := pruner{out: make([]byte, 0, s.limit)}
	p.value(raw, s.limit, "")
	s.cuts = append(s.cuts, p.cuts...)
	return p.out
}

// pruner appends values to out, each within a budget in bytes.
type pruner struct {
	out  []byte
	cuts []Cut
}

// least is the smallest budget, in bytes, for which a part of a value is kept.
const least = 64

func (p *pruner) value(raw []byte, budget int, path string) {
	switch {
	case len(raw) <= budget:
		p.out = append(p.out, raw...)
		return
	case raw[0] == '{':
		p.object(raw, budget, path)
		return
	case raw[0] == '[':
		p.list(raw, budget, path)
		return
	case raw[0] == '"' && budget >= 4*least:
		short, kept := shortInside(raw[1:len(raw)-1], (budget-2*least)/2)
		p.out = append(append(append(p.out, '"'), short...), '"')
		p.cuts = append(p.cuts, Cut{path, len(raw) - 2, kept})
		return
	}
	p.out = append(p.out, "null"...)
	p.cuts = append(p.cuts, Cut{path, len(raw), 0})
}

// part is a member of an object or an element of a list.
type part struct {
	key, value []byte
	place      int
}

func (p *pruner) object(raw []byte, budget int, path string) {
	var parts []part
	for m := jsonscan.MembersOf(raw); m.Next(); {
		parts = append(parts, part{m.Key, m.Value, len(parts)})
	}
	// The small members first; the large ones share the rest.
	bySize := slices.Clone(parts)
	slices.SortStableFunc(bySize, func(a, b part) int { return cmp.Compare(len(a.key)+len(a.value), len(b.key)+len(b.value)) })
	room := make([]int, len(parts))
	left := budget - len("{}")
	for i, m := range bySize {
		share := left/(len(bySize)-i) - len(m.key) - len(`"":,`)
		if share < min(least, len(m.value)) {
			continue
		}
		room[m.place] = min(share, len(m.value))
		left -= room[m.place] + len(m.key) + len(`"":,`)
	}
	p.out = append(p.out, '{')
	first, dropped, bytes := true, 0, 0
	for i, m := range parts {
		if room[i] == 0 {
			dropped++
			bytes += len(m.value)
			continue
		}
		if !first {
			p.out = append(p.out, ',')
		}
		first = false
		p.out = append(append(append(p.out, '"'), m.key...), '"', ':')
		p.value(m.value, room[i], member(path, string(m.key[:min(len(m.key), 2*maxName)])))
	}
	p.out = append(p.out, '}')
	p.note(path, dropped, bytes)
}

// list keeps the first elements of a list, or the last ones of a list of messages.
func (p *pruner) list(raw []byte, budget int, path string) {
	elements := jsonscan.ElementsOf(raw)
	n, left := 0, budget-len("[]")
	last := path == "messages"
	if last {
		slices.Reverse(elements)
	}
	for n < len(elements) && len(elements[n])+len(",") <= left {
		left -= len(elements[n]) + len(",")
		n++
	}
	part := n < len(elements) && left > 16*least
	if part {
		n++
	}
	kept, bytes := elements[:n], 0
	for _, e := range elements[n:] {
		bytes += len(e)
	}
	dropped := len(elements) - n
	if last {
		kept = slices.Clone(kept)
		slices.Reverse(kept)
	}
	p.out = append(p.out, '[')
	for i, e := range kept {
		if i > 0 {
			p.out = append(p.out, ',')
		}
		room := len(e)
		if part && (last && i == 0 || !last && i == n-1) {
			room = left - len(",")
		}
		p.value(e, room, fmt.Sprintf("%s[%d]", path, i))
	}
	p.out = append(p.out, ']')
	p.note(path, dropped, bytes)
}

// note records parts that are dropped.
func (p *pruner) note(path string, dropped, bytes int) {
	if dropped > 0 {
		p.cuts = append(p.cuts, Cut{fmt.Sprintf("%s (%d members)", path, dropped), bytes, 0})
	}
}

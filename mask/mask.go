package mask

// What stands in the place of what was found.
const (
	Email = "[email]"
	Key   = "[key]"
	Card  = "[card]"
)

// All returns a function that applies masks, one after the other.
func All(masks ...func(string) string) func(string) string {
	return func(s string) string {
		for _, m := range masks {
			s = m(s)
		}
		return s
	}
}

// replaced builds a text in which some parts are replaced.
type replaced struct {
	text string
	out  []byte // text up to done, with its replacements
	done int
}

// replace replaces a part behind those before.
func (r *replaced) replace(start, end int, with string) {
	r.out = append(append(r.out, r.text[r.done:start]...), with...)
	r.done = end
}

func (r *replaced) String() string {
	if r.done == 0 {
		return r.text
	}
	return string(r.out) + r.text[r.done:]
}

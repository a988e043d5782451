package mask

// The words that replace masked parts. They are part of the API: searches and tests may rely on
// them.
const (
	Email = "[email]" // written by Emails
	Key   = "[key]"   // written by Keys
	Card  = "[card]"  // written by Cards
)

// All returns a function that applies masks one after the other, each to the result of the one
// before. Without masks the function returns its argument. Put Keys last: it replaces the whole
// value of a password, even if Emails or Cards has replaced a part of it before.
func All(masks ...func(string) string) func(string) string {
	return func(s string) string {
		for _, m := range masks {
			s = m(s)
		}
		return s
	}
}

// replaced builds a text in which some parts are replaced. A text without such parts is returned
// as it is, without an allocation: that is the usual case.
type replaced struct {
	text string
	out  []byte // text[:done] with its replacements
	done int    // end of the last replaced part
}

// replace replaces text[start:end], which must lie after all parts replaced before.
func (r *replaced) replace(start, end int, with string) {
	r.out = append(append(r.out, r.text[r.done:start]...), with...)
	r.done = end
}

// String returns the text with its replacements.
func (r *replaced) String() string {
	if r.done == 0 {
		return r.text
	}
	return string(r.out) + r.text[r.done:]
}

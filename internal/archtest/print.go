package archtest

import (
	"fmt"
	"io"
	"strings"
)

// noteLength limits a note in the printed report, in bytes.
const noteLength = 300

// Print writes the report as text: the measures of the module, then of each package.
func (r Report) Print(w io.Writer) error {
	var out strings.Builder
	missed, of := 0, ""
	for _, m := range r.Measures {
		if m.Of != of {
			of = m.Of
			fmt.Fprintf(&out, "\n%s\n", of)
		}
		mark := "ok"
		if !m.good(m.Goal) {
			mark = "--"
			missed++
		}
		fmt.Fprintf(&out, "  %s  %s\n", mark, m)
		if note := m.Note; note != "" && m.Of == "module" {
			if len(note) > noteLength {
				note = strings.ToValidUTF8(note[:noteLength], "") + " …"
			}
			fmt.Fprintf(&out, "          %s\n", note)
		}
	}
	fmt.Fprintf(&out, "\nfiles of package logger, lowest first: %s\n", strings.Join(r.LoggerFiles, " "))
	fmt.Fprintf(&out, "\n%d of %d goals are missed\n", missed, len(r.Measures))
	_, err := io.WriteString(w, out.String())
	return err
}

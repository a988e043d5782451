package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/troupelog/troupe/internal/tree"
)

// terminal returns w as a file if it is a terminal.
func terminal(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	return f, true
}

// options returns the rendering options for w. Only terminals have a width and colours;
// NO_COLOR (https://no-color.org) and TERM=dumb turn colours off.
func options(w io.Writer) tree.Options {
	f, ok := terminal(w)
	if !ok {
		return tree.Options{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		width = 0
	}
	return tree.Options{Width: width, Colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

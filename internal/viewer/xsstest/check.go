package xsstest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Allowed are the elements that HTML may have, each with its attributes: a value, or
// Any, for those whose value may be anything that is escaped.
type Allowed map[string]map[string]string

// Values of attributes in Allowed.
const (
	Any     = "*"       // anything
	Web     = "http"    // an address that begins with http:// or https://
	Digits  = "digits"  // one or more digits
	Classes = "classes" // a class of the package text
)

// classes are the classes of package text.
var classes = []string{"chip", "json", "k", "s", "n", "b", "lines", "kv", "md", "host"}

// Text allows the tags and attributes that package text produces.
var Text = Allowed{
	"a":    {"href": Web, "rel": "noopener noreferrer"},
	"span": {"class": Classes}, "div": {"class": Classes}, "table": {"class": Classes},
	"ol": {"start": Digits}, "ul": {}, "li": {}, "p": {}, "pre": {}, "code": {}, "em": {}, "strong": {}, "mark": {},
	"h3": {}, "h4": {}, "h5": {}, "h6": {}, "details": {}, "summary": {}, "tr": {}, "th": {}, "td": {},
}

// void are elements without an end tag.
var void = []string{"br", "hr", "img", "input", "link", "meta", "wbr", "source"}

// Check returns what is wrong with HTML, nil if nothing is: every < begins a tag of an
// allowed element in lower case with allowed attributes in double quotes, every & a
// character reference that escaping makes, tags are balanced, and no character hides or
// reorders text. It is much stricter than a browser, so nothing can mean something else
// to one.
func Check(html string, allowed Allowed) error {
	c := checker{html: html, allowed: allowed}
	for c.i < len(html) {
		if html[c.i] != '<' {
			if err := c.character(); err != nil {
				return err
			}
			continue
		}
		if err := c.tag(); err != nil {
			return err
		}
	}
	if len(c.open) > 0 {
		return c.fault("<%s> is not closed", c.open[len(c.open)-1])
	}
	return nil
}

// checker is a place in HTML and the elements that are open there.
type checker struct {
	html    string
	i       int
	allowed Allowed
	open    []string
}

func (c *checker) fault(format string, args ...any) error {
	from, to := max(0, c.i-40), min(len(c.html), c.i+40)
	return fmt.Errorf("at byte %d, …%q…: %s", c.i, c.html[from:to], fmt.Sprintf(format, args...))
}

// references are the character references that escaping makes.
var references = []string{"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"}

// character goes over one character of a text or of an attribute's value.
func (c *checker) character() error {
	r, size := utf8.DecodeRuneInString(c.html[c.i:])
	switch {
	case r == '&':
		for _, reference := range references {
			if strings.HasPrefix(c.html[c.i:], reference) {
				c.i += len(reference)
				return nil
			}
		}
		return c.fault("a bare &")
	case r == utf8.RuneError && size == 1:
		return c.fault("a byte that is no UTF-8")
	case r == '"' || r == '\'' || r == '<' || r == '>':
		return c.fault("a bare %q", r)
	case r < ' ' && r != '\n' && r != '\t', r >= 0x7f && r < 0xa0, hidden(r):
		return c.fault("the character %U", r)
	}
	c.i += size
	return nil
}

// hidden reports characters that show or reorder text in ways that readers cannot see.
// Joiners are not among them: some scripts need them.
func hidden(r rune) bool {
	return r == 0xad || r == 0x61c || r == 0x200b || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e ||
		r >= 0x2060 && r <= 0x206f || r == 0xfeff || r >= 0xe0000 && r <= 0xe0fff
}

func (c *checker) tag() error {
	c.i++
	closing := strings.HasPrefix(c.html[c.i:], "/")
	if closing {
		c.i++
	}
	name := c.name()
	attributes, ok := c.allowed[name]
	if !ok {
		return c.fault("the element %q", name)
	}
	if closing {
		if len(c.open) == 0 || c.open[len(c.open)-1] != name {
			return c.fault("</%s> closes nothing", name)
		}
		c.open = c.open[:len(c.open)-1]
	} else {
		for strings.HasPrefix(c.html[c.i:], " ") {
			c.i++
			if err := c.attribute(attributes); err != nil {
				return err
			}
		}
		if !slices.Contains(void, name) {
			c.open = append(c.open, name)
		}
	}
	if !strings.HasPrefix(c.html[c.i:], ">") {
		return c.fault("the tag of %q has something else in it", name)
	}
	c.i++
	return nil
}

// name reads the name of an element or of an attribute.
func (c *checker) name() string {
	begin := c.i
	for c.i < len(c.html) && (c.html[c.i] >= 'a' && c.html[c.i] <= 'z' || c.html[c.i] >= '0' && c.html[c.i] <= '9' || c.html[c.i] == '-') {
		c.i++
	}
	return c.html[begin:c.i]
}

func (c *checker) attribute(allowed map[string]string) error {
	name := c.name()
	rule, ok := allowed[name]
	if !ok {
		return c.fault("the attribute %q", name)
	}
	if !strings.HasPrefix(c.html[c.i:], `="`) {
		return c.fault("the attribute %q has no quoted value", name)
	}
	c.i += 2
	begin := c.i
	for c.i < len(c.html) && c.html[c.i] != '"' {
		if err := c.character(); err != nil {
			return err
		}
	}
	if c.i == len(c.html) {
		return c.fault("the attribute %q does not end", name)
	}
	value := c.html[begin:c.i]
	if !fits(value, rule) {
		return c.fault("the attribute %s=%q", name, value)
	}
	c.i++
	return nil
}

func fits(value, rule string) bool {
	switch rule {
	case Any:
		return true
	case Web:
		return strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "https://")
	case Digits:
		return value != "" && strings.Trim(value, "0123456789") == ""
	case Classes:
		return slices.Contains(classes, value)
	}
	return value == rule
}

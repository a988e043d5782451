// Package text turns logged text into HTML that is safe to show.
//
// It is the only place where the viewer makes a template.HTML. Every byte of input is
// escaped on its way; the only tags in the output are those written here as constants, and
// the only address is the href of a Markdown link, which is http or https. Characters that
// hide or reorder text, such as bidirectional controls and NUL, are shown as chips.
//
// All functions are pure and safe for concurrent use, take time linear in the length of
// their input, and bound their output. Their HTML has these classes:
//
//	chip   a character that cannot be seen, or a summary in place of data
//	json   a JSON document, with white space that counts; in it k is a key, s a string,
//	       n a number, b true, false or null, and lines a text of several lines
//	kv     a table of keys and values
//	md     Markdown; in it host is the host of a link behind it
package text

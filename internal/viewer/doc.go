// Package viewer shows what a collector stores, as web pages: traces, one trace,
// sessions, search, live.
//
// Pages are made on the server with html/template and work without JavaScript, but for
// following live and keys. All state is in the URL; only preferences of a reader, such
// as the theme, are in a cookie. Pages load nothing from elsewhere and run no script but
// their own, which the Content-Security-Policy of every answer holds them to: whatever
// was logged is text.
//
// A page is a file in pages/, a handler in the Go file of its name, and, if it has any,
// styles in css/. The scripts in js/ are served as one file, so are the styles.
package viewer

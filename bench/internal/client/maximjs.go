package client

import _ "embed"

// MaximJS is the name of Maxim's own client for JavaScript. Run does not know it: its
// process is Node.js with MaximJSScript.
const MaximJS = "maxim-js"

// MaximJSScript runs the workload through @maximai/maxim-js. It reads a Spec from
// standard input and writes measure.Figures to standard output.
//
//go:embed maxim.js
var MaximJSScript []byte

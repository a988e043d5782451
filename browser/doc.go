// Package browser tests the viewer as people use it: the real program, a real Chromium.
// It is a module of its own, so that its libraries stay out of what users build.
package browser

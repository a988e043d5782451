// Package browser tests the viewer as people use it: the real program, a real Chromium.
// It is a separate module, so that its libraries stay out of users' builds.
package browser

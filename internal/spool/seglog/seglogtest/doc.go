// Package seglogtest has trials of package seglog that a test runs often and a nightly
// job many times more.
package seglogtest

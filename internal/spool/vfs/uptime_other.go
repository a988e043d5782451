//go:build !linux

package vfs

import "time"

// Uptime returns 0 and 0: here the system does not say which start of the machine this
// is, and how long ago.
func Uptime() (boot uint32, up time.Duration) { return 0, 0 }

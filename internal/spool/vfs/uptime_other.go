//go:build !linux

package vfs

import "time"

// Uptime returns 0 and 0: this system does not identify the start of the machine.
func Uptime() (boot uint32, up time.Duration) { return 0, 0 }

package vfs

import (
	"hash/crc32"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Uptime returns the time since this machine was started, time asleep included, and a number
// for this start, which all containers on the machine share. It returns 0 and 0 if the
// system does not tell. Unlike the time of day, nobody can set it.
func Uptime() (boot uint32, up time.Duration) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil || bootNumber() == 0 {
		return 0, 0
	}
	return bootNumber(), time.Duration(t.Nano())
}

// bootNumber does not change while the process lives.
var bootNumber = sync.OnceValue(func() uint32 {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil || len(id) == 0 {
		return 0
	}
	return crc32.ChecksumIEEE(id) | 1
})

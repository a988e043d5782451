package measure

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// CPU is the processor time this process has used so far, in user and system mode.
func CPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("measure: read the processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// Memory is the resident memory of this process in bytes: now, and at its highest. It
// reads /proc, so it fails on systems other than Linux. Getrusage is no substitute: its
// peak includes the peak of the parent process.
func Memory() (now, peak int64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, fmt.Errorf("measure: read the resident memory: %w", err)
	}
	if now, err = kibibytes(status, "VmRSS:"); err != nil {
		return 0, 0, err
	}
	peak, err = kibibytes(status, "VmHWM:")
	return now, peak, err
}

// kibibytes reads a line such as "VmHWM:	   4728 kB", in bytes.
func kibibytes(status []byte, name string) (int64, error) {
	for line := range bytes.Lines(status) {
		rest, found := bytes.CutPrefix(line, []byte(name))
		if !found {
			continue
		}
		fields := bytes.Fields(rest)
		if len(fields) == 0 {
			break
		}
		n, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("measure: %s in /proc/self/status: %w", name, err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("measure: no %s in /proc/self/status", name)
}

package main

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// usage is the resource use of a process. If the system does not report it, a figure
// is 0.
type usage struct {
	RSS, PeakRSS int64 // bytes
	Files        int   // open ones
	Goroutines   int   // of this process
}

// ownUsage returns the usage of this process.
func ownUsage() usage {
	u := usageOf("self")
	u.Goroutines = runtime.NumGoroutine()
	if files, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.Files = len(files) - 1 // one is the folder's
	}
	return u
}

// usageOf returns the memory of a process.
func usageOf(pid string) (u usage) {
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return u
	}
	u.RSS, u.PeakRSS = kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:")
	return u
}

// cpuOf returns the processor time that a process has used, to a hundredth of a second.
func cpuOf(pid string) time.Duration {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(stat, []byte(") ")) // the name before may have spaces
	fields := strings.Fields(string(after))
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// kilobytes returns a size of a /proc/*/status in bytes.
func kilobytes(status []byte, key string) int64 {
	_, after, _ := bytes.Cut(status, []byte(key))
	line, _, _ := bytes.Cut(after, []byte{'\n'})
	n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(line)), " kB"), 10, 64)
	return n << 10
}

// megabytes is for figures.
func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

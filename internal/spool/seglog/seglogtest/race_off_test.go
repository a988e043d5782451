//go:build !race

package seglogtest

// underRace says that the race detector makes everything ten times as slow.
const underRace = false

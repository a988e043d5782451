package vfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// Crash returns the disk as it may be found after a power loss at this moment; m
// itself goes on, so others may write to it meanwhile. Chosen by rnd, for each file
// and folder on its own:
//
//   - Of the bytes that were written after a file's last Sync, those in a 512-byte
//     sector are all there, all as before, all zero, or garbage. Bytes that were not
//     written since keep their value, in the same sector too.
//   - A file's length is anywhere between the least since its last Sync and the greater
//     of its length then and now.
//   - Creations, renames and removals after a folder's last Sync have happened or not, each
//     name independently; the changes of one name are kept up to some point in their
//     order. A rename has happened as a whole or not at all.
//
// The new disk has no open files and no locks, the same capacity, and all that is on
// it is durable. The same calls and the same seed give the same disk, if m was used by
// one goroutine.
func (m *Mem) Crash(rnd *rand.Rand) *Mem {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	after := &disk{capacity: m.disk.capacity}
	after.top = after.crashDir(m.disk.top, rnd)
	return &Mem{memFolder{disk: after, dir: after.top}}
}

// crashDir returns the folder after the crash: its durable names, and for each group of later
// changes a random number of the first ones.
func (d *disk) crashDir(old *memDir, rnd *rand.Rand) *memDir {
	names := maps.Clone(old.durable)
	for _, group := range grouped(old.pending) {
		for _, c := range group[:rnd.IntN(len(group)+1)] {
			c.apply(names)
		}
	}
	dir := newMemDir()
	dir.modTime = old.modTime
	for _, name := range slices.Sorted(maps.Keys(names)) {
		switch n := names[name].(type) {
		case *memDir:
			dir.now[name] = d.crashDir(n, rnd)
		case *memFile:
			dir.now[name] = d.crashFile(n, rnd)
		}
	}
	dir.durable = maps.Clone(dir.now)
	return dir
}

// grouped splits changes into groups by name; a rename joins the groups of its two names.
// Within a group the changes keep their order.
func grouped(changes []dirChange) [][]dirChange {
	leader := map[string]string{}
	find := func(name string) string {
		for leader[name] != "" {
			name = leader[name]
		}
		return name
	}
	for _, c := range changes {
		if c.from != "" && c.to != "" && find(c.from) != find(c.to) {
			leader[find(c.from)] = find(c.to)
		}
	}
	var groups [][]dirChange
	number := map[string]int{}
	for _, c := range changes {
		name := find(max(c.from, c.to)) // either, if there are two
		i, ok := number[name]
		if !ok {
			i = len(groups)
			number[name] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], c)
	}
	return groups
}

// crashFile returns the file after the crash: its durable content with a random length, and a
// random fate for each sector that was written since.
func (d *disk) crashFile(old *memFile, rnd *rand.Rand) *memFile {
	content := resized(slices.Clone(old.durable), crashLength(old, rnd))
	for _, n := range slices.Sorted(maps.Keys(old.dirty)) {
		crashSector(content, old, n, rnd)
	}
	d.used += int64(len(content))
	return &memFile{
		now: content, durable: slices.Clone(content), dirty: map[int64]*sector{},
		shortest: int64(len(content)), modTime: old.modTime, named: true,
	}
}

// crashLength returns a length that the file may have, often one of whole sectors.
func crashLength(f *memFile, rnd *rand.Rand) int64 {
	low, high := f.shortest, int64(max(len(f.durable), len(f.now)))
	n := low + rnd.Int64N(high-low+1)
	switch rnd.IntN(4) {
	case 0:
		return max(low, n/sectorSize*sectorSize)
	case 1:
		return int64(len(f.now)) // metadata often gets ahead of the data
	}
	return n
}

// crashSector decides the fate of the bytes of sector n that are not durable.
func crashSector(content []byte, old *memFile, n int64, rnd *rand.Rand) {
	changed := old.dirty[n]
	start := n * sectorSize
	end := min(start+sectorSize, int64(len(content)), int64(len(old.now)))
	fate := rnd.IntN(5)
	for i := start; i < end; i++ {
		if !changed.has(i - start) {
			continue
		}
		switch fate {
		case 0: // as before
		case 1:
			content[i] = 0
		case 2:
			content[i] = byte(rnd.Uint32())
		default:
			content[i] = old.now[i]
		}
	}
}

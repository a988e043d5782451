package seglog

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/troupelog/troupe/internal/spool/vfs"
)

const (
	cursorName = "cursor"
	cursorTemp = "cursor.new"
	slotSize   = blockSize
	cursorSize = 2 * slotSize
)

// cursor is one of the two slots of the cursor file:
//
//	 0  acked       u64  everything up to it is done
//	 8  last        u64  the last record that is known to be durable
//	16  time        i64  when it was written, nanoseconds since 1970; nobody relies on it
//	24  generation  u64  one more than in the other slot
//	32  origin      16 bytes of the process that wrote it
//	48  clock       u32  seconds on the clock of the log, at least 1
//	52  boot        u32  the start of the machine; 0: not known
//	56  up          u32  seconds that the machine was up then
//	60  crc         u32  CRC32C of bytes 0 to 59
//
// In versions 1 and 2 last and all from origin to up are zero. The slots are written in
// turn, so that one of them is whole at any time.
type cursor struct {
	acked      uint64
	last       uint64
	generation uint64
	origin     [16]byte
	stamp      stamp
}

// appendCursor appends a slot to dst. The checksum comes last and covers the rest.
func appendCursor(dst []byte, c cursor, now time.Time) []byte {
	var b [slotSize]byte
	order.PutUint64(b[0:], c.acked)
	order.PutUint64(b[8:], c.last)
	order.PutUint64(b[16:], uint64(now.UnixNano()))
	order.PutUint64(b[24:], c.generation)
	copy(b[32:], c.origin[:])
	order.PutUint32(b[48:], c.stamp.clock)
	order.PutUint32(b[52:], c.stamp.boot)
	order.PutUint32(b[56:], c.stamp.up)
	order.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return append(dst, b[:]...)
}

// parseCursor returns the newest valid slot of a cursor file, and how many of the two are
// valid. One flipped bit in a slot is put right.
func parseCursor(b []byte) (c cursor, slot, valid int) {
	for i := range 2 {
		if len(b) < (i+1)*slotSize {
			break
		}
		s := b[i*slotSize : (i+1)*slotSize]
		if !checked(s) {
			whole, ok := mend(s)
			if !ok {
				continue
			}
			s = whole
		}
		if order.Uint64(s) > maxSeq || order.Uint64(s[8:]) > maxSeq {
			continue
		}
		if n := order.Uint64(s[24:]); valid == 0 || n > c.generation {
			c, slot = cursor{
				acked: order.Uint64(s), last: order.Uint64(s[8:]), generation: n, origin: [16]byte(s[32:]),
				stamp: stamp{clock: order.Uint32(s[48:]), boot: order.Uint32(s[52:]), up: order.Uint32(s[56:])},
			}, i
		}
		valid++
	}
	return c, slot, valid
}

// cursorFile stores the cursor. It is used by Open, and then by the committer.
type cursorFile struct {
	fs   vfs.FS
	file vfs.File // nil if the file has to be created again
	last cursor   // the durable state
	slot int      // the slot that holds last
	// sure reports that both slots were valid. If not, there may have been a newer one, and
	// missing records may be those that it had acknowledged.
	sure bool
	buf  [slotSize]byte // scratch of write
}

// errCursor explains why everything that is on disk is sent again.
var errCursor = errors.New("seglog: the cursor is damaged or missing: entries that were delivered may be sent again, and whether any are missing before the first segment or after the last is not known")

// errSlot explains why some of the records on disk may be sent again.
var errSlot = errors.New("seglog: one of the two slots of the cursor is damaged, as a loss of power may leave it: entries that were delivered last may be sent again, and some that were written last may be missing")

// load reads the stored cursor into last. If the file is damaged, last holds the slot that
// could be read; if there is none, load returns errCursor. Other errors come from the file
// system.
func (c *cursorFile) load() error {
	file, err := c.fs.OpenFile(cursorName, os.O_RDWR)
	if err != nil {
		return err
	}
	b := make([]byte, cursorSize)
	n, err := file.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = file.Close()
		return err
	}
	last, slot, valid := parseCursor(b[:n])
	c.last, c.slot, c.sure = last, slot, valid == 2
	if valid == 0 || n < cursorSize {
		_ = file.Close()
	} else {
		c.file = file
	}
	if valid == 0 {
		return errCursor
	}
	return nil
}

// store makes next durable, under the next generation. After an error the file is made
// anew by the next call, because a file whose sync failed is not to be trusted.
func (c *cursorFile) store(next cursor) error {
	next.generation = c.last.generation + 1
	if c.file == nil {
		return c.replace(next)
	}
	err := c.write(next)
	if err == nil {
		err = c.file.Sync()
	}
	if err != nil {
		c.close()
		return fmt.Errorf("seglog: store the cursor: %w", err)
	}
	c.last, c.slot = next, 1-c.slot
	return nil
}

// write writes into the slot that does not count.
func (c *cursorFile) write(next cursor) error {
	_, err := c.file.WriteAt(appendCursor(c.buf[:0], next, time.Now()), int64(1-c.slot)*slotSize)
	return err
}

// note writes next into the same slot as store, without a sync: it survives the process but
// perhaps not a loss of power. In that case the other slot, which store synced, counts.
func (c *cursorFile) note(next cursor) {
	if c.file == nil {
		return
	}
	next.generation = c.last.generation + 1
	if c.write(next) != nil {
		c.close() // the next store makes it anew, and reports it if that fails
	}
}

// make makes the file where there is none.
func (c *cursorFile) make(next cursor) error {
	if c.file != nil {
		return nil
	}
	next.generation = c.last.generation + 1
	return c.replace(next)
}

// replace makes a new cursor file in place of the one that is there.
func (c *cursorFile) replace(next cursor) error {
	file, err := c.fs.OpenFile(cursorTemp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if errors.Is(err, vfs.ErrUnsafe) {
		if err = c.fs.Remove(cursorTemp); err == nil {
			file, err = c.fs.OpenFile(cursorTemp, os.O_RDWR|os.O_CREATE|os.O_EXCL)
		}
	}
	if err != nil {
		return fmt.Errorf("seglog: make a cursor: %w", err)
	}
	b := appendCursor(nil, next, time.Now())
	if _, err = file.WriteAt(append(b, b...), 0); err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = c.fs.Rename(cursorTemp, cursorName)
	}
	if err == nil {
		err = c.fs.Sync()
	}
	if err == nil {
		c.file, err = c.fs.OpenFile(cursorName, os.O_RDWR)
	}
	if err != nil {
		return fmt.Errorf("seglog: make a cursor: %w", err)
	}
	c.last, c.slot = next, 0
	return nil
}

// close closes the file. The next store or make creates a new one.
func (c *cursorFile) close() {
	if c.file != nil {
		_ = c.file.Close() // it is synced, or given up
		c.file = nil
	}
}

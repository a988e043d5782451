//go:build unix

package private

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openFlags prevent an open from following a link and from waiting for the other end of a FIFO.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// others are the permission bits of everybody but the owner.
const others fs.FileMode = 0o077

// checkOwner returns an error if a file belongs to another user or has a second name, through
// which others could change it. The administrator may use the files of others.
func checkOwner(info fs.FileInfo, path string) error {
	stat := info.Sys().(*syscall.Stat_t)
	if me := os.Geteuid(); me != 0 && int(stat.Uid) != me {
		return fmt.Errorf("%w: user %d owns %s, and this process runs as user %d: change its owner, or remove it", ErrUnsafe, stat.Uid, path, me)
	}
	if stat.Nlink != 1 {
		return fmt.Errorf("%w: %s has %d names (hard links), so it can be changed from elsewhere: remove the others", ErrUnsafe, path, stat.Nlink)
	}
	return nil
}

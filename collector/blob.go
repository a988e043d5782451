package collector

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"runtime"
	"strings"

	"github.com/troupelog/troupe/internal/private"
	"github.com/troupelog/troupe/internal/protocol"
)

// largeLogs is the part of a key that marks lines uploaded because they are large.
const largeLogs = "/large-logs/"

// blobs are uploaded files in a folder that nothing outside can be reached from.
// A file's name is the hash of its key; the key itself is data, in the header that
// each file begins with: one line of JSON.
type blobs struct{ root *os.Root }

// blobHeader is the header of a file.
type blobHeader struct {
	Key  string `json:"key"`
	MIME string `json:"mime_type"`
}

func openBlobs(dir string) (*blobs, error) {
	if _, err := private.Folder(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	b := &blobs{root}
	if err := b.tidy(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return b, nil
}

// partial ends the name of a file that is being written.
const partial = ".part"

// tidy removes what uploads left behind that a killed process did not finish.
func (b *blobs) tidy() error {
	parts, err := fs.Glob(b.root.FS(), "*"+partial)
	for _, part := range parts {
		err = errors.Join(err, b.root.Remove(part))
	}
	return err
}

func (b *blobs) close() error { return b.root.Close() }

func blobName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// put stores a file under a key, all or nothing, in place of one that was there.
// When it returns nil the file survives the loss of power.
func (b *blobs) put(key, mimeType string, content io.Reader) error {
	var random [8]byte
	rand.Read(random[:])
	name := blobName(key)
	part := name + "." + hex.EncodeToString(random[:]) + partial
	f, err := b.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = writeBlob(f, blobHeader{key, mimeType}, content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = b.root.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, b.root.Remove(part))
	}
	return b.syncDir()
}

// errContent marks an error of the sender, not of the disk.
var errContent = errors.New("the content could not be read")

func writeBlob(f *os.File, header blobHeader, content io.Reader) error {
	line, err := json.Marshal(header)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		return err
	}
	source := &sourceReader{Reader: content}
	if _, err := io.Copy(f, source); err != nil {
		if source.err != nil {
			return fmt.Errorf("%w: %w", errContent, source.err)
		}
		return err
	}
	return f.Sync()
}

// sourceReader remembers that reading failed, as io.Copy does not tell.
type sourceReader struct {
	io.Reader
	err error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// bodyOrStorage tells what put failed with to the sender.
func bodyOrStorage(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &Error{"too_large", "the file is larger than the size that was asked for"}
	case errors.Is(err, errContent):
		return errIncomplete
	default:
		return err
	}
}

// syncDir makes a renamed file's name durable, where a folder can be synced.
func (b *blobs) syncDir() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := b.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// blob is an open file.
type blob struct {
	blobHeader
	file *os.File
	from int64 // where the content begins
	size int64 // bytes of the content
}

// get opens the file of a key, or returns nil if there is none. Close it.
func (b *blobs) get(key string) (*blob, error) {
	f, err := b.root.Open(blobName(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	opened, err := readBlob(f)
	if err != nil || opened.Key != key {
		return nil, errors.Join(err, f.Close())
	}
	return opened, nil
}

func readBlob(f *os.File) (*blob, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the header of an uploaded file: %w", err)
	}
	b := &blob{file: f, from: int64(len(line)), size: info.Size() - int64(len(line))}
	if err := json.Unmarshal(line, &b.blobHeader); err != nil {
		return nil, fmt.Errorf("the header of an uploaded file: %w", err)
	}
	if _, _, err := mime.ParseMediaType(b.MIME); err != nil {
		b.MIME = "application/octet-stream"
	}
	return b, nil
}

func (b *blob) content() *io.SectionReader { return io.NewSectionReader(b.file, b.from, b.size) }

func (b *blob) close() { b.file.Close() } //nolint:errcheck // it was only read, or its write is given up

// belongsTo reports whether a key is one of a repository.
func belongsTo(repo, key string) bool { return strings.HasPrefix(key, repo+"/") }

// LargeLog implements store.Blobs.
func (b *blobs) LargeLog(_ context.Context, repo, key string) ([]byte, error) {
	if !belongsTo(repo, key) {
		return nil, nil
	}
	opened, err := b.get(key)
	if err != nil || opened == nil {
		return nil, err
	}
	defer opened.close()
	if opened.size > protocol.MaxDecodedBody {
		return nil, nil
	}
	return io.ReadAll(opened.content())
}

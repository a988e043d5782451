package sqlite

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
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/troupelog/troupe/internal/private"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

// Files is a store.Files in a folder. It opens files through an os.Root, so no key and no
// link can lead outside. The name of a file is the SHA-256 of its key; the key itself is
// data, in the header of the file: one line of JSON.
type Files struct{ root *os.Root }

var _ store.Files = (*Files)(nil)

// fileHeader is the first line of a file.
type fileHeader struct {
	Key  string `json:"key"`
	MIME string `json:"mime_type"`
}

// partialSuffix ends the name of a file that is being written.
const partialSuffix = ".part"

// OpenFiles opens a folder of uploads and creates it if it does not exist. It removes the
// incomplete files of a killed process. Close the Files.
func OpenFiles(dir string) (*Files, error) {
	if _, err := private.Folder(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &Files{root}
	if err := f.removePartial(); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return f, nil
}

func (f *Files) removePartial() error {
	parts, err := fs.Glob(f.root.FS(), "*"+partialSuffix)
	for _, part := range parts {
		err = errors.Join(err, f.root.Remove(part))
	}
	return err
}

// Close releases the folder. Open files stay readable.
func (f *Files) Close() error { return f.root.Close() }

// FileName returns the name, within the folder, of the file with a key.
func FileName(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Put implements store.Files. The content goes to a partial file, which is synced and
// renamed: a crash leaves the earlier file or the new one, never a mixture.
func (f *Files) Put(_ context.Context, key, mime string, content io.Reader) error {
	var random [8]byte
	rand.Read(random[:])
	name := FileName(key)
	part := name + "." + hex.EncodeToString(random[:]) + partialSuffix
	file, err := f.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = writeUpload(file, fileHeader{key, mime}, content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = f.root.Rename(part, name)
	}
	if err != nil {
		return errors.Join(err, f.root.Remove(part))
	}
	return f.syncFolder()
}

func writeUpload(file *os.File, header fileHeader, content io.Reader) error {
	line, err := json.Marshal(header)
	if err != nil {
		return err
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		return err
	}
	source := &sourceReader{Reader: content}
	if _, err := io.Copy(file, source); err != nil {
		if source.err != nil {
			return fmt.Errorf("%w: %w", store.ErrContent, source.err)
		}
		return err
	}
	return file.Sync()
}

// sourceReader keeps the error of its reader, because io.Copy does not distinguish read
// errors from write errors.
type sourceReader struct {
	io.Reader
	err error
}

// Read implements io.Reader.
func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// syncFolder makes the name of a renamed file durable. Windows cannot sync a folder.
func (f *Files) syncFolder() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := f.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// content is the part of an open file behind its header.
type content struct {
	*io.SectionReader
	file *os.File
}

// Close implements io.Closer.
func (c content) Close() error { return c.file.Close() }

// Open implements store.Files.
func (f *Files) Open(_ context.Context, repo, key string) (*store.File, error) {
	opened, _, err := f.open(repo, key)
	return opened, err
}

// open returns the file with a key and the size of its content in bytes.
func (f *Files) open(repo, key string) (*store.File, int64, error) {
	if !strings.HasPrefix(key, repo+"/") {
		return nil, 0, store.ErrNotFound
	}
	file, err := f.root.Open(FileName(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, store.ErrNotFound
	}
	if err != nil {
		return nil, 0, err
	}
	header, section, err := readHeader(file)
	if err == nil && header.Key != key {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return &store.File{ReadSeekCloser: content{section, file}, MIME: header.MIME}, section.Size(), nil
}

func readHeader(file *os.File) (header fileHeader, content *io.SectionReader, err error) {
	info, err := file.Stat()
	if err != nil {
		return header, nil, err
	}
	line, err := bufio.NewReader(file).ReadBytes('\n')
	if err != nil {
		return header, nil, fmt.Errorf("the header of an uploaded file: %w", err)
	}
	if err := json.Unmarshal(line, &header); err != nil {
		return header, nil, fmt.Errorf("the header of an uploaded file: %w", err)
	}
	if _, _, err := mime.ParseMediaType(header.MIME); err != nil {
		header.MIME = "application/octet-stream"
	}
	from := int64(len(line))
	return header, io.NewSectionReader(file, from, info.Size()-from), nil
}

// LargeLog implements store.LargeLogs. An upload larger than a log request may be counts
// as missing.
func (f *Files) LargeLog(_ context.Context, repo, key string) ([]byte, error) {
	file, size, err := f.open(repo, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	if size > protocol.MaxDecodedBody {
		return nil, nil
	}
	return io.ReadAll(file)
}

// Oldest implements store.Files.
func (f *Files) Oldest(_ context.Context, fn func(stored time.Time, bytes int64) bool) error {
	stored, err := f.list()
	for _, info := range stored {
		if !fn(info.ModTime(), info.Size()) {
			break
		}
	}
	return err
}

// Prune implements store.Files.
func (f *Files) Prune(_ context.Context, before time.Time) error {
	stored, err := f.list()
	if err != nil {
		return err
	}
	for _, info := range stored {
		if !info.ModTime().Before(before) {
			break
		}
		if err := f.root.Remove(info.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("deleting uploads: %w", err)
		}
	}
	return nil
}

// list returns the complete files, oldest first.
func (f *Files) list() ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("listing uploads: %w", err)
	}
	var stored []fs.FileInfo
	for _, entry := range entries {
		info, err := entry.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed since the folder was read
		case err != nil:
			return nil, fmt.Errorf("listing uploads: %w", err)
		case info.Mode().IsRegular() && !strings.HasSuffix(info.Name(), partialSuffix):
			stored = append(stored, info)
		}
	}
	slices.SortFunc(stored, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	return stored, nil
}

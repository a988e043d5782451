package delivery

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupelog/troupe/internal/spool"
	"github.com/troupelog/troupe/internal/spool/seglog"
)

// A process that dies between putting a job back and acknowledging it leaves it twice,
// with one content: it is one entry, and no dead letter.
func TestAJobThatIsInTheSpoolTwiceIsOneEntry(t *testing.T) {
	dir, name := t.TempDir(), blobName(7)
	sp := openSpool(t, dir, nil)
	if _, err := sp.PutBlob(name, strings.NewReader("content"), 100); err != nil {
		t.Fatal(err)
	}
	job := spool.Upload{Blob: name, Size: 7, MIME: "text/plain", Key: "repo/files/" + name, Line: []byte(attachmentLine(name))}
	other := job
	other.Attempt = 1
	last := sp.Uploads.Append([]seglog.Item{
		{Kind: seglog.Attachment, Data: spool.AppendUpload(nil, &job)},
		{Kind: seglog.Attachment, Data: spool.AppendUpload(nil, &other)},
	})
	if err := sp.Uploads.Sync(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if err := sp.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := newServer()
	r := open(t, s, dir, Config{})
	r.flush()
	if a := r.Counters(); a.Recovered != 1 || a.Delivered != 1 || a.Dead != 0 {
		t.Errorf("account %+v, want one entry, delivered", a)
	}
	if diff := cmp.Diff([]string{attachmentLine(name)}, s.taken()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	r.close()
}

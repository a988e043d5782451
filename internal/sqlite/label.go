package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/troupelog/troupe/internal/fold"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

const (
	// maxLabels limits the labels of a trace. Searches do not find a trace by further ones.
	maxLabels = 64
	// maxLabel limits the key and the value of a label, in bytes each.
	maxLabel = 200
)

// label is a field value by which traces can be filtered.
type label struct {
	field      int64
	key, value string
}

// Fields of labels. They are stored: never change their numbers.
var labelFields = map[store.Field]int64{
	store.FieldModel: 1, store.FieldTool: 2, store.FieldTag: 3, store.FieldMeta: 4,
	store.FieldName: 5, store.FieldHas: 6, store.FieldIs: 7,
}

// clipLabel shortens s to maxLabel bytes, at the start of a character.
func clipLabel(s string) string {
	if len(s) <= maxLabel {
		return s
	}
	end := maxLabel
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

func newLabel(field store.Field, key, value string) label {
	return label{labelFields[field], clipLabel(key), clipLabel(value)}
}

// labelsOf returns the labels that an entity contributes to its trace.
func labelsOf(e *fold.Entity) []label {
	var labels []label
	switch {
	case e.Ref.Kind == protocol.Generation && e.Model != "":
		labels = append(labels, newLabel(store.FieldModel, "", e.Model))
	case e.Ref.Kind == protocol.ToolCall && e.Name != "":
		labels = append(labels, newLabel(store.FieldTool, "", e.Name))
	case e.Ref.Kind == protocol.Trace && e.Name != "":
		labels = append(labels, newLabel(store.FieldName, "", e.Name))
	}
	for k, v := range e.Tags {
		labels = append(labels, newLabel(store.FieldTag, k, v))
	}
	for k, v := range e.Meta {
		labels = append(labels, newLabel(store.FieldMeta, k, v))
	}
	return labels
}

// sameLabels reports whether two states of an entity surely have the same labels.
func sameLabels(a, b *fold.Entity) bool {
	return a.Model == b.Model && a.Name == b.Name && maps.Equal(a.Tags, b.Tags) && maps.Equal(a.Meta, b.Meta)
}

// Labels that follow from sums.
var (
	hasError      = newLabel(store.FieldHas, "", "error")
	hasFeedback   = newLabel(store.FieldHas, "", "feedback")
	hasAttachment = newLabel(store.FieldHas, "", "attachment")
	isOrphan      = newLabel(store.FieldIs, "", "orphan")
)

// labelKey is a label in a repository.
type labelKey struct {
	repo int64
	label
}

// findLabel returns the number of a label, 0 if no trace ever had it.
func findLabel(ctx context.Context, q queryer, k labelKey) (number int64, err error) {
	err = q.QueryRowContext(ctx, `SELECT label FROM labels WHERE repo = ? AND field = ? AND key = ? AND value = ?`,
		k.repo, k.field, k.key, k.value).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return number, err
}

// labelNumber returns the number of a label, which it gets if it has none.
func (s *step) labelNumber(k labelKey) (int64, error) {
	if n, ok := s.x.labels.get(k); ok {
		return n, nil
	}
	n, err := findLabel(s.ctx, s.x.conn, k)
	if err == nil && n == 0 {
		k.key, k.value = strings.Clone(k.key), strings.Clone(k.value)
		err = s.x.conn.QueryRowContext(s.ctx, `INSERT INTO labels (repo, field, key, value) VALUES (?, ?, ?, ?) RETURNING label`,
			k.repo, k.field, k.key, k.value).Scan(&n)
	}
	if err == nil {
		s.x.labels.put(k, n)
	}
	return n, err
}

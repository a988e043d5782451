package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// questions of each kind.
const collectorAsks = 200

// ask asks questions one after the other, and shows how long the answers took.
func (l *load) ask(key string, bound float64, path func(i int) string) error {
	var took histogram
	for i := range collectorAsks {
		start := time.Now()
		if err := l.get(path(i)); err != nil {
			return err
		}
		took.add(time.Since(start))
	}
	q := took.quantiles()
	l.soonEnough(key+"_p50", float64(q.P50.Microseconds())/1000, bound)
	l.note(key+"_p99", ms(q.P99))
	return nil
}

func (l *load) get(path string) (err error) {
	req, err := http.NewRequestWithContext(l.ctx, http.MethodGet, l.server.URL()+"/api/v1/repositories/harness"+path, nil)
	if err != nil {
		return err
	}
	answer, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, answer.Status)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

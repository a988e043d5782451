package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/troupelog/troupe/internal/otlp"
	"github.com/troupelog/troupe/internal/protocol"
	"github.com/troupelog/troupe/internal/store"
)

var errMediaType = &Error{"unsupported", "the Content-Type must be application/x-protobuf or application/json"}

// ingestOTLP stores the spans of an OTLP/HTTP export request, in parts, and answers as the OTLP
// specification demands once all are on disk. If a part cannot be stored, the request fails;
// parts that the exporter sends again are stored once.
func (s *Server) ingestOTLP(w http.ResponseWriter, r *http.Request) error {
	s.service.Counters().Requests.Add(1)
	// The format decides how even errors are encoded, so it is read first.
	format, ok := otlp.ParseFormat(r.Header.Get("Content-Type"))
	if !ok {
		s.failOTLP(w, r, otlp.JSON, errMediaType)
		return nil
	}
	result, duplicates, err := s.storeOTLP(w, r, format)
	if err != nil {
		s.failOTLP(w, r, format, err)
		return nil
	}
	reason := ""
	if result.Rejected > 0 {
		reason = result.Reason
	}
	s.service.Counters().Answered(duplicates, result.Rejected, reason)
	s.answerOTLP(w, format, http.StatusOK, otlp.Success(format, result.Rejected, result.Reason))
	return nil
}

// storeOTLP stores the spans of a request and counts the lines that had been stored before,
// without the lines that each part of a request repeats.
func (s *Server) storeOTLP(w http.ResponseWriter, r *http.Request, format otlp.Format) (result otlp.Result, duplicates int, err error) {
	repo, err := repositoryOTLP(r)
	if err != nil {
		return otlp.Result{}, 0, err
	}
	share := share{budget: &s.memory}
	defer share.release()
	body, err := readBody(w, r, &share)
	if err != nil {
		return otlp.Result{}, 0, err
	}
	// Lines are larger than the spans that they come from. Storing them in parts bounds the
	// memory of a request to one part beside its body.
	result, err = otlp.Convert(body, format, repo, func(part []otlp.Batch) error {
		batches, size := batchesOf(part)
		defer share.giveBack(size)
		// Taken from the same share as the body: the limit holds for the request as a whole.
		if err := share.take(size); err != nil {
			return err
		}
		receipts, err := s.service.Append(r.Context(), batches)
		if err != nil {
			return s.storageError(r, err)
		}
		for i, receipt := range receipts {
			if !part[i].Repeated {
				duplicates += receipt.Duplicate
			}
		}
		return nil
	})
	if errors.Is(err, otlp.ErrMalformed) {
		return otlp.Result{}, 0, badRequest(err.Error())
	}
	return result, duplicates, err
}

// batchesOf converts batches for the service and returns the size of their lines in bytes.
func batchesOf(converted []otlp.Batch) (batches []store.Batch, size int) {
	// All lines of a part were received at one time.
	recv := time.Now()
	for _, b := range converted {
		batches = append(batches, store.Batch{Repo: b.Repo, Spool: b.Sender, First: b.First, Recv: recv, Lines: b.Lines})
		for _, line := range b.Lines {
			size += len(line)
		}
	}
	return batches, size
}

// repositoryOTLP returns the repository that a request names, in the parameter id or in
// protocol.HeaderRepository, or "" if it names none: then it is the service.name of the spans.
func repositoryOTLP(r *http.Request) (string, error) {
	if parameter(r, "id") != "" {
		return repositoryParameter(r, "id")
	}
	repo := r.Header.Get(protocol.HeaderRepository)
	if len(repo) > maxRepository {
		return "", badRequest("the header " + protocol.HeaderRepository + " is too long for the name of a log repository")
	}
	return repo, nil
}

// codesOTLP maps the codes of errors to google.rpc.Code.
var codesOTLP = map[string]int{
	"bad_request": otlp.InvalidArgument, "unsupported": otlp.InvalidArgument, "too_large": otlp.InvalidArgument,
	"unauthorized": otlp.Unauthenticated, "too_many": otlp.ResourceExhausted, "unavailable": otlp.Unavailable,
}

// failOTLP answers with a google.rpc.Status. Errors that pass get a status for which exporters
// send again.
func (s *Server) failOTLP(w http.ResponseWriter, r *http.Request, format otlp.Format, err error) {
	public := publicError(err)
	switch public.Code {
	// Exporters send again after 503, but not after 408.
	case "incomplete":
		public = &Error{"unavailable", public.Message}
	case "internal":
		s.logFailure(r, "request failed", err)
	}
	if public.Code == "unavailable" || public.Code == "too_many" {
		w.Header().Set("Retry-After", "1")
	}
	code, ok := codesOTLP[public.Code]
	if !ok {
		code = otlp.Internal
	}
	s.answerOTLP(w, format, statuses[public.Code], otlp.Failure(format, code, public.Message))
}

// answerOTLP sends an encoded answer. Exporters demand the format of their request, for errors
// too.
func (s *Server) answerOTLP(w http.ResponseWriter, format otlp.Format, status int, body []byte) {
	w.Header().Set("Content-Type", format.ContentType())
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil { //nolint:gosec // JSON or protobuf, as the Content-Type says
		s.logger.Debug("answering failed", "status", status, "error", err) // the exporter has gone
	}
}

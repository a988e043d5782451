package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// parameter returns a decoded parameter of the query. SDKs write keys and MIME types into
// URLs without escaping them, so "+" and ";" may be literal. They leave "/" bare, too, which
// form encoding never does: of a value with a bare slash, only % escapes are decoded.
func parameter(r *http.Request, name string) string {
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key != name {
			continue
		}
		decode := url.QueryUnescape
		if strings.Contains(value, "/") {
			decode = url.PathUnescape
		}
		// A value with a malformed escape is taken literally, as SDKs mean it.
		decoded, err := decode(value)
		if err != nil {
			return value
		}
		return decoded
	}
	return ""
}

// maxRepository limits the id of a repository, in bytes.
const maxRepository = 256

// repositoryParameter returns the repository that a parameter names.
func repositoryParameter(r *http.Request, name string) (string, error) {
	repo := parameter(r, name)
	if repo == "" || len(repo) > maxRepository {
		return "", badRequest("the parameter " + name + " must name a log repository, in at most " +
			strconv.Itoa(maxRepository) + " bytes")
	}
	return repo, nil
}

// count returns a parameter that is a number of at least least, or other if the parameter is
// absent. Numbers above most are lowered to it.
func count(r *http.Request, name string, least, most, other uint64) (uint64, error) {
	value := parameter(r, name)
	if value == "" {
		return other, nil
	}
	// Too large a number is lowered, so that clients need not know the limits of a version.
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n < least {
		return 0, badRequest("the parameter " + name + " must be a number, and at least " + strconv.FormatUint(least, 10))
	}
	return min(n, most), nil
}

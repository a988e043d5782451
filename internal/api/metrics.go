package api

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newAnswers adds the counter of answers to the metrics of a service.
func newAnswers(registry *prometheus.Registry) *prometheus.CounterVec {
	answers := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "troupe_http_answers_total", Help: "Answers by route and status. Addresses without a route count as none.",
	}, []string{"route", "status"})
	registry.MustRegister(answers)
	return answers
}

// countAnswer counts an answer by its route, a pattern of the mux. "/" matches everything that
// no other pattern does.
func (s *Server) countAnswer(route string, status int) {
	if route == "" || route == "/" {
		route = "none"
	}
	// Labels come from the list of routes: clients cannot create new time series.
	s.answers.WithLabelValues(route, strconv.Itoa(status)).Inc()
}

// Metrics answers with the metrics in the text format of Prometheus. It asks for no API key:
// serve it only where everybody who can connect may read them. With the key they are at
// /metrics, too.
func (s *Server) Metrics() http.Handler {
	return promhttp.HandlerFor(s.service.Registry(), promhttp.HandlerOpts{})
}

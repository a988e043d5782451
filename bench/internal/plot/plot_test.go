package plot_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupelog/troupe/bench/internal/plot"
)

// saved draws a chart and returns the file, which must be well formed.
func saved(t *testing.T, c plot.Chart) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chart.svg")
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return string(svg)
		} else if err != nil {
			t.Fatalf("the file is not XML: %v", err)
		}
	}
}

func TestChartNamesItsContent(t *testing.T) {
	c := plot.Chart{
		Title: "Cost per turn", XLabel: "turns", YLabel: "µs per turn", LogX: true,
		Series: []plot.Series{
			{Name: "CPU", X: []float64{1e3, 1e4, 1e6}, Y: []float64{20, 18, 17}},
			{Name: "caller", X: []float64{1e3, 1e4, 1e6}, Y: []float64{8, 7, 6.5}},
		},
	}
	svg := saved(t, c)
	for _, text := range []string{"Cost per turn", "turns", "µs per turn", "CPU", "caller", ">1k<", ">10k<", ">1M<", ">10<"} {
		if !strings.Contains(svg, text) {
			t.Errorf("the chart lacks %q", text)
		}
	}
	if !strings.Contains(svg, "fill:#FFFFFF") {
		t.Error("the background is not white")
	}
}

func TestLinearAxisBeginsAtZero(t *testing.T) {
	svg := saved(t, plot.Chart{Series: []plot.Series{{Name: "a", X: []float64{0, 100, 200}, Y: []float64{1, 20, 300}}}})
	if !strings.Contains(svg, ">0<") {
		t.Error("the axis has no 0")
	}
}

func TestChartThatCannotBeSavedFails(t *testing.T) {
	c := plot.Chart{Series: []plot.Series{{Name: "a", X: []float64{1, 2}, Y: []float64{1, 2}}}}
	if err := c.Save(filepath.Join(t.TempDir(), "missing", "chart.svg")); err == nil {
		t.Error("no error")
	}
}

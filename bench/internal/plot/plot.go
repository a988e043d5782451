// Package plot draws line charts as SVG files.
package plot

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	width  = 16 * vg.Centimeter
	height = 10 * vg.Centimeter

	// headroom is the share of the axis above the largest value, for the legend.
	headroom = 0.35
)

// Series is one line of a chart.
type Series struct {
	Name string
	X, Y []float64 // equally many
}

// Chart describes a drawing. The Y axis is logarithmic, so values of Y are above 0.
type Chart struct {
	Title, XLabel, YLabel string // labels with their unit
	LogX                  bool   // then values of X are above 0
	Series                []Series
}

// The colours of series, from the palette of Okabe and Ito: distinguishable by
// everybody.
var colours = []color.RGBA{{0, 114, 178, 255}, {213, 94, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}}

// Save writes the chart to a file whose name ends in .svg. Its background is white, so
// that it is read on a dark page as well.
func (c Chart) Save(path string) error {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.XLabel, c.YLabel
	p.Title.Padding, p.X.Padding, p.Y.Padding = vg.Points(8), vg.Points(4), vg.Points(4)
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, decades{}
	if c.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, decades{}
	}
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(2)
	p.Add(plotter.NewGrid())
	for i, s := range c.Series {
		if err := c.add(p, s, colours[i%len(colours)]); err != nil {
			return fmt.Errorf("plot: %s of %q: %w", s.Name, c.Title, err)
		}
	}
	p.Y.Min = decade(p.Y.Min)
	p.Y.Max *= math.Pow(p.Y.Max/p.Y.Min, headroom)
	if err := p.Save(width, height, path); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// add draws one series.
func (c Chart) add(p *plot.Plot, s Series, colour color.RGBA) error {
	points := make(plotter.XYs, len(s.X))
	for i := range points {
		points[i] = plotter.XY{X: s.X[i], Y: s.Y[i]}
	}
	line, marks, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = colour, vg.Points(1.5)
	marks.Color, marks.Shape, marks.Radius = colour, draw.CircleGlyph{}, vg.Points(2.5)
	p.Add(line, marks)
	p.Legend.Add(s.Name, line, marks)
	return nil
}

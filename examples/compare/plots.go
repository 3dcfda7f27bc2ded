package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// picture is a plot, as PNG.
type picture struct {
	File, Title, Note string
	PNG, Dark         []byte // on white, and on a dark page
}

// theme is what a plot is drawn with: Okabe and Ito's colours, which most people can tell apart, on a background of its own.
type theme struct {
	paper, ink, grid                color.Color
	inside, elsewhere, failed, calm color.Color
}

var (
	light = theme{
		paper: color.White, ink: color.RGBA{R: 27, G: 27, B: 27, A: 255}, grid: color.Gray{Y: 215},
		inside: color.RGBA{R: 0, G: 114, B: 178, A: 255}, elsewhere: color.RGBA{R: 230, G: 159, B: 0, A: 255},
		failed: color.RGBA{R: 213, G: 94, B: 0, A: 255}, calm: color.RGBA{R: 0, G: 158, B: 115, A: 255},
	}
	dark = theme{
		paper: color.RGBA{R: 27, G: 27, B: 27, A: 255}, ink: color.RGBA{R: 232, G: 232, B: 232, A: 255}, grid: color.Gray{Y: 70},
		inside: color.RGBA{R: 86, G: 180, B: 233, A: 255}, elsewhere: color.RGBA{R: 240, G: 228, B: 66, A: 255},
		failed: color.RGBA{R: 255, G: 130, B: 70, A: 255}, calm: color.RGBA{R: 60, G: 200, B: 155, A: 255},
	}
)

// of is a contender's colour.
func (t theme) of(contender string) color.Color {
	switch contender {
	case pinned:
		return t.elsewhere
	case ours:
		return t.inside
	case observe:
		return t.calm
	}
	return t.ink
}

// plot is an empty one, with a grid.
func (t theme) plot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = t.paper
	for _, c := range []*color.Color{
		&p.Title.TextStyle.Color, &p.Legend.TextStyle.Color, &p.X.Label.TextStyle.Color, &p.Y.Label.TextStyle.Color,
		&p.X.Tick.Label.Color, &p.Y.Tick.Label.Color, &p.X.Color, &p.Y.Color, &p.X.Tick.Color, &p.Y.Tick.Color,
	} {
		*c = t.ink
	}
	p.Legend.Padding = vg.Points(2)
	lines := plotter.NewGrid()
	lines.Vertical.Color, lines.Horizontal.Color = t.grid, t.grid
	p.Add(lines)
	return p
}

// both draws on white and on a dark page.
func both(draw func(theme) ([]byte, error)) (onWhite, onDark []byte, err error) {
	if onWhite, err = draw(light); err == nil {
		onDark, err = draw(dark)
	}
	return onWhite, onDark, err
}

// pictures are the latency of each cell, and calls through each fault.
func (r Report) pictures() (all []picture, err error) {
	for _, s := range r.Steady {
		p := picture{
			File:  fmt.Sprintf("latency-%s-%s-%d.png", slug(s.Setting), slug(s.Workload), s.Callers),
			Title: fmt.Sprintf("%s: %s, %s", s.Setting, s.Workload, callers(s.Callers)),
		}
		if p.PNG, p.Dark, err = both(func(t theme) ([]byte, error) { return s.cdf(t, p.Title) }); err != nil {
			return nil, fmt.Errorf("%s: %w", p.File, err)
		}
		if p.PNG != nil {
			all = append(all, p)
		}
	}
	for _, f := range r.Faults {
		if len(f.outages) == 0 {
			continue
		}
		p := picture{
			File:  fmt.Sprintf("fault-%s.png", slug(f.Fault)),
			Title: fmt.Sprintf("%s: %s", f.Fault, f.Workload),
			Note:  "The first round. A point is a call: when it began and how long it took. Between the dashed lines: the fault.",
		}
		if p.PNG, p.Dark, err = both(f.timeline); err != nil {
			return nil, fmt.Errorf("%s: %w", p.File, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// cdf is the part of the calls that took no longer than so many milliseconds. It is nil if no call was answered.
func (s Steady) cdf(in theme, title string) ([]byte, error) {
	p := in.plot()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "milliseconds", "part of the calls answered by then"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, milliTicks{}
	p.Y.Min, p.Y.Max = 0, 1
	p.Legend.XOffs, p.Legend.YOffs = -vg.Points(6), vg.Points(6)
	empty := true
	for _, t := range s.taken {
		sorted := milliseconds(t.samples)
		if len(sorted) == 0 {
			p.Legend.Add(t.contender + ": none answered")
			continue
		}
		empty = false
		points := make(plotter.XYs, len(sorted))
		for i, x := range sorted {
			points[i] = plotter.XY{X: x, Y: float64(i+1) / float64(len(t.samples))}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.StepStyle = plotter.PostStep
		line.Width, line.Color = vg.Points(1.5), in.of(t.contender)
		if t.contender == observe {
			line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		}
		p.Add(line)
		p.Legend.Add(t.contender, line)
	}
	if empty {
		return nil, nil
	}
	canvas := newCanvas(in.paper, 16*vg.Centimeter, 10*vg.Centimeter)
	p.Draw(draw.New(canvas))
	return encode(canvas)
}

// timeline has one strip for each contender, with a point for each call: when it began, and how long it took. Observing has none: its calls go where the bare SDK's do.
func (f Fault) timeline(in theme) ([]byte, error) {
	o := f.outages[0].only([]string{bare, pinned, ours})
	strips := make([][]*plot.Plot, len(o.all))
	least, most, last := math.Inf(1), 0.0, 0.0
	for _, t := range o.all {
		for _, s := range t.samples {
			least, most, last = min(least, ms(s.Took)), max(most, ms(s.Took)), max(last, s.At.Seconds())
		}
	}
	least, most = least/1.3, most*1.3 // room for the points at the edges
	for i, t := range o.all {
		p := in.plot()
		p.Title.Text = t.contender
		p.Y.Label.Text = "ms"
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, milliTicks{}
		p.Legend.Top, p.Legend.XOffs = true, -vg.Points(6)
		var inside, elsewhere, failed plotter.XYs
		for _, s := range t.samples {
			at := plotter.XY{X: s.At.Seconds(), Y: ms(s.Took)}
			switch {
			case s.Err != nil:
				failed = append(failed, at)
			case s.Home:
				inside = append(inside, at)
			default:
				elsewhere = append(elsewhere, at)
			}
		}
		for _, of := range []struct {
			points plotter.XYs
			name   string
			color  color.Color
			shape  draw.GlyphDrawer
			radius vg.Length
		}{
			{inside, "in the zone", in.inside, draw.CircleGlyph{}, 1.5},
			{elsewhere, "in another", in.elsewhere, draw.CircleGlyph{}, 1.5},
			{failed, "failed", in.failed, draw.CrossGlyph{}, 2.5},
		} {
			if len(of.points) == 0 {
				continue
			}
			points, err := plotter.NewScatter(of.points)
			if err != nil {
				return nil, err
			}
			points.GlyphStyle = draw.GlyphStyle{Color: of.color, Shape: of.shape, Radius: vg.Points(float64(of.radius))}
			p.Add(points)
			p.Legend.Add(of.name, points)
		}
		for _, moment := range []float64{o.struck.Seconds(), o.repaired.Seconds()} {
			line, err := plotter.NewLine(plotter.XYs{{X: moment, Y: least}, {X: moment, Y: most}})
			if err != nil {
				return nil, err
			}
			line.Dashes, line.Color = []vg.Length{vg.Points(3), vg.Points(2)}, in.failed
			p.Add(line)
		}
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1.3*last, least, most // the same for all, and room for the legend beside the points
		if i == len(o.all)-1 {
			p.X.Label.Text = "seconds"
		}
		strips[i] = []*plot.Plot{p}
	}
	canvas := newCanvas(in.paper, 18*vg.Centimeter, vg.Length(len(strips))*4.5*vg.Centimeter)
	tiles := draw.Tiles{Rows: len(strips), Cols: 1, PadY: vg.Points(6), PadTop: vg.Points(4), PadBottom: vg.Points(4), PadRight: vg.Points(8)}
	for i, row := range plot.Align(strips, tiles, draw.New(canvas)) {
		strips[i][0].Draw(row[0])
	}
	return encode(canvas)
}

// milliTicks are powers of ten as plain numbers, with two marks between, which have numbers only where there are few.
type milliTicks struct{}

// Ticks implements [plot.Ticker].
func (milliTicks) Ticks(low, high float64) (ticks []plot.Tick) {
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, digit := range []float64{1, 2, 5} {
			if x := digit * math.Pow(10, power); x >= low && x <= high {
				tick := plot.Tick{Value: x}
				if digit == 1 || high/low < 100 {
					tick.Label = fmt.Sprintf("%g", x)
				}
				ticks = append(ticks, tick)
			}
		}
	}
	return ticks
}

func newCanvas(paper color.Color, width, height vg.Length) *vgimg.Canvas {
	return vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(144), vgimg.UseBackgroundColor(paper))
}

func encode(c *vgimg.Canvas) ([]byte, error) {
	var out bytes.Buffer
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(&out)
	return out.Bytes(), err
}

// slug is fit for a file's name.
func slug(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') }), "-")
}

package main

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"html/template"
	"os"
	"path/filepath"
	"regexp"
)

//go:embed report.html.tmpl
var page string

// writeFiles writes the report as HTML, with its plots in it, and as JSON, and each plot as PNG. It makes the directory.
func (r Report) writeFiles(dir string) error {
	pictures, err := r.pictures()
	if err != nil {
		return err
	}
	html, err := r.html(pictures)
	if err != nil {
		return err
	}
	figures, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	err = os.MkdirAll(dir, 0o755)
	write := func(name string, content []byte) {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	if err == nil {
		write("report.html", html)
		write("report.json", append(figures, '\n'))
		for _, p := range pictures {
			write(p.File, p.PNG)
		}
	}
	return err
}

// html is one file that needs no other.
func (r Report) html(pictures []picture) ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"data":        func(png []byte) template.URL { return template.URL(data(png)) },
		"set":         func(png []byte) template.Srcset { return template.Srcset(data(png)) },
		"columnClass": columnClass,
		"cellClass":   cellClass,
		"begins": func(g grid, row int) bool {
			for _, begin := range g.groups {
				if begin == row {
					return true
				}
			}
			return false
		},
	}).Parse(page)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, struct {
		Made, Headline string
		Verdict        []string
		Grids          []grid
		Pictures       []picture
	}{r.Made.Format("2 January 2006, 15:04 UTC"), r.headline(), r.verdict(), r.grids(), pictures})
	return out.Bytes(), err
}

func data(png []byte) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(png)
}

// columnClass has columns of figures end at one line. Ratios, which have an interval behind them, begin at one.
func columnClass(g grid, column int) string {
	for _, row := range g.Rows {
		if !isFigure.MatchString(row[column]) {
			return ""
		}
	}
	return "figure"
}

var isFigure = regexp.MustCompile(`^(|-|no|not seen|[<>]?-?[0-9.]+( s|%)?)$`)

// longest is how many characters a cell may have that isn't broken into lines.
const longest = 26

func cellClass(cell string) string {
	switch verdict := Verdict(cell); {
	case verdict == Met, verdict == Missed, verdict == Unclear:
		return " " + cell
	case len(cell) > longest:
		return " long"
	}
	return ""
}

package main

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// report is what was found.
type report struct {
	Verdict   string    `json:"verdict"` // "fine", "problems" or "unknown"
	Zone      whereAmI  `json:"zone"`
	From      string    `json:"endpoints_from"`
	Endpoints []*exam   `json:"endpoints"`
	Gain      *gain     `json:"gain,omitempty"`
	Findings  []finding `json:"findings"` // those that aren't about one endpoint
	Notes     []string  `json:"notes,omitempty"`
	TookMS    float64   `json:"took_ms"`

	snapshot string // the file that was written
}

type whereAmI struct {
	Name     string  `json:"name,omitempty"`
	ID       string  `json:"id,omitempty"`
	NameUsed string  `json:"name_used,omitempty"` // in endpoints' names: their owner's
	Source   string  `json:"source,omitempty"`
	TookMS   float64 `json:"took_ms"`
	Error    string  `json:"error,omitempty"`
}

func newReport(from string, where zone.Answer, zoneErr error, took time.Duration, plan resolver.Snapshot) *report {
	rep := &report{
		From: from, Endpoints: []*exam{}, Notes: plan.Notes,
		Zone: whereAmI{Name: where.Zone.Name, ID: where.Zone.ID, NameUsed: plan.ZoneName, Source: where.Source, TookMS: inMillis(took)},
	}
	if zoneErr != nil {
		rep.Zone.Error = oneLine(zoneErr)
	}
	return rep
}

// leaveOutNotes leaves out those that say, host by host, what there is a finding for.
func (rep *report) leaveOutNotes() {
	rep.Notes = slices.DeleteFunc(rep.Notes, func(note string) bool {
		return slices.ContainsFunc(rep.Endpoints, func(x *exam) bool {
			return x.route.Reason == resolver.FreePath && strings.Contains(note, x.ID) && strings.HasSuffix(note, x.endpoint.FreePath)
		})
	})
}

// tally counts what was found.
func (rep *report) tally() (problems, advices, unchecked int) {
	count := func(findings []finding) {
		for _, f := range findings {
			if f.Level == problem {
				problems++
			} else {
				advices++
			}
		}
	}
	count(rep.Findings)
	for _, x := range rep.Endpoints {
		count(x.Findings)
		if x.Verdict == notExamined {
			unchecked++
		}
	}
	return problems, advices, unchecked
}

// exitCode is for scripts: a problem that was found stays one, whatever else could not be looked at.
func (rep *report) exitCode() int {
	problems, _, unchecked := rep.tally()
	switch {
	case problems > 0:
		return exitProblems
	case unchecked > 0:
		return exitUnknown
	}
	return exitFine
}

func (rep *report) writeJSON(w io.Writer) error {
	if rep.Findings == nil {
		rep.Findings = []finding{}
	}
	rep.Verdict = [...]string{exitFine: "fine", exitProblems: "problems", exitUnknown: "unknown"}[rep.exitCode()]
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(rep)
}

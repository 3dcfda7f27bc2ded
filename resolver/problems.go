package resolver

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is something that keeps requests from this zone, or would keep them from leaving it
// when it fails.
type Problem struct {
	// Code is one word for programs, which stays what it is: "off", "observe", "shifted-away",
	// "no-zone", "zone-unnamed", "zone-stale", "no-endpoints", "catalog-stale", "ejected",
	// "comparing", "hosts-ejected", "not-in-zone", "not-routed", "note" or "panics".
	Code string
	// What is wrong, and what to Do about it, are for people, a sentence or two each. Do is
	// empty if there is nothing to do.
	What string
	Do   string `json:",omitempty"`
	// Endpoints are the IDs of those that it is about; none: it is about all of them.
	Endpoints []string `json:",omitempty"`
}

// withProblems is the snapshot with what is wrong by it. The remarks are of those who use the
// resolver.
func withProblems(s Snapshot, remarks []string) Snapshot {
	s.Problems = slices.Concat(s.problemsOfMode(), s.problemsOfZone(), s.problemsOfCatalog(), s.problemsOfEndpoints())
	for _, text := range remarks {
		p := Problem{Code: "note", What: sentence(text)}
		if i := strings.LastIndex(text, ": "); i > 0 {
			p.What, p.Do = sentence(text[:i]), sentence(text[i+2:])
		}
		s.Problems = append(s.Problems, p)
	}
	if s.Panics > 0 {
		s.Problems = append(s.Problems, Problem{Code: "panics", What: fmt.Sprintf("%d panics of sources, dialers or log handlers were caught.", s.Panics), Do: "See the log, which has the first of each kind."})
	}
	if s.Problems == nil {
		s.Problems = []Problem{} // in JSON a list even if empty
	}
	return s
}

func (s *Snapshot) problemsOfMode() (list []Problem) {
	switch s.Mode {
	case Off:
		list = append(list, Problem{Code: "off", What: "The mode is off: requests go where the SDK sends them.", Do: "Set " + EnvMode + "=prefer, or call SetMode, to have them go to this zone."})
	case Observe:
		list = append(list, Problem{Code: "observe", What: "The mode is observe: requests go where the SDK sends them, and what would have been is counted.", Do: "Set " + EnvMode + "=prefer, or call SetMode, to have them go to this zone."})
	}
	if !s.ShiftedAwayUntil.IsZero() {
		list = append(list, s.problemOfShift())
	}
	return list
}

func (s *Snapshot) problemOfShift() Problem {
	until, do := " until "+s.ShiftedAwayUntil.UTC().Format("2006-01-02 15:04:05 UTC"), "It ends by itself. ShiftAway with a time that has passed ends it at once."
	if s.ShiftedAwayUntil.Equal(openEnd) {
		until = ""
	}
	if s.ShiftedAwayBy != byCall {
		do = "It ends when its source says so."
	}
	return Problem{Code: "shifted-away", What: fmt.Sprintf("A zonal shift keeps requests away from this zone%s: %s wants it.", until, s.ShiftedAwayBy), Do: do}
}

func (s *Snapshot) problemsOfZone() (list []Problem) {
	switch {
	case s.ZoneName == "" && s.Zone.ID != "":
		list = append(list, Problem{Code: "zone-unnamed", What: fmt.Sprintf("Requests are not kept in the zone: it is known by its ID %s, and no name is known for that.", s.Zone.ID), Do: "Set AZAFFINITY_ZONE_NAMES, or AZAFFINITY_ZONE to the zone's name, or list the zones along with the endpoints."})
	case s.ZoneName == "" && s.ZoneError == "":
		list = append(list, Problem{Code: "no-zone", What: "Requests are not kept in the zone: it is not known yet.", Do: "Wait: its source is being asked."})
	case s.ZoneName == "":
		list = append(list, Problem{Code: "no-zone", What: "Requests are not kept in the zone: it can't be found out. " + sentence(s.ZoneError), Do: "Set AZAFFINITY_ZONE, or see that the source of the zone can be reached. It is asked again and again."})
	case s.ZoneError != "":
		list = append(list, Problem{Code: "zone-stale", What: "The zone could not be found out again, so what was known stays in use. " + sentence(s.ZoneError)})
	}
	return list
}

func (s *Snapshot) problemsOfCatalog() (list []Problem) {
	const do = "Set AZAFFINITY_ENDPOINTS or AZAFFINITY_ENDPOINTS_FILE, or see that the source of the endpoints can be reached. It is asked again and again."
	switch {
	case s.CatalogTime.IsZero() && s.CatalogError == "":
		list = append(list, Problem{Code: "no-endpoints", What: "The endpoints are not known yet.", Do: "Wait: their source is being asked."})
	case s.CatalogTime.IsZero():
		list = append(list, Problem{Code: "no-endpoints", What: "The endpoints can't be read. " + sentence(s.CatalogError), Do: do})
	case s.CatalogError != "":
		list = append(list, Problem{Code: "catalog-stale", What: "The endpoints could not be read again, so those that were known stay in use. " + sentence(s.CatalogError)})
	case len(s.Endpoints) == 0:
		list = append(list, Problem{Code: "no-endpoints", What: "No interface endpoint is listed: requests go where the SDK sends them.", Do: do})
	}
	return list
}

func (s *Snapshot) problemsOfEndpoints() (list []Problem) {
	about := func(is func(e *EndpointState) bool, code, do, format string, args ...any) {
		var ids, services []string
		for i := range s.Endpoints {
			if e := &s.Endpoints[i]; is(e) {
				ids, services = append(ids, e.ID), append(services, e.Service)
			}
		}
		if len(ids) > 0 {
			what := fmt.Sprintf(format, append([]any{enumerate(services)}, args...)...)
			list = append(list, Problem{Code: code, What: what, Do: do, Endpoints: ids})
		}
	}
	for _, c := range causesOf(s.Endpoints) {
		about(func(e *EndpointState) bool { return e.Ejected && e.EjectedFor == c }, "ejected", remedyOf(c),
			"The zonal name of %s is ejected: %s.", c.Meaning())
	}
	about(func(e *EndpointState) bool { return !e.Ejected && e.Reason == Unhealthy }, "comparing", "Wait: an answer, or a failure, decides.",
		"The zonal name of %s gives server errors: requests go elsewhere, to find out whether that is better.")
	about(func(e *EndpointState) bool { return e.EjectedHosts > 0 }, "hosts-ejected", "See the last failure. Names with a dot have no certificate under S3's.",
		"Some hosts under the zonal name of %s are ejected, such as buckets'.")
	about(func(e *EndpointState) bool { return e.Reason == NotInZone }, "not-in-zone", "Add a subnet of the zone to the endpoint.",
		"%s: not in %s, so requests go to other zones.", s.ZoneName)
	about(func(e *EndpointState) bool { return e.Reason == NoEndpoint }, "not-routed", "See the notes: a host may have to be among its private DNS names.",
		"%s: no request goes to the endpoint, since no host of an SDK client leads there, or another endpoint serves it.")
	return list
}

// causesOf are those that endpoints' names are ejected for.
func causesOf(endpoints []EndpointState) (causes []Cause) {
	for _, e := range endpoints {
		if e.Ejected && !slices.Contains(causes, e.EjectedFor) {
			causes = append(causes, e.EjectedFor)
		}
	}
	slices.Sort(causes)
	return causes
}

// remedyOf is what to do about a name that is ejected. It is tried again without anybody's help.
func remedyOf(c Cause) string {
	switch c {
	case CauseAbsent:
		return "Add a subnet of the zone to the endpoint. If it has one, see that the zone's name is spelled as the endpoint's owner spells it (AZAFFINITY_ZONE_NAMES)."
	case CauseDNS:
		return "See that this machine asks the VPC's DNS resolver, and that it answers."
	case CauseConnect, CauseTimeout:
		return "If it lasts, let the endpoint's security group accept TCP 443 from here, and look at network ACLs and routes."
	case CauseCertificate, CauseTLS:
		return "See who answers at its address: a proxy on the way, or DNS that isn't AWS's."
	}
	return "Wait: it is tried again. If it lasts, ask AWS, and shift away from the zone (ShiftAway)."
}

// enumerate names the first few: "sqs, kms and 3 more".
func enumerate(names []string) string {
	const most = 6
	if n := len(names) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n)
	}
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " and " + names[n]
	}
	return names[0]
}

// sentence is a text with a capital in front and a full stop behind.
func sentence(text string) string {
	first, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(text[n:], ".") + "."
}

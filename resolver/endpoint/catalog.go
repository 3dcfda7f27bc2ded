package endpoint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Normalize returns the catalogue with the fields filled in that can be read
// from the endpoints' names, each endpoint once, or an error that names the
// first value that no request may be sent to or for. A resolver calls it on what
// any source says. The catalogue itself stays as it is.
func (c Catalog) Normalize() (Catalog, error) {
	c, err := c.clone().normalize()
	if err != nil {
		return Catalog{}, fmt.Errorf("endpoint: %w", err)
	}
	return c, nil
}

func (c Catalog) normalize() (Catalog, error) {
	for i := range c.Endpoints {
		if err := c.Endpoints[i].normalize(); err != nil {
			return Catalog{}, err
		}
	}
	var zones zoneMap
	for _, id := range slices.Sorted(maps.Keys(c.ZoneNames)) {
		if err := checkZone(id, c.ZoneNames[id]); err != nil {
			return Catalog{}, err
		}
		if err := zones.add(id, c.ZoneNames[id]); err != nil {
			return Catalog{}, err
		}
	}
	for i := range c.Subnets {
		if err := c.Subnets[i].normalize(); err != nil {
			return Catalog{}, err
		}
	}
	return merge(c), nil
}

func (c Catalog) clone() Catalog {
	c.Endpoints = slices.Clone(c.Endpoints)
	for i, e := range c.Endpoints {
		c.Endpoints[i].Zonal = maps.Clone(e.Zonal)
		c.Endpoints[i].Hosts = slices.Clone(e.Hosts)
	}
	c.ZoneNames = maps.Clone(c.ZoneNames)
	c.Subnets = slices.Clone(c.Subnets)
	c.Notes = slices.Clone(c.Notes)
	return c
}

// normalize fills in what Regional tells and checks everything that becomes
// part of a host.
func (e *Endpoint) normalize() error {
	n, err := split(e.Regional)
	if err != nil {
		return err
	}
	if n.zone != "" {
		return fmt.Errorf("%s is the zonal name of %s: want the regional one, %s", quote(e.Regional), n.zone, quote(n.regional()))
	}
	e.Regional = n.regional() // "*." for whatever an S3 name had in its place
	if e.ID == "" {
		e.ID = n.id
	}
	if e.ID != n.id {
		return fmt.Errorf("endpoint %s: its regional name %s belongs to %s", quote(e.ID), quote(e.Regional), n.id)
	}
	if e.Service == "" {
		e.Service = n.service
	}
	if e.Service != n.service {
		return fmt.Errorf("endpoint %s: its regional name %s is not one of the service %s", e.ID, quote(e.Regional), quote(e.Service))
	}
	if e.Region == "" {
		e.Region = n.region
	}
	if !IsRegion(e.Region) {
		return fmt.Errorf("endpoint %s: %s is not a Region", e.ID, quote(e.Region))
	}
	var fault error
	var in string // the first zone with a fault: a map has no order
	for zone := range e.Zonal {
		if err := e.normalizeZonal(zone, n); err != nil && (fault == nil || zone < in) {
			fault, in = err, zone
		}
	}
	if fault != nil {
		return fault
	}
	for _, host := range e.Hosts {
		if why := n.privateFault(host); why != "" {
			return fmt.Errorf("endpoint %s: its private DNS name %s can't be one: %s", e.ID, quote(host), why)
		}
	}
	return nil
}

// normalizeZonal does that for the name in a zone; n is the regional one.
func (e *Endpoint) normalizeZonal(zone string, n name) error {
	z, err := split(e.Zonal[zone])
	switch {
	case err != nil:
		return fmt.Errorf("endpoint %s in %s: %w", e.ID, quote(zone), err)
	case z.zone == "" || z.zone != zone || !z.sameEndpoint(n):
		return fmt.Errorf("endpoint %s: %s is not its name in the zone %s", e.ID, quote(e.Zonal[zone]), quote(zone))
	case e.Zonal[zone] != z.dnsName:
		e.Zonal[zone] = z.dnsName
	}
	return nil
}

// merge joins normalized catalogues, of which the earlier ones win. It may keep
// and change what they refer to.
func merge(catalogs ...Catalog) Catalog {
	var all Catalog
	var zones zoneMap
	type but struct{ id, tail string } // all but the endpoint's own part of its name
	at := map[but]int{}                // its index in all
	for _, c := range catalogs {
		all.Endpoints = slices.Grow(all.Endpoints, len(c.Endpoints))
		for _, e := range c.Endpoints {
			_, tail, _ := strings.Cut(bare(e.Regional), ".")
			i, ok := at[but{e.ID, tail}]
			if !ok {
				at[but{e.ID, tail}] = len(all.Endpoints)
				all.Endpoints = append(all.Endpoints, e)
				continue
			}
			if have := &all.Endpoints[i]; bare(have.Regional) == bare(e.Regional) {
				have.fill(e)
			} else {
				c.note("%s has two names: %s is used, and %s is not", e.ID, have.Regional, e.Regional)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(c.ZoneNames)) {
			name := c.ZoneNames[id]
			switch err := zones.add(id, name); {
			case err == nil:
			case zones.names[id] != "":
				c.note("the zone %s has two names: %s is used, and %s is not", id, zones.names[id], name)
			default:
				c.note("the zones %s and %s have one name: %s is %s, and %s has none", zones.ids[name], id, name, zones.ids[name], id)
			}
		}
		all.Notes = append(all.Notes, c.Notes...)
		all.addSubnets(c.Subnets)
	}
	all.ZoneNames, all.Notes = zones.names, firstNotes(all.Notes)
	return all
}

// firstNotes are as many as a catalogue has.
func firstNotes(all []string) []string {
	if n := len(all); n > maxNotes {
		return append(all[:maxNotes-1], fmt.Sprintf("and %d notes more", n-maxNotes+1))
	}
	return all
}

// zoneMap has the zone names of one account, by ID and the other way round.
type zoneMap struct{ names, ids map[string]string }

// add puts in a zone that checkZone has passed. A map that contradicts itself is
// several accounts': the letters of one physical zone differ between them.
func (z *zoneMap) add(id, name string) error {
	if had, ok := z.names[id]; ok && had != name {
		return fmt.Errorf("the zone %s has two names, %s and %s: want one account's", id, had, name)
	}
	if had, ok := z.ids[name]; ok && had != id {
		return fmt.Errorf("the zones %s and %s have one name, %s: want one account's", had, id, name)
	}
	if z.names == nil {
		z.names, z.ids = map[string]string{}, map[string]string{}
	}
	z.names[id], z.ids[name] = name, id
	return nil
}

// fill takes from another description of the endpoint what this one doesn't say.
func (e *Endpoint) fill(more Endpoint) {
	if e.Zonal == nil {
		e.Zonal = more.Zonal
	}
	for zone, name := range more.Zonal {
		if _, ok := e.Zonal[zone]; !ok {
			e.Zonal[zone] = name
		}
	}
	if e.Hosts == nil {
		e.Hosts, e.PrivateDNS = more.Hosts, e.PrivateDNS || more.PrivateDNS
	}
	if more.FreePath == "" {
		e.FreePath = ""
	}
}

// maxNotes bounds what a catalogue of thousands of odd endpoints leaves in a log.
const maxNotes = 50

func (c *Catalog) note(format string, args ...any) { (*notes)(&c.Notes).add(format, args...) }

// notes are a catalogue's. Of a million, those that will never be shown are empty.
type notes []string

func (n *notes) add(format string, args ...any) {
	text := ""
	if len(*n) < maxNotes {
		text = fmt.Sprintf(format, args...)
	}
	*n = append(*n, text)
}

// bare is a name without the star of S3's names.
func bare(name string) string { return strings.TrimPrefix(name, "*.") }

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
	for _, id := range slices.Sorted(maps.Keys(c.ZoneNames)) {
		if err := checkZone(id, c.ZoneNames[id]); err != nil {
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
	for _, zone := range slices.Sorted(maps.Keys(e.Zonal)) {
		z, err := split(e.Zonal[zone])
		if err != nil {
			return fmt.Errorf("endpoint %s in %s: %w", e.ID, quote(zone), err)
		}
		if z.zone == "" || z.zone != zone || bare(z.regional()) != bare(e.Regional) {
			return fmt.Errorf("endpoint %s: %s is not its name in the zone %s", e.ID, quote(e.Zonal[zone]), quote(zone))
		}
		e.Zonal[zone] = z.zonal()
	}
	for _, host := range e.Hosts {
		if why := n.privateFault(host); why != "" {
			return fmt.Errorf("endpoint %s: its private DNS name %s can't be one: %s", e.ID, quote(host), why)
		}
	}
	return nil
}

// merge joins normalized catalogues, of which the earlier ones win. It may keep
// and change what they refer to.
func merge(catalogs ...Catalog) Catalog {
	var all Catalog
	at := map[string]int{} // all but the endpoint's own part of its name -> where it is in all
	for _, c := range catalogs {
		for _, e := range c.Endpoints {
			_, tail, _ := strings.Cut(bare(e.Regional), ".")
			i, ok := at[e.ID+"."+tail]
			if !ok {
				at[e.ID+"."+tail] = len(all.Endpoints)
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
			if all.ZoneNames == nil {
				all.ZoneNames = map[string]string{}
			}
			if had, ok := all.ZoneNames[id]; ok && had != name {
				c.note("the zone %s has two names: %s is used, and %s is not", id, had, name)
				continue
			}
			all.ZoneNames[id] = name
		}
		all.Notes = append(all.Notes, c.Notes...)
	}
	if n := len(all.Notes); n > maxNotes {
		all.Notes = append(all.Notes[:maxNotes-1], fmt.Sprintf("and %d notes more", n-maxNotes+1))
	}
	return all
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

// addHost adds a private DNS name as AWS lists it. While one of them is being
// set up, none is relied on.
func (e *Endpoint) addHost(host, hostedZone string) {
	e.PrivateDNS = (e.PrivateDNS || e.Hosts == nil) && hostedZone != pendingZone
	if !slices.Contains(e.Hosts, host) {
		e.Hosts = append(e.Hosts, host)
	}
}

// pendingZone stands in place of a hosted zone's id while private DNS is being
// set up (seen in DescribeVpcEndpoints' answers).
const pendingZone = "ZONEIDPENDING"

// maxNotes bounds what a catalogue of thousands of odd endpoints leaves in a log.
const maxNotes = 50

func (c *Catalog) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// bare is a name without the star of S3's names.
func bare(name string) string { return strings.TrimPrefix(name, "*.") }

package endpoint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Endpoint is one interface VPC endpoint as routing needs to know it. A value
// with only Regional set is complete: the rest is read from the name.
type Endpoint struct {
	// ID is the endpoint's id, "vpce-0a1b2c3d4e5f60718".
	ID string
	// Service is the service's part of the endpoint's names: "sqs",
	// "api.ecr". It is not PrivateLink's service name
	// ("com.amazonaws.us-east-1.ecr.api"), which spells some services
	// differently.
	Service string
	// Region is the Region of the service, "us-east-1".
	Region string
	// Regional is the name that answers with every zone's address, as AWS
	// prints it: an S3 endpoint's begins with "*.".
	Regional string
	// Zonal maps the names of the zones that the endpoint has a network
	// interface in to its zonal DNS names. Nil means not known: the zonal name
	// is then derived, and a zone without one is found out by failing over.
	Zonal map[string]string
	// Hosts are the private DNS names that AWS lists for the endpoint, such as
	// "sqs.us-east-1.amazonaws.com" or "*.dkr.ecr.us-east-1.amazonaws.com".
	// Nil means none are known: the service's usual host is then derived from
	// the endpoint's name.
	Hosts []string
	// PrivateDNS says that inside the VPC the names in Hosts lead to this
	// endpoint. Where it is false, requests that can't use a zonal name go to
	// the regional one.
	PrivateDNS bool
	// FreePath says, in words, that and how requests to this service already
	// have a way that costs nothing (a gateway endpoint). A resolver then
	// leaves them on it unless told otherwise. Only sources that read AWS's own
	// listing set it; an endpoint that somebody lists by hand is wanted.
	FreePath string
}

// Catalog is what a [Source] knows.
type Catalog struct {
	Endpoints []Endpoint
	// ZoneNames maps zone IDs to zone names as the account that owns the
	// endpoints spells them: zonal names carry that account's letters, and the
	// letters of one physical zone differ between accounts. Nil means not
	// known: a zone's own name is used as it is.
	ZoneNames map[string]string
	// Notes say what the source left out of its answer and why, a line each.
	Notes []string
}

// Source says which interface endpoints exist. Implementations must be safe
// for concurrent use. A resolver asks in the background and keeps the last
// good answer when a later one fails.
type Source interface {
	Endpoints(ctx context.Context) (Catalog, error)
}

// Immediate is implemented by sources that answer from memory, the environment
// or a local file. A resolver asks them once before its constructor returns, so
// that bad configuration is the constructor's error.
type Immediate interface {
	Immediate() bool
}

// Static returns a source that always answers with the given endpoints. Fields
// that can be read from Regional may be left empty. What is wrong with an
// endpoint is the error of every answer.
func Static(endpoints ...Endpoint) Source {
	cat := Catalog{Endpoints: slices.Clone(endpoints)}
	cat, err := cat.normalize()
	return static{cat, err}
}

type static struct {
	cat Catalog
	err error
}

func (s static) Endpoints(context.Context) (Catalog, error) { return s.cat.clone(), s.err }
func (static) Immediate() bool                              { return true }

// Join returns a source that answers with what all sources know together. It
// fails when one of them does: half a catalogue would send requests elsewhere
// than a whole one. Of an endpoint that several of them know, what the first
// says is kept, and what it doesn't say is filled in from the others.
func Join(sources ...Source) Source { return join(sources) }

type join []Source

func (j join) Endpoints(ctx context.Context) (Catalog, error) {
	var all Catalog
	for _, s := range j {
		cat, err := s.Endpoints(ctx)
		if err != nil {
			return Catalog{}, err
		}
		all.merge(cat)
	}
	return all, nil
}

func (j join) Immediate() bool {
	return !slices.ContainsFunc(j, func(s Source) bool {
		i, ok := s.(Immediate)
		return !ok || !i.Immediate()
	})
}

// Normalize returns the catalogue with the fields filled in that can be read
// from the endpoints' names, or an error that names the first value that no
// request may be sent to or for. A resolver calls it on what any source says.
func (c Catalog) Normalize() (Catalog, error) { return c.clone().normalize() }

func (c Catalog) normalize() (Catalog, error) {
	for i := range c.Endpoints {
		if err := c.Endpoints[i].normalize(); err != nil {
			return Catalog{}, err
		}
	}
	for id, name := range c.ZoneNames {
		if !isLabel(id) || !isLabel(name) {
			return Catalog{}, fmt.Errorf("endpoint: zone %s with name %s: want a zone ID such as use1-az6 and a zone name such as us-east-1a",
				quote(id), quote(name))
		}
	}
	return c, nil
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

func (c *Catalog) merge(more Catalog) {
	for _, e := range more.Endpoints {
		i := slices.IndexFunc(c.Endpoints, func(have Endpoint) bool { return bare(have.Regional) == bare(e.Regional) })
		if i < 0 {
			c.Endpoints = append(c.Endpoints, e)
			continue
		}
		have := &c.Endpoints[i]
		if have.Zonal == nil {
			have.Zonal = e.Zonal
		}
		if have.Hosts == nil {
			have.Hosts, have.PrivateDNS = e.Hosts, e.PrivateDNS
		}
	}
	for id, name := range more.ZoneNames {
		if c.ZoneNames == nil {
			c.ZoneNames = map[string]string{}
		}
		if _, ok := c.ZoneNames[id]; !ok {
			c.ZoneNames[id] = name
		}
	}
	c.Notes = append(c.Notes, more.Notes...)
}

// normalize fills in what Regional tells and checks everything that becomes
// part of a host.
func (e *Endpoint) normalize() error {
	n, err := split(e.Regional)
	if err != nil {
		return err
	}
	if n.zone != "" {
		return fmt.Errorf("endpoint: %s is the zonal name of %s: want the regional one, %s", quote(e.Regional), n.zone, quote(n.regional()))
	}
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
	for zone, name := range e.Zonal {
		z, err := split(name)
		if err != nil {
			return fmt.Errorf("endpoint %s in %s: %w", e.ID, quote(zone), err)
		}
		if z.zone != zone || bare(z.regional()) != bare(n.regional()) {
			return fmt.Errorf("endpoint %s: %s is not its name in the zone %s", e.ID, quote(name), quote(zone))
		}
	}
	for _, host := range e.Hosts {
		if err := n.checkPrivate(host); err != nil {
			return fmt.Errorf("endpoint %s: %w", e.ID, err)
		}
	}
	return nil
}

// bare is a name without the star of S3's names.
func bare(name string) string { return strings.TrimPrefix(name, "*.") }

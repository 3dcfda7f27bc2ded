package endpoint

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Endpoint is one interface VPC endpoint as routing needs to know it. A value
// with only Regional set is complete: the rest is read from the name. The zero
// value is no endpoint, and an error where one is wanted.
type Endpoint struct {
	// ID is the endpoint's id, "vpce-0a1b2c3d4e5f60718". Empty: Regional's.
	ID string
	// Service is the service's part of the endpoint's names: "sqs",
	// "api.ecr". It is not PrivateLink's service name
	// ("com.amazonaws.us-east-1.ecr.api"), which spells some services
	// differently. Empty: Regional's.
	Service string
	// Region is the Region of the service, "us-east-1". Empty: Regional's.
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
	// AnyNames lets Regional and Zonal be host names that AWS did not make, such as
	// aliases of one's own that present a certificate for them. Nothing can be read
	// from such names: ID, Service, Region, Zonal and Hosts have to be given, only
	// requests for Hosts are routed, and only to the zones in Zonal. It can be set in
	// code alone; a file, the environment or an API can't bring such names in.
	AnyNames bool
}

// Catalog is what a [Source] knows.
type Catalog struct {
	Endpoints []Endpoint
	// ZoneNames maps zone IDs to zone names as the account that owns the
	// endpoints spells them: zonal names carry that account's letters, and the
	// letters of one physical zone differ between accounts. Nil means not
	// known: a zone's own name is used as it is.
	ZoneNames map[string]string
	// Notes say what was left out of the answer and why, a line each: the first
	// fifty.
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

// Spread is implemented by sources that many processes share, such as an API with
// a limited rate. A resolver asks them for the first time at a random moment
// within that time, so that a fleet that starts together doesn't ask together; it
// asks at once when somebody waits for it to be ready. An error of such a source
// may have a RetryAfter method that says how long to leave it alone.
type Spread interface {
	Spread() time.Duration
}

// Static returns a source that always answers with the given endpoints. Fields
// that can be read from Regional may be left empty. What is wrong with an
// endpoint is the error of every answer.
func Static(endpoints ...Endpoint) Source {
	cat, err := Catalog{Endpoints: endpoints}.Normalize()
	return static{cat, err}
}

type static struct {
	cat Catalog
	err error
}

func (s static) Endpoints(context.Context) (Catalog, error) { return s.cat.clone(), s.err }
func (static) Immediate() bool                              { return true }
func (static) String() string                               { return "static" }

// Join returns a source that answers with what all sources know together. It
// fails when one of them does: half a catalogue would send requests elsewhere
// than a whole one. Of an endpoint that several of them know, what the first
// says is kept, and what it doesn't say is filled in from the others, zone by
// zone. FreePath stands only where all of them say it: somebody wants an
// endpoint that is listed without.
func Join(sources ...Source) Source { return join(slices.Clone(sources)) }

type join []Source

func (j join) Endpoints(ctx context.Context) (Catalog, error) {
	var all []Catalog
	for _, s := range j {
		cat, err := s.Endpoints(ctx)
		if err != nil {
			return Catalog{}, err
		}
		if cat, err = cat.Normalize(); err != nil {
			return Catalog{}, err
		}
		all = append(all, cat)
	}
	return merge(all...), nil
}

func (j join) String() string {
	var names []string
	for _, s := range j {
		names = append(names, NameOf(s))
	}
	return strings.Join(names, " + ")
}

func (j join) Immediate() bool {
	return !slices.ContainsFunc(j, func(s Source) bool {
		i, ok := s.(Immediate)
		return !ok || !i.Immediate()
	})
}

// NameOf is what a source is called for people: what its String method says, if it
// has one, else its type.
func NameOf(s Source) (name string) {
	defer func() {
		if recover() != nil {
			name = fmt.Sprintf("%T", s)
		}
	}()
	if named, ok := s.(fmt.Stringer); ok {
		return named.String()
	}
	return fmt.Sprintf("%T", s)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/azaffinity/azaffinity/resolver/discovery"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// place is where the doctor looks around.
type place struct {
	net       *network
	zone      zone.Source
	endpoints endpoint.Source
	from      string // who says which endpoints there are
	findings  []finding
	close     func() error
}

// open makes the place that the options tell of.
func open(ctx context.Context, net *network, o options) (*place, error) {
	p := &place{net: net, zone: zone.Detect(), close: func() error { return nil }}
	var err error
	switch {
	case o.lab:
		p, err = openLab(o.fault)
	case net == nil:
		p.net, err = machine()
	}
	if err != nil {
		return nil, err
	}
	if o.zone != "" {
		z, err := zone.Parse(o.zone)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("-zone: %w", err), p.close())
		}
		p.zone = zone.Static(z)
	}
	switch {
	case o.lab:
	case o.discover:
		p.endpoints, p.from, err = discovered(ctx, o.vpc)
	case len(o.files) > 0:
		sources := make([]endpoint.Source, len(o.files))
		for i, path := range o.files {
			sources[i] = endpoint.File(path)
		}
		p.endpoints, p.from = endpoint.Join(sources...), strings.Join(o.files, ", ")
	default:
		known, pinned := fromURLs()
		p.endpoints, p.from = endpoint.Join(endpoint.Env(), endpoint.Static(known...)), "the environment"
		p.findings = pinned
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// discovered asks EC2, which takes credentials and two permissions.
func discovered(ctx context.Context, vpc string) (endpoint.Source, string, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, "", err
	}
	from := "EC2"
	var opts []discovery.Option
	if vpc != "" {
		from += ", for " + vpc
		opts = append(opts, discovery.WithVPC(vpc))
	}
	src, err := discovery.New(cfg, opts...)
	return src, from, err
}

// told is a source that answers what has been asked for already.
type told struct{ catalog endpoint.Catalog }

func (t told) Endpoints(context.Context) (endpoint.Catalog, error) { return t.catalog, nil }

func (t told) Answer(context.Context, bool) (endpoint.Answer, error) {
	return endpoint.Answer{Catalog: t.catalog}, nil
}

// notKnown is the source of a zone that nobody knew.
type notKnown struct{ error }

func (n notKnown) Zone(context.Context) (zone.Zone, error) { return zone.Zone{}, n.error }

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// faults are what can be wrong in the lab, by the flag's values.
var faults = map[string]lab.Fault{
	"refuse": lab.Refuse, "black-hole": lab.BlackHole, "hang": lab.Hang, "stall": lab.Stall,
	"reset": lab.Reset, "unavailable": lab.Unavailable, "certificate": lab.WrongCertificate,
}

func faultNames() []string { return slices.Sorted(maps.Keys(faults)) }

// openLab starts a VPC in this process, and looks at it from its first zone.
func openLab(fault string) (*place, error) {
	l, err := lab.Start(lab.Options{Distance: lab.TypicalDistance})
	if err != nil {
		return nil, err
	}
	p := &place{from: "the lab", close: l.Close}
	p.endpoints = described(l.DescribeVpcEndpoints())
	p.zone = zone.IMDS(func(o *imds.Options) {
		o.Endpoint = l.IMDSEndpoint()
		o.ClientEnableState = imds.ClientEnabled // whatever this machine's environment says of its own
	})
	p.net = inLab(l)
	if fault != "" {
		var home zone.Zone
		if home, err = p.zone.Zone(context.Background()); err == nil {
			err = l.Fault(home.Name, faults[fault])
		}
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return p, nil
}

// described is a source that reads what the AWS CLI would print.
type described []byte

func (d described) Endpoints(ctx context.Context) (endpoint.Catalog, error) {
	path, forget, err := temporary(d)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	defer forget()
	return endpoint.File(path).Endpoints(ctx)
}

// inLab is the network of a program in the lab's home zone. Front ends may have ports of their own there.
func inLab(l *lab.Lab) *network {
	home := ""
	zones := slices.Sorted(maps.Keys(l.Requests()))
	for _, z := range zones {
		if l.IMDSEndpointIn(z) == l.IMDSEndpoint() {
			home = z
		}
	}
	dial := l.DialContextIn(home)
	fronts := map[netip.Addr]string{}
	for _, service := range []string{"s3", "dynamodb", "sqs", "sts"} {
		for _, z := range zones {
			if at := l.Address(service, z); at.IsValid() {
				fronts[at.Addr()] = at.String()
			}
		}
	}
	return &network{
		patience: patience,
		lookup:   lookupBy(l.Resolver()),
		roots:    l.CA(),
		dial: func(ctx context.Context, _ string, addr netip.Addr) (net.Conn, error) {
			at, ok := fronts[addr]
			if !ok {
				return nil, fmt.Errorf("%s is not in this VPC", addr)
			}
			return dial(ctx, "tcp", at)
		},
	}
}

package endpoint

import (
	"errors"
	"fmt"
	"strings"
)

// Description is one VPC endpoint as EC2's DescribeVpcEndpoints describes it,
// with the fields that matter here. Its JSON is that of the AWS CLI.
type Description struct {
	VpcEndpointID     string      `json:"VpcEndpointId"`
	VpcEndpointType   string      `json:"VpcEndpointType"` // "Interface", "Gateway", …
	VpcID             string      `json:"VpcId"`
	ServiceName       string      `json:"ServiceName"`   // "com.amazonaws.us-east-1.sqs"
	ServiceRegion     string      `json:"ServiceRegion"` // empty: the endpoint's own
	State             string      `json:"State"`         // "available", "pending", …
	PrivateDNSEnabled bool        `json:"PrivateDnsEnabled"`
	DNSEntries        []DNSEntry  `json:"DnsEntries"`
	DNSOptions        *DNSOptions `json:"DnsOptions"`
}

// DNSEntry is one of an endpoint's DNS names.
type DNSEntry struct {
	DNSName      string `json:"DnsName"`
	HostedZoneID string `json:"HostedZoneId"`
}

// DNSOptions are an endpoint's DNS options.
type DNSOptions struct {
	PrivateDNSOnlyForInboundResolverEndpoint bool `json:"PrivateDnsOnlyForInboundResolverEndpoint"`
}

// FromDescriptions makes a catalogue of what EC2 says of a VPC's endpoints. What
// can't be used is left out, with a note that names it; if that is all there is,
// it is an error.
func FromDescriptions(descriptions []Description) (Catalog, error) {
	all := make([]*Description, len(descriptions))
	for i := range descriptions {
		all[i] = &descriptions[i]
	}
	cat, err := fromDescriptions(all)
	if err != nil {
		return Catalog{}, fmt.Errorf("endpoint: %w", err)
	}
	return cat, nil
}

func fromDescriptions(descriptions []*Description) (Catalog, error) {
	var cat Catalog
	type service struct{ vpc, name string }
	gateways := map[service]string{} // a gateway endpoint's id
	for _, d := range descriptions {
		if d.is("Gateway") && d.available() {
			gateways[service{d.VpcID, d.ServiceName}] = d.VpcEndpointID
		}
	}
	var first *Description
	var fault error // of the first endpoint with one
	for _, d := range descriptions {
		leftOut := func(why any) {
			cat.note("%s (%s) is left out: %s", quoted(d.VpcEndpointID), quoted(d.ServiceName), why)
		}
		switch {
		case d.VpcEndpointType == "":
			leftOut("it has no VpcEndpointType")
			continue
		case !d.is("Interface"):
			continue
		case !d.available():
			leftOut("its state is " + quote(d.State))
			continue
		case first == nil:
			first = d
		case d.VpcID != first.VpcID:
			return Catalog{}, fmt.Errorf("there are endpoints of two VPCs, %s in %s and %s in %s: want one VPC's (aws ec2 describe-vpc-endpoints --filters Name=vpc-id,Values=…)",
				quote(first.VpcEndpointID), quote(first.VpcID), quote(d.VpcEndpointID), quote(d.VpcID))
		}
		e, faults, err := d.endpoint()
		if err != nil {
			leftOut(err)
			if !errors.As(err, new(unusable)) && fault == nil {
				fault = fmt.Errorf("endpoint %s: %w", quote(d.VpcEndpointID), err)
			}
			continue
		}
		for _, f := range faults {
			cat.note("%s (%s) is used without one of its names: %s", quoted(d.VpcEndpointID), quoted(d.ServiceName), f)
		}
		switch gateway := gateways[service{d.VpcID, d.ServiceName}]; {
		case gateway != "":
			e.FreePath = "the VPC's gateway endpoint " + quote(gateway) + " is free of charge"
		case d.inboundOnly():
			e.FreePath = "its private DNS is for inbound Resolver endpoints only, so inside the VPC the gateway endpoint is meant"
		}
		cat.Endpoints = append(cat.Endpoints, e)
	}
	if len(cat.Endpoints) == 0 && fault != nil {
		return Catalog{}, fmt.Errorf("there is no endpoint that can be used: %w", fault)
	}
	return merge(cat), nil
}

// vpcOf is the VPC of the endpoints that can be used, or empty.
func vpcOf(descriptions []*Description) string {
	for _, d := range descriptions {
		if d.is("Interface") && d.available() {
			return d.VpcID
		}
	}
	return ""
}

// The API reference spells "Available" what the CLI prints as "available".
func (d *Description) is(kind string) bool { return strings.EqualFold(d.VpcEndpointType, kind) }
func (d *Description) available() bool     { return strings.EqualFold(d.State, "available") }

// inboundOnly reports whether the private DNS leads here from outside the VPC only.
func (d *Description) inboundOnly() bool {
	return d.DNSOptions != nil && d.DNSOptions.PrivateDNSOnlyForInboundResolverEndpoint
}

func (d *Description) endpoint() (e Endpoint, faults notes, err error) {
	if len(d.DNSEntries) == 0 {
		return Endpoint{}, nil, unusable("it has no DNS names")
	}
	if e, faults, err = listed(d.DNSEntries); err != nil {
		return Endpoint{}, nil, err
	}
	switch {
	case d.VpcEndpointID != "" && d.VpcEndpointID != e.ID:
		return Endpoint{}, nil, fmt.Errorf("its regional name %s belongs to %s", quote(e.Regional), e.ID)
	case d.ServiceRegion != "" && !IsRegion(d.ServiceRegion):
		return Endpoint{}, nil, fmt.Errorf("its ServiceRegion %s is not a Region", quote(d.ServiceRegion))
	case d.ServiceRegion != "":
		e.Region = d.ServiceRegion
	}
	e.PrivateDNS = e.PrivateDNS && d.PrivateDNSEnabled && !d.inboundOnly()
	return e, faults, nil
}

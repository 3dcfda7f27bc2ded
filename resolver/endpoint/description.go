package endpoint

import (
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

// FromDescriptions makes a catalogue of what EC2 says of a VPC's endpoints.
func FromDescriptions(descriptions []Description) (Catalog, error) {
	cat, err := fromDescriptions(descriptions)
	if err != nil {
		return Catalog{}, fmt.Errorf("endpoint: %w", err)
	}
	return cat, nil
}

func fromDescriptions(descriptions []Description) (Catalog, error) {
	var cat Catalog
	gateways := map[string]string{} // VPC and service name -> a gateway endpoint's id
	for _, d := range descriptions {
		if d.is("Gateway") && d.available() {
			gateways[d.VpcID+" "+d.ServiceName] = d.VpcEndpointID
		}
	}
	var first *Description
	for _, d := range descriptions {
		switch {
		case d.VpcEndpointType == "":
			cat.note("%s (%s) is left out: it has no VpcEndpointType", quote(d.VpcEndpointID), quote(d.ServiceName))
			continue
		case !d.is("Interface"):
			continue
		case !d.available():
			cat.note("%s (%s) is left out: its state is %s", quote(d.VpcEndpointID), quote(d.ServiceName), quote(d.State))
			continue
		}
		if first == nil {
			first = &d
		}
		if d.VpcID != first.VpcID {
			return Catalog{}, fmt.Errorf("there are endpoints of two VPCs, %s in %s and %s in %s: want one VPC's (aws ec2 describe-vpc-endpoints --filters Name=vpc-id,Values=…)",
				quote(first.VpcEndpointID), quote(first.VpcID), quote(d.VpcEndpointID), quote(d.VpcID))
		}
		e, odd, err := d.endpoint()
		switch {
		case err != nil:
			return Catalog{}, err
		case odd != "":
			cat.note("%s (%s) is left out: %s", quote(d.VpcEndpointID), quote(d.ServiceName), odd)
			continue
		}
		switch gateway := gateways[d.VpcID+" "+d.ServiceName]; {
		case gateway != "":
			e.FreePath = "the VPC's gateway endpoint " + quote(gateway) + " is free of charge"
		case d.inboundOnly():
			e.FreePath = "its private DNS is for inbound Resolver endpoints only, so inside the VPC the gateway endpoint is meant"
		}
		cat.Endpoints = append(cat.Endpoints, e)
	}
	return cat.normalize()
}

// The API reference spells "Available" what the CLI prints as "available".
func (d Description) is(kind string) bool { return strings.EqualFold(d.VpcEndpointType, kind) }
func (d Description) available() bool     { return strings.EqualFold(d.State, "available") }

// inboundOnly tells whether the private DNS leads here from outside the VPC only.
func (d Description) inboundOnly() bool {
	return d.DNSOptions != nil && d.DNSOptions.PrivateDNSOnlyForInboundResolverEndpoint
}

// endpoint reads the names. AWS prints the regional one first, the zonal ones in
// no order and the private ones last. odd says why the endpoint can't be taken
// although nothing is wrong with it.
func (d Description) endpoint() (e Endpoint, odd string, err error) {
	// Zonal isn't nil: AWS's listing is complete, and an endpoint without zonal
	// names (to a service in another Region) has none.
	e = Endpoint{ID: d.VpcEndpointID, Region: d.ServiceRegion, Zonal: map[string]string{}}
	if len(d.DNSEntries) == 0 {
		return e, "it has no DNS names", nil
	}
	var partner bool
	var zonal []name
	for _, entry := range d.DNSEntries {
		if !strings.HasPrefix(bare(entry.DNSName), "vpce-") || !strings.Contains(entry.DNSName, ".vpce.") {
			e.addHost(entry.DNSName, entry.HostedZoneID)
			continue
		}
		n, err := split(entry.DNSName)
		switch {
		case err != nil && isAWSName(entry.DNSName):
			// Multi-Region access points: vpce-….s3-global.vpce.amazonaws.com.
			return e, "its name " + quote(entry.DNSName) + " is not made of an id, a service and a Region", nil
		case err != nil:
			return e, "", fmt.Errorf("endpoint %s: %w", quote(d.VpcEndpointID), err)
		case n.zone != "":
			zonal = append(zonal, n)
		case e.Regional == "":
			e.Regional, partner = n.regional(), n.partner()
		}
	}
	if e.Regional == "" {
		return e, "", fmt.Errorf("endpoint %s has no regional name under .vpce. among its DNS names, but %s",
			quote(d.VpcEndpointID), quote(d.DNSEntries[0].DNSName))
	}
	for _, n := range zonal {
		if bare(n.regional()) == bare(e.Regional) {
			e.Zonal[n.zone] = n.zonal()
		}
	}
	if partner {
		e.Hosts = nil // whatever they are, no SDK client resolves them
	}
	e.PrivateDNS = e.PrivateDNS && e.Hosts != nil && d.PrivateDNSEnabled && !d.inboundOnly()
	return e, "", nil
}

package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxFile bounds a catalogue file. An endpoint takes about 3 KB as the AWS CLI
// prints it, and an account may have some thousands.
const maxFile = 16 << 20

// File returns a source that reads what
//
//	aws ec2 describe-vpc-endpoints --filters Name=vpc-id,Values=vpc-…
//
// prints, as it is. The map from zone IDs to names comes from what
//
//	aws ec2 describe-availability-zones
//
// prints: its AvailabilityZones may stand beside VpcEndpoints, follow in the
// same file as a second JSON value, or be a file of their own (see [Join] and
// AZAFFINITY_ENDPOINTS_FILE). The file is read each time the source is asked.
//
// Only interface endpoints of AWS services that are available are taken, and all
// have to be of one VPC: a request that is sent to another VPC's endpoint hangs.
// An S3 or DynamoDB endpoint beside a free gateway endpoint is marked with
// FreePath.
func File(path string) Source { return file(path) }

type file string

func (file) Immediate() bool { return true }

func (f file) Endpoints(context.Context) (Catalog, error) {
	content, err := readBounded(string(f))
	if err != nil {
		return Catalog{}, fmt.Errorf("endpoint: reading the catalogue: %w", err)
	}
	cat, err := parseCLI(content)
	if err != nil {
		return Catalog{}, fmt.Errorf("endpoint: %s: %w", string(f), err)
	}
	return cat, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB: is it the output of aws ec2 describe-vpc-endpoints?", path, maxFile>>20)
	}
	return content, nil
}

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

type cliOutput struct {
	VpcEndpoints      []Description
	AvailabilityZones []struct {
		ZoneID   string `json:"ZoneId"`
		ZoneName string `json:"ZoneName"`
	}
}

func parseCLI(content []byte) (Catalog, error) {
	var all cliOutput
	var known bool
	for dec := json.NewDecoder(strings.NewReader(string(content))); ; {
		var out cliOutput
		err := dec.Decode(&out)
		if err == io.EOF {
			break
		}
		if err != nil {
			return Catalog{}, fmt.Errorf("not the JSON that the AWS CLI prints: %w (it begins with %s)", jsonError(err), quote(beginning(content)))
		}
		known = known || out.VpcEndpoints != nil || out.AvailabilityZones != nil
		all.VpcEndpoints = append(all.VpcEndpoints, out.VpcEndpoints...)
		all.AvailabilityZones = append(all.AvailabilityZones, out.AvailabilityZones...)
	}
	if !known {
		return Catalog{}, errors.New("it has neither VpcEndpoints nor AvailabilityZones: write the output of aws ec2 describe-vpc-endpoints into it")
	}
	cat, err := FromDescriptions(all.VpcEndpoints)
	if err != nil {
		return Catalog{}, err
	}
	for _, z := range all.AvailabilityZones {
		if cat.ZoneNames == nil {
			cat.ZoneNames = map[string]string{}
		}
		if had, ok := cat.ZoneNames[z.ZoneID]; ok && had != z.ZoneName {
			return Catalog{}, fmt.Errorf("the zone %s has two names, %s and %s", quote(z.ZoneID), quote(had), quote(z.ZoneName))
		}
		cat.ZoneNames[z.ZoneID] = z.ZoneName
	}
	return cat.normalize()
}

func jsonError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it ends in the middle")
	}
	return err
}

func beginning(content []byte) string {
	return strings.TrimSpace(string(content[:min(len(content), 40)]))
}

// FromDescriptions makes a catalogue of what EC2 says of a VPC's endpoints.
func FromDescriptions(descriptions []Description) (Catalog, error) {
	var cat Catalog
	gateways := map[string]string{} // service name -> a gateway endpoint's id
	var vpc string
	for _, d := range descriptions {
		if !strings.EqualFold(d.State, "available") {
			continue
		}
		switch {
		case strings.EqualFold(d.VpcEndpointType, "Gateway"):
			gateways[d.VpcID+" "+d.ServiceName] = d.VpcEndpointID
		case strings.EqualFold(d.VpcEndpointType, "Interface"):
			if vpc == "" {
				vpc = d.VpcID
			}
			if d.VpcID != vpc {
				return Catalog{}, fmt.Errorf("it has endpoints of two VPCs, %s and %s: write one VPC's (--filters Name=vpc-id,Values=%s)",
					quote(vpc), quote(d.VpcID), vpc)
			}
		}
	}
	for _, d := range descriptions {
		if !strings.EqualFold(d.VpcEndpointType, "Interface") {
			continue
		}
		if !strings.EqualFold(d.State, "available") {
			cat.note("%s (%s) is left out: its state is %s", d.VpcEndpointID, d.ServiceName, quote(d.State))
			continue
		}
		e, err := d.endpoint()
		if err != nil {
			return Catalog{}, err
		}
		if e.Regional == "" {
			cat.note("%s (%s) is left out: it has no DNS names", d.VpcEndpointID, d.ServiceName)
			continue
		}
		switch gateway := gateways[d.VpcID+" "+d.ServiceName]; {
		case gateway != "":
			e.FreePath = "the VPC's gateway endpoint " + gateway + " is free of charge"
		case d.DNSOptions != nil && d.DNSOptions.PrivateDNSOnlyForInboundResolverEndpoint:
			e.FreePath = "its private DNS is for inbound Resolver endpoints only, so inside the VPC the gateway endpoint is meant"
		}
		cat.Endpoints = append(cat.Endpoints, e)
	}
	return cat, nil
}

func (c *Catalog) note(format string, args ...any) {
	c.Notes = append(c.Notes, fmt.Sprintf(format, args...))
}

// endpoint reads the names. AWS prints the regional one first, the zonal ones
// in no order and the private ones last.
func (d Description) endpoint() (Endpoint, error) {
	if len(d.DNSEntries) == 0 {
		return Endpoint{}, nil
	}
	// Not nil: AWS's listing is complete, and an endpoint without zonal names
	// (to a service in another Region) has none.
	e := Endpoint{ID: d.VpcEndpointID, Region: d.ServiceRegion, Zonal: map[string]string{}}
	var private bool
	var zonal []name
	for _, entry := range d.DNSEntries {
		if !strings.Contains(entry.DNSName, ".vpce.") {
			e.Hosts = append(e.Hosts, entry.DNSName)
			private = private || entry.HostedZoneID != pendingZone
			continue
		}
		n, err := split(entry.DNSName)
		switch {
		case err != nil:
			return Endpoint{}, err
		case e.Regional == "" && n.zone == "":
			e.Regional = entry.DNSName
		case n.zone != "":
			zonal = append(zonal, n)
		}
	}
	if e.Regional == "" {
		return Endpoint{}, fmt.Errorf("endpoint %s has no regional name under .vpce. among its DNS names, but %s",
			quote(d.VpcEndpointID), quote(d.DNSEntries[0].DNSName))
	}
	for _, n := range zonal {
		if n.regional() == e.Regional {
			e.Zonal[n.zone] = n.zonal()
		}
	}
	// Private DNS that only inbound Resolver endpoints see doesn't lead here
	// from inside the VPC.
	e.PrivateDNS = d.PrivateDNSEnabled && private &&
		(d.DNSOptions == nil || !d.DNSOptions.PrivateDNSOnlyForInboundResolverEndpoint)
	return e, e.normalize()
}

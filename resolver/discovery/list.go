package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/azaffinity/azaffinity/internal/owncall"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

const (
	// pageSize is the most that EC2 returns ("If the value is greater than
	// 1,000, we return only 1,000 items"), so that nearly every VPC is one call.
	// Asking for pages, with a filter, also keeps the calls in EC2's larger
	// token bucket.
	pageSize = 1000
	maxPages = 10
)

type tag struct{ key, value string }

func (t tag) String() string { return fmt.Sprintf("%q=%q", t.key, t.value) }

// on reports whether the endpoint has the tag.
func (t tag) on(e types.VpcEndpoint) bool {
	return slices.ContainsFunc(e.Tags, func(has types.Tag) bool {
		return aws.ToString(has.Key) == t.key && aws.ToString(has.Value) == t.value
	})
}

// list asks for all interface and gateway endpoints of the VPC. The gateway
// endpoints say which interface endpoints are not worth their price.
func (s *Source) list(ctx context.Context, vpc string) ([]types.VpcEndpoint, error) {
	in := &ec2.DescribeVpcEndpointsInput{
		MaxResults: aws.Int32(pageSize),
		Filters: []types.Filter{
			{Name: aws.String("vpc-id"), Values: []string{vpc}},
			{Name: aws.String("vpc-endpoint-type"), Values: []string{
				string(types.VpcEndpointTypeInterface), string(types.VpcEndpointTypeGateway),
			}},
		},
	}
	budget := owncall.NewBudget(maxAnswer)
	var all []types.VpcEndpoint
	for range maxPages {
		out, err := s.client.DescribeVpcEndpoints(ctx, in, own(budget))
		if err != nil {
			return nil, explain(ctx, err)
		}
		if out == nil {
			return nil, errors.New("the client answered DescribeVpcEndpoints with nothing")
		}
		for _, e := range out.VpcEndpoints {
			e.PolicyDocument = nil // the largest part by far
			all = append(all, e)
		}
		if aws.ToString(out.NextToken) == "" {
			return all, nil
		}
		in.NextToken = out.NextToken
	}
	return nil, fmt.Errorf("EC2 has more than %d pages of VPC endpoints in %s", maxPages, vpc)
}

// catalog makes a catalogue of what EC2 listed for the VPC, by the rules that
// hold for a file, too.
func (s *Source) catalog(vpc string, found []types.VpcEndpoint) (endpoint.Catalog, error) {
	// EC2 promises no order. The same endpoints make the same catalogue.
	slices.SortFunc(found, func(a, b types.VpcEndpoint) int {
		return strings.Compare(aws.ToString(a.VpcEndpointId), aws.ToString(b.VpcEndpointId))
	})
	descriptions := make([]endpoint.Description, 0, len(found))
	tagged := map[string]bool{} // by the endpoint's id
	for _, e := range found {
		if in := aws.ToString(e.VpcId); in != vpc {
			return endpoint.Catalog{}, fmt.Errorf("EC2 was asked for the endpoints of %s, and its answer has one of %.40q", vpc, in)
		}
		d := describe(e)
		tagged[d.VpcEndpointID] = s.config.tag.key != "" && s.config.tag.on(e)
		descriptions = append(descriptions, d)
	}
	cat, err := endpoint.FromDescriptions(descriptions)
	if err != nil {
		return endpoint.Catalog{}, err
	}
	s.prefer(&cat, tagged)
	if len(cat.Endpoints) == 0 {
		// The participants of a shared VPC get an empty list, and no error ("Share
		// your VPC subnets with other accounts": VPC endpoints are the owner's).
		cat.Notes = append(cat.Notes, "EC2 lists no interface endpoint of "+vpc+" that can be used; "+
			"where the VPC is another account's, its owner can write the list for "+endpoint.EnvEndpointsFile)
	}
	return cat, nil
}

func describe(e types.VpcEndpoint) endpoint.Description {
	d := endpoint.Description{
		VpcEndpointID:     aws.ToString(e.VpcEndpointId),
		VpcEndpointType:   string(e.VpcEndpointType),
		VpcID:             aws.ToString(e.VpcId),
		ServiceName:       aws.ToString(e.ServiceName),
		ServiceRegion:     aws.ToString(e.ServiceRegion),
		State:             string(e.State),
		PrivateDNSEnabled: aws.ToBool(e.PrivateDnsEnabled),
	}
	for _, entry := range e.DnsEntries {
		d.DNSEntries = append(d.DNSEntries, endpoint.DNSEntry{
			DNSName:      aws.ToString(entry.DnsName),
			HostedZoneID: aws.ToString(entry.HostedZoneId),
		})
	}
	if o := e.DnsOptions; o != nil {
		d.DNSOptions = &endpoint.DNSOptions{
			PrivateDNSOnlyForInboundResolverEndpoint: aws.ToBool(o.PrivateDnsOnlyForInboundResolverEndpoint),
		}
	}
	return d
}

// prefer leaves endpoints without the tag out if another one for the same service
// has it. Private DNS comes first: a resolver takes that endpoint
// whatever the tags say, and of several that are left the one with the lowest id.
func (s *Source) prefer(cat *endpoint.Catalog, tagged map[string]bool) {
	private := map[string]bool{} // by the service's part of the name
	chosen := map[string]string{}
	for _, e := range cat.Endpoints {
		service := serviceOf(e)
		private[service] = private[service] || e.PrivateDNS
		if tagged[e.ID] && (chosen[service] == "" || e.ID < chosen[service]) {
			chosen[service] = e.ID
		}
	}
	cat.Endpoints = slices.DeleteFunc(cat.Endpoints, func(e endpoint.Endpoint) bool {
		by := chosen[serviceOf(e)]
		if by == "" || tagged[e.ID] || private[serviceOf(e)] {
			return false
		}
		cat.Notes = append(cat.Notes, fmt.Sprintf("%s (%s) is left out: %s has the tag %s", e.ID, e.Service, by, s.config.tag))
		return true
	})
}

func serviceOf(e endpoint.Endpoint) string {
	_, tail, _ := strings.Cut(strings.TrimPrefix(e.Regional, "*."), ".")
	return tail
}

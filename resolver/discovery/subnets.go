package discovery

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/azaffinity/azaffinity/internal/owncall"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

const (
	// subnetsRefresh is how old the list of subnets may get. An address in a subnet that
	// is younger is one that nothing is known of.
	subnetsRefresh = time.Hour
	// maxSubnetsAsk bounds the calls for the subnets alone, as maxZonesAsk does.
	maxSubnetsAsk = 5 * time.Second
)

// subnetClient is what a [Client] may have, too.
type subnetClient interface {
	DescribeSubnets(context.Context, *ec2.DescribeSubnetsInput, ...func(*ec2.Options)) (*ec2.DescribeSubnetsOutput, error)
}

var _ subnetClient = (*ec2.Client)(nil)

// subnets is what EC2 said of the VPC's subnets.
type subnets struct {
	list  []endpoint.Subnet
	note  string
	until time.Time // it is asked again
}

// subnetsOf lists the VPC's subnets. Failing costs little, since endpoints' names tell
// more: so it is a note, which has nothing in it that differs from one failure to the next,
// and a role without the permission is not asked about for another hour.
func (s *Source) subnetsOf(ctx context.Context, vpc string) (list []endpoint.Subnet, note string) {
	client, ok := s.client.(subnetClient)
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if !ok || time.Now().Before(known.until) {
		return slices.Clone(known.list), known.note
	}
	ctx, cancel := context.WithTimeout(ctx, maxSubnetsAsk)
	defer cancel()
	found, note, err := describeSubnets(ctx, client, vpc)
	if err == nil || owncall.IsDenied(err) {
		known.until = time.Now().Add(subnetsRefresh)
	}
	if known.note = note; err == nil {
		known.list = found
	} else {
		known.note = "subnets may be missing, since ec2:DescribeSubnets failed: " + code(err)
	}
	s.mu.Lock()
	s.known = known
	s.mu.Unlock()
	return slices.Clone(known.list), known.note
}

func describeSubnets(ctx context.Context, client subnetClient, vpc string) (list []endpoint.Subnet, note string, err error) {
	defer func() {
		if p := recover(); p != nil { // of a Client that has the method only because something in it has
			err = fmt.Errorf("DescribeSubnets panicked: %v", p)
		}
	}()
	in := &ec2.DescribeSubnetsInput{
		MaxResults: aws.Int32(pageSize),
		Filters:    []types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc}}},
	}
	budget := owncall.NewBudget(maxAnswer)
	for range maxPages {
		out, err := client.DescribeSubnets(ctx, in, own(budget))
		if err != nil {
			return nil, "", err
		}
		if out == nil {
			break
		}
		for _, subnet := range out.Subnets {
			more, err := blocksOf(subnet, vpc)
			if err != nil {
				note = "a subnet of ec2:DescribeSubnets is left out: " + err.Error()
				continue
			}
			list = append(list, more...)
		}
		if aws.ToString(out.NextToken) == "" {
			return list, note, nil
		}
		in.NextToken = out.NextToken
	}
	return list, fmt.Sprintf("subnets are missing: EC2 has more than %d pages of them", maxPages), nil
}

// blocksOf is a subnet's CIDR blocks.
func blocksOf(subnet types.Subnet, vpc string) ([]endpoint.Subnet, error) {
	if in := aws.ToString(subnet.VpcId); in != vpc {
		return nil, fmt.Errorf("it is one of %.40q", in)
	}
	blocks := []string{aws.ToString(subnet.CidrBlock)} // empty: it has IPv6 addresses only
	for _, six := range subnet.Ipv6CidrBlockAssociationSet {
		if state := six.Ipv6CidrBlockState; state != nil && state.State == types.SubnetCidrBlockStateCodeAssociated {
			blocks = append(blocks, aws.ToString(six.Ipv6CidrBlock))
		}
	}
	var cat endpoint.Catalog
	for _, block := range blocks {
		if block == "" {
			continue
		}
		prefix, err := netip.ParsePrefix(block)
		if err != nil {
			return nil, fmt.Errorf("%.50q is not a CIDR block", block)
		}
		cat.Subnets = append(cat.Subnets, endpoint.Subnet{
			Prefix: prefix, ZoneID: aws.ToString(subnet.AvailabilityZoneId), Zone: aws.ToString(subnet.AvailabilityZone),
		})
	}
	cat, err := cat.Normalize()
	return cat.Subnets, err
}

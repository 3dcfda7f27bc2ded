package lab

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

// Subnet is the IPv4 CIDR block that the addresses of a zone are in, front ends' and clients'; the zero Prefix if there is no such zone.
func (l *Lab) Subnet(zone string) netip.Prefix {
	z := l.zone(zone)
	if z == nil {
		return netip.Prefix{}
	}
	addr := z.ip
	if l.network != nil {
		addr = l.network.EndpointAddr(zone, 1)
	}
	block, _ := addr.Prefix(24)
	return block
}

// DescribeSubnets is the JSON that `aws ec2 describe-subnets` would print in this VPC. It may be appended to DescribeVpcEndpoints.
func (l *Lab) DescribeSubnets() []byte {
	var subnets []object
	for _, z := range l.zones {
		subnets = append(subnets, object{
			"SubnetId": fmt.Sprintf("subnet-%017x", z.number), "VpcId": "vpc-00000000000000001", "OwnerId": Account, "State": "available",
			"AvailabilityZone": z.Name, "AvailabilityZoneId": z.ID, "CidrBlock": l.Subnet(z.Name).String(), "Ipv6CidrBlockAssociationSet": []any{},
			"AvailableIpAddressCount": 251, "DefaultForAz": false, "MapPublicIpOnLaunch": false, "Ipv6Native": false, "Tags": []any{},
		})
	}
	out, _ := json.MarshalIndent(object{"Subnets": subnets}, "", "    ") // plain values: cannot fail
	return out
}

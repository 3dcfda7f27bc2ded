package endpoint

import (
	"cmp"
	"net/netip"
	"slices"
)

// Subnet is a subnet of the endpoints' VPC: the addresses in it are in one zone. The
// zero value is not a subnet, and every source refuses it.
type Subnet struct {
	// Prefix is its IPv4 or IPv6 CIDR block, of a size that AWS makes: /16 to /28, or
	// /44 to /64 ("Subnet CIDR blocks" in the VPC User Guide). A subnet that has both is
	// listed twice.
	Prefix netip.Prefix
	// ZoneID is the zone that it is in, "use1-az6", which means the same place in every
	// account. Zone is the zone's name in the account that owns the endpoints. Either may
	// be empty: a resolver takes the ID if it can.
	ZoneID, Zone string
}

func (s *Subnet) normalize() error {
	if !isSubnet(s.Prefix) {
		return faultf("%v is not a subnet's CIDR block: want one of /16 to /28, or of /44 to /64 in IPv6", s.Prefix)
	}
	s.Prefix = s.Prefix.Masked()
	switch {
	case s.ZoneID == "" && s.Zone == "":
		return faultf("the subnet %v has neither a zone ID nor a zone's name", s.Prefix)
	case s.ZoneID != "" && !isLabel(s.ZoneID), s.Zone != "" && !isZoneName(s.Zone):
		return faultf("the subnet %v: %s is not a zone ID, or %s not a zone's name", s.Prefix, quoted(s.ZoneID), quoted(s.Zone))
	}
	return nil
}

func isSubnet(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return 16 <= p.Bits() && p.Bits() <= 28
	}
	return p.Addr().Is6() && !p.Addr().Is4In6() && 44 <= p.Bits() && p.Bits() <= 64
}

// addSubnets adds normalized subnets that are not listed yet, in the order of their
// addresses. VPCs that are listed together may use one block twice, in different zones.
func (c *Catalog) addSubnets(more []Subnet) {
	if len(more) == 0 {
		return
	}
	at := map[netip.Prefix]int{}
	for i, s := range c.Subnets {
		at[s.Prefix] = i
	}
	for _, s := range more {
		i, ok := at[s.Prefix]
		if !ok {
			at[s.Prefix] = len(c.Subnets)
			c.Subnets = append(c.Subnets, s)
			continue
		}
		had := &c.Subnets[i]
		if disagree(had.ZoneID, s.ZoneID) || disagree(had.Zone, s.Zone) {
			c.note("the subnet %v is in two zones: %s is used, and %s is not", s.Prefix, cmp.Or(had.ZoneID, had.Zone), cmp.Or(s.ZoneID, s.Zone))
			continue
		}
		had.ZoneID, had.Zone = cmp.Or(had.ZoneID, s.ZoneID), cmp.Or(had.Zone, s.Zone)
	}
	slices.SortFunc(c.Subnets, func(a, b Subnet) int {
		return cmp.Or(a.Prefix.Addr().Compare(b.Prefix.Addr()), cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()))
	})
}

func disagree(a, b string) bool { return a != "" && b != "" && a != b }

// subnet is one subnet as aws ec2 describe-subnets prints it.
type subnet struct {
	SubnetID                string `json:"SubnetId"`
	VpcID                   string `json:"VpcId"`
	CidrBlock               string // empty: it has IPv6 addresses only
	AvailabilityZone        string
	AvailabilityZoneID      string `json:"AvailabilityZoneId"`
	IPv6CidrBlockAssociates []struct {
		IPv6CidrBlock      string `json:"Ipv6CidrBlock"`
		IPv6CidrBlockState struct {
			State string
		} `json:"Ipv6CidrBlockState"`
	} `json:"Ipv6CidrBlockAssociationSet"`
}

// blocks are the subnet's CIDR blocks.
func (s subnet) blocks() (blocks []string) {
	if s.CidrBlock != "" {
		blocks = append(blocks, s.CidrBlock)
	}
	for _, a := range s.IPv6CidrBlockAssociates {
		if a.IPv6CidrBlockState.State == "associated" {
			blocks = append(blocks, a.IPv6CidrBlock)
		}
	}
	return blocks
}

func (s subnet) subnets() (all []Subnet, err error) {
	for _, block := range s.blocks() {
		p, err := netip.ParsePrefix(block)
		if err != nil {
			return nil, faultf("%s is not a CIDR block", quoted(block))
		}
		one := Subnet{Prefix: p, ZoneID: s.AvailabilityZoneID, Zone: s.AvailabilityZone}
		if err := one.normalize(); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// subnetsOf reads the subnets of a VPC, or of the first one's if vpc is empty.
func subnetsOf(listed []*subnet, vpc string) (cat Catalog) {
	var all []Subnet
	others := 0
	for _, s := range listed {
		switch {
		case vpc == "":
			vpc = s.VpcID
		case s.VpcID != vpc:
			others++
			continue
		}
		some, err := s.subnets()
		if err != nil {
			cat.note("the subnet %s is left out: %s", quoted(s.SubnetID), err)
			continue
		}
		all = append(all, some...)
	}
	cat.addSubnets(all)
	if others > 0 {
		cat.note("%d subnets are left out, in other VPCs than %s: aws ec2 describe-subnets --filters Name=vpc-id,Values=…", others, quoted(vpc))
	}
	return cat
}

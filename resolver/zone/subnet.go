package zone

import (
	"net/netip"
	"slices"
)

// maxSubnets bounds how many subnets an answer has. A process has one, by IPv4 and by IPv6.
const maxSubnets = 16

// validSubnets is the subnets with the bits behind their prefixes off, each once.
func validSubnets(subnets []netip.Prefix) (valid []netip.Prefix) {
	for _, p := range subnets {
		if p = p.Masked(); p.Bits() > 0 && len(valid) < maxSubnets && !slices.Contains(valid, p) {
			valid = append(valid, p)
		}
	}
	return valid
}

// parseSubnets takes CIDR blocks from a metadata service. Like fromMetadata it is strict: a block of a size that AWS makes no
// subnet of ("Subnet CIDR blocks", VPC User Guide) comes from somebody else, and is left out.
func parseSubnets(blocks []string) (subnets []netip.Prefix) {
	for _, block := range blocks {
		p, err := netip.ParsePrefix(block)
		least, most := 44, 64
		if p.Addr().Is4() {
			least, most = 16, 28
		}
		if err == nil && !p.Addr().Is4In6() && least <= p.Bits() && p.Bits() <= most {
			subnets = append(subnets, p)
		}
	}
	return validSubnets(subnets)
}

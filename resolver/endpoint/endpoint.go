package endpoint

// Endpoint is one interface VPC endpoint as routing needs to know it. A value
// with only Regional set is complete: the rest is read from the name. The zero
// value is not an endpoint, and every source refuses it.
type Endpoint struct {
	// ID is the endpoint's id, "vpce-0a1b2c3d4e5f60718". Empty: Regional's.
	ID string
	// Service is the service's part of the endpoint's names: "sqs",
	// "api.ecr". It is not PrivateLink's service name
	// ("com.amazonaws.us-east-1.ecr.api"), which spells some services
	// differently. Empty: Regional's.
	Service string
	// Region is the Region of the service, "us-east-1". Empty: Regional's.
	Region string
	// Regional is the name that answers with every zone's address, as AWS
	// prints it: an S3 endpoint's begins with "*.".
	Regional string
	// Zonal maps the names of the zones that the endpoint has a network
	// interface in to its zonal DNS names. Nil means not known: the zonal name
	// is then derived, and requests fail over if the zone has none.
	Zonal map[string]string
	// Hosts are the private DNS names that AWS lists for the endpoint, such as
	// "sqs.us-east-1.amazonaws.com" or "*.dkr.ecr.us-east-1.amazonaws.com".
	// Nil means none are known: the service's usual host is then derived from
	// the endpoint's name.
	Hosts []string
	// PrivateDNS says that inside the VPC the names in Hosts lead to this
	// endpoint. If it is false, requests that can't use a zonal name go to the
	// regional one.
	PrivateDNS bool
	// FreePath is set if requests to this service have a way that costs nothing
	// (a gateway endpoint), and describes it. A resolver leaves them on it unless
	// its options name the service. Only sources that read AWS's own listing set
	// it; an endpoint that is listed by hand is used.
	FreePath string
}

// Catalog is what a [Source] knows.
type Catalog struct {
	Endpoints []Endpoint
	// ZoneNames maps zone IDs to zone names as the account that owns the
	// endpoints spells them: zonal names carry that account's letters, and the
	// letters of one physical zone differ between accounts. Nil means not
	// known: a zone's own name is used as it is.
	ZoneNames map[string]string
	// Subnets are subnets of the endpoints' VPC, as far as they are known: an address in
	// one is in its zone. Requests are routed without; a dialer uses them for addresses
	// that no endpoint's name tells of.
	Subnets []Subnet
	// Notes say what was left out of the answer and why, a line each: the first
	// fifty.
	Notes []string
}

package zone

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Zone is an Availability Zone, a Local Zone or a Wavelength Zone. Either field may be empty if only the other is
// known; the zero Zone is not valid.
type Zone struct {
	Name string // "us-east-1a"; the letter can mean another place in another account
	ID   string // "use1-az6"; means the same place in every account
}

// Parse reads a zone's name ("us-east-1a") or ID ("use1-az6"), which differ in shape. A zone of a shape it doesn't know
// can still be given to [Static].
func Parse(s string) (Zone, error) {
	switch {
	case !label.MatchString(s):
	case nameShape.MatchString(s):
		return Zone{Name: s}, nil
	case idShape.MatchString(s):
		return Zone{ID: s}, nil
	}
	return Zone{}, fmt.Errorf("%s is neither a zone name (us-east-1a) nor a zone ID (use1-az6)", quote(s))
}

// Shapes as DescribeAvailabilityZones lists them. Their last parts set them apart: a name's starts with a digit
// (us-gov-west-1a, us-west-2-lax-1a, us-east-1-wl1-bos-wlz-1, eu-west-3-cmn-wlz-1a), an ID's with az or wlz
// (usgw1-az1, usw2-lax1-az1, use1-wl1-bos-wlz1).
var (
	label     = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) // of a DNS name, RFC 1035
	nameShape = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+([a-z]|(-[a-z0-9]+)+-[0-9]+[a-z]?)$`)
	idShape   = regexp.MustCompile(`^[a-z]+(-[a-z]+)*[0-9]+(-[a-z0-9]+)*-(az|wlz)[0-9]+$`)
)

// Validate reports whether z is safe to use as a part of a DNS name: what is known is made of a-z, 0-9 and inner
// dashes, 63 characters at most, and something is known.
func (z Zone) Validate() error {
	switch {
	case z == Zone{}:
		return errors.New("zone has neither a name nor an ID")
	case z.Name != "" && !label.MatchString(z.Name):
		return fmt.Errorf("zone name %s is not made of a-z, 0-9 and inner dashes", quote(z.Name))
	case z.ID != "" && !label.MatchString(z.ID):
		return fmt.Errorf("zone ID %s is not made of a-z, 0-9 and inner dashes", quote(z.ID))
	}
	return nil
}

// String is "us-east-1a (use1-az6)", or the one of the two that is known.
func (z Zone) String() string {
	switch {
	case z == Zone{}:
		return "unknown zone"
	case z.ID == "":
		return z.Name
	case z.Name == "":
		return z.ID
	}
	return z.Name + " (" + z.ID + ")"
}

// fromMetadata takes a name and an ID from a metadata service, either of them possibly empty. It is stricter
// than Validate: text that isn't shaped like a zone ("localhost", a captive portal's page) comes from somebody else.
func fromMetadata(name, id string) (Zone, error) {
	if z, err := Parse(name); name != "" && (err != nil || z.Name == "") {
		return Zone{}, fmt.Errorf("%s is not a zone name", quote(name))
	}
	if z, err := Parse(id); id != "" && (err != nil || z.ID == "") {
		return Zone{}, fmt.Errorf("%s is not a zone ID", quote(id))
	}
	return Zone{Name: name, ID: id}, nil
}

// quote makes s fit for an error message, whatever it holds.
func quote(s string) string {
	const enough = 64
	if len(s) > enough {
		return strconv.QuoteToASCII(s[:enough]) + "..."
	}
	return strconv.QuoteToASCII(s)
}

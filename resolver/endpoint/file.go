package endpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/azaffinity/azaffinity/internal/localfile"
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
// AZAFFINITY_ENDPOINTS_FILE). So may the Subnets that
//
//	aws ec2 describe-subnets --filters Name=vpc-id,Values=vpc-…
//
// prints, of which those of the endpoints' VPC are taken. The file is read each time the
// source is asked.
//
// The encoding is UTF-8 or, as PowerShell writes it, UTF-16 with a byte order mark.
//
// Only available interface endpoints are taken, and all have to be of one VPC:
// a request that is sent to another VPC's endpoint hangs. An S3 or DynamoDB
// endpoint beside a free gateway endpoint is marked with FreePath. What is left
// out although it might be missed, such as an endpoint with a name of another form
// than AWS's, is in the catalogue's Notes.
//
// A file is an error if it isn't there, isn't a regular one, is larger than 16 MiB,
// isn't the CLI's output, has endpoints of which none can be used, or has the
// zones of two accounts.
func File(path string) Source {
	return local{"file " + path, func() (Catalog, error) {
		cat, err := readFile(path)
		if err != nil {
			return Catalog{}, fmt.Errorf("endpoint: %w", err)
		}
		return cat, nil
	}}
}

func readFile(path string) (Catalog, error) {
	content, err := localfile.Read(path, maxFile)
	switch {
	case errors.As(err, new(*localfile.NotRegularError)):
		return Catalog{}, fmt.Errorf("reading the catalogue: %w: write the output of aws ec2 describe-vpc-endpoints into one", err)
	case errors.As(err, new(*localfile.TooLargeError)):
		return Catalog{}, fmt.Errorf("reading the catalogue: %w: is it the output of aws ec2 describe-vpc-endpoints for one VPC?", err)
	case err != nil:
		return Catalog{}, fmt.Errorf("reading the catalogue: %w", err)
	}
	cat, err := parseCLI(content)
	if err != nil {
		return Catalog{}, fmt.Errorf("%s: %w", path, err)
	}
	return cat, nil
}

// cliOutput is what the three commands print. Entries are read one by one: an odd
// one doesn't take the others with it.
type cliOutput struct {
	VpcEndpoints      []json.RawMessage
	AvailabilityZones []json.RawMessage
	Subnets           []json.RawMessage
	NextToken         string
	listed            bool // there is a list of endpoints, maybe an empty one
	moreSubnets       bool // than are listed
}

func parseCLI(content []byte) (Catalog, error) {
	content, err := decode(content)
	if err != nil {
		return Catalog{}, err
	}
	var all cliOutput
	var known bool
	for dec := json.NewDecoder(bytes.NewReader(content)); ; {
		start := dec.InputOffset()
		var out cliOutput
		err := dec.Decode(&out)
		if err == io.EOF {
			break
		}
		if err != nil {
			return Catalog{}, jsonError(err, content, content[start:])
		}
		all.listed = all.listed || out.VpcEndpoints != nil
		known = known || all.listed || out.AvailabilityZones != nil || out.Subnets != nil
		all.VpcEndpoints = append(all.VpcEndpoints, out.VpcEndpoints...)
		all.AvailabilityZones = append(all.AvailabilityZones, out.AvailabilityZones...)
		all.Subnets = append(all.Subnets, out.Subnets...)
		switch {
		case out.VpcEndpoints != nil:
			all.NextToken = out.NextToken
		case out.Subnets != nil:
			all.moreSubnets = out.NextToken != ""
		}
	}
	switch {
	case !known:
		return Catalog{}, errors.New("it has neither VpcEndpoints nor AvailabilityZones: write the output of aws ec2 describe-vpc-endpoints into it, as it is")
	case all.NextToken != "":
		return Catalog{}, errors.New("it is one page of several (it has a NextToken): run aws ec2 describe-vpc-endpoints without --no-paginate and --max-items")
	}
	return all.catalog()
}

func (all cliOutput) catalog() (Catalog, error) {
	descriptions, notes, fault := entriesOf[Description](all.VpcEndpoints, "VpcEndpoints")
	if len(descriptions) == 0 && fault != nil {
		return Catalog{}, fault
	}
	cat, err := fromDescriptions(descriptions)
	if err != nil {
		return Catalog{}, err
	}
	if len(cat.Endpoints) == 0 && all.listed {
		notes = append(notes, fmt.Sprintf("of %d VpcEndpoints listed none is an interface endpoint that can be used: does the --filters of describe-vpc-endpoints name the VPC?", len(all.VpcEndpoints)))
	}
	zones, zoneNotes, fault := entriesOf[availabilityZone](all.AvailabilityZones, "AvailabilityZones")
	notes = append(notes, zoneNotes...)
	var names zoneMap
	for _, z := range zones {
		if err := checkZone(z.ZoneID, z.ZoneName); err != nil {
			notes = append(notes, "a zone is left out: "+err.Error())
			fault = cmp.Or(fault, err)
			continue
		}
		if err := names.add(z.ZoneID, z.ZoneName); err != nil {
			return Catalog{}, err
		}
	}
	if names.names == nil && fault != nil {
		return Catalog{}, fault
	}
	subnets := all.subnetsOf(vpcOf(descriptions))
	notes = append(notes, subnets.Notes...)
	return merge(Catalog{Endpoints: cat.Endpoints, ZoneNames: names.names, Subnets: subnets.Subnets, Notes: append(notes, cat.Notes...)}), nil
}

// subnetsOf is the subnets of the VPC. What can't be used is noted and no error: an
// address in it is one that nothing is known of.
func (all cliOutput) subnetsOf(vpc string) Catalog {
	listed, notes, _ := entriesOf[subnet](all.Subnets, "Subnets")
	cat := subnetsOf(listed, vpc)
	cat.Notes = append(notes, cat.Notes...)
	if all.moreSubnets {
		cat.note("not all Subnets are listed (there is a NextToken): run aws ec2 describe-subnets without --no-paginate and --max-items")
	}
	return cat
}

type availabilityZone struct {
	ZoneID   string `json:"ZoneId"`
	ZoneName string `json:"ZoneName"`
}

// entriesOf reads the entries of a list. What isn't one is noted; fault is the
// first of that.
func entriesOf[T any](list []json.RawMessage, of string) (all []T, notes []string, fault error) {
	for i, raw := range list {
		var entry T
		if err := json.Unmarshal(raw, &entry); err != nil {
			err = fmt.Errorf("entry %d of %s: %w", i+1, of, jsonError(err, raw, raw))
			notes = append(notes, "left out: "+err.Error())
			fault = cmp.Or(fault, err)
			continue
		}
		all = append(all, entry)
	}
	return all, notes, fault
}

const (
	mark    = "\ufeff" // the byte order mark
	mark8   = "\xef\xbb\xbf"
	mark16B = "\xfe\xff"
	mark16L = "\xff\xfe"
)

// decode makes UTF-8 of what editors and PowerShell write. Marks are dropped
// wherever they are: files are put together from several.
func decode(content []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(content, []byte(mark16L)):
		order = binary.LittleEndian
	case bytes.HasPrefix(content, []byte(mark16B)):
		order = binary.BigEndian
	default:
		return bytes.ReplaceAll(content, []byte(mark8), nil), nil
	}
	if len(content)%2 != 0 {
		return nil, errors.New("it is UTF-16, and ends in the middle of a character")
	}
	units := make([]uint16, 0, len(content)/2)
	for ; len(content) > 0; content = content[2:] {
		units = append(units, order.Uint16(content))
	}
	return []byte(strings.ReplaceAll(string(utf16.Decode(units)), mark, "")), nil
}

// jsonError says what is wrong with a file, and at which place: value is the part of it
// that the error's offset counts in.
func jsonError(err error, content, value []byte) error {
	const want = "want the output of aws ec2 describe-vpc-endpoints --output json, as it is"
	var (
		syntax *json.SyntaxError
		typed  *json.UnmarshalTypeError
	)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("not JSON: it ends in the middle, after %s: %s", quote(before(content, int64(len(content)))), want)
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %w, after %s: %s", err, quote(before(value, syntax.Offset)), want)
	case errors.As(err, &typed) && typed.Field == "":
		return fmt.Errorf("it is a JSON %s, and not an object with VpcEndpoints (it begins with %s): %s", typed.Value, quote(string(value[:min(len(value), shown)])), want)
	case errors.As(err, &typed):
		return fmt.Errorf("%s is of the wrong type, %s, after %s: %s", typed.Field, typed.Value, quote(before(value, typed.Offset)), want)
	}
	return fmt.Errorf("%w: %s", err, want)
}

const shown = 40 // bytes of a file that an error shows

// before is what stands in front of an offset, and a little of it.
func before(content []byte, offset int64) string {
	end := max(0, min(int(offset), len(content)))
	return string(content[max(0, end-shown):end])
}

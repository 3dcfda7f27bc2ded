package endpoint

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

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
// A file is an error if it isn't there, isn't a regular one, is larger than 16 MiB, has
// more than a million values, half a million objects, or twenty thousand endpoints, zones
// or subnets, isn't the CLI's output, has endpoints of which none can be used, or has the
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

// maxValues and maxObjects bound what is in a catalogue file. The AWS CLI prints a value
// in some 50 bytes and an object in some 150: more of them in 16 MiB would be in a file
// that is made to be slow.
const maxValues, maxObjects = 1 << 20, 1 << 19

// maxEntries bounds how many endpoints, zones or subnets are in one file. One VPC has 50
// interface endpoints and 200 subnets, unless AWS has raised these quotas (Amazon VPC User
// Guide, "Amazon VPC quotas"), and all Regions together have some hundreds of zones.
const maxEntries = 20_000

// maxOutputs bounds how many outputs are in one file: there is use for three.
const maxOutputs = 100

// maxOdd bounds how many entries of a list may be odd before the file is taken for one
// that the AWS CLI hasn't written.
const maxOdd = 1000

// cliOutput is what the three commands print. A list of pointers grows without copying
// what is in it.
type cliOutput struct {
	VpcEndpoints      []*Description
	AvailabilityZones []availabilityZone
	Subnets           []*subnet
	NextToken         string
}

// rawOutput is a cliOutput whose entries are read one by one, since one of them is odd
// and shouldn't take the others with it.
type rawOutput struct {
	VpcEndpoints      []json.RawMessage
	AvailabilityZones []json.RawMessage
	Subnets           []json.RawMessage
	NextToken         string
}

// contents is all that a file lists.
type contents struct {
	cliOutput
	known, listed bool                                    // there is a list of something, and of endpoints, maybe an empty one
	entries       struct{ endpoints, zones, subnets int } // listed, odd ones too
	moreSubnets   bool                                    // than are listed
	odd           notes                                   // of entries that are not what they should be
	endpointFault error                                   // of the first such endpoint
	zoneFault     error                                   // of the first such zone
}

func parseCLI(content []byte) (Catalog, error) {
	content, err := decode(content)
	if err != nil {
		return Catalog{}, err
	}
	if bytes.Count(content, []byte{','}) > maxValues || bytes.Count(content, []byte{'{'}) > maxObjects {
		return Catalog{}, fmt.Errorf("it has more than %d values or %d objects: is it the output of aws ec2 describe-vpc-endpoints for one VPC?", maxValues, maxObjects)
	}
	var all contents
	dec := json.NewDecoder(bytes.NewReader(content))
	for outputs := 0; ; outputs++ {
		start := dec.InputOffset()
		var out cliOutput
		err := dec.Decode(&out)
		if err == io.EOF {
			break
		}
		if outputs == maxOutputs {
			return Catalog{}, fmt.Errorf("it is more than %d JSON values one after the other: want the output of aws ec2 describe-vpc-endpoints, as it is", maxOutputs)
		}
		odd := errors.As(err, new(*json.UnmarshalTypeError))
		if err != nil && !odd {
			return Catalog{}, jsonError(err, content, content[start:])
		}
		if err := all.count(out); err != nil {
			return Catalog{}, err
		}
		if odd {
			var raw rawOutput
			if err := json.Unmarshal(content[start:dec.InputOffset()], &raw); err != nil {
				return Catalog{}, jsonError(err, content, content[start:])
			}
			if out, err = all.readEach(raw); err != nil {
				return Catalog{}, err
			}
		}
		all.add(out)
	}
	switch {
	case !all.known:
		return Catalog{}, errors.New("it has neither VpcEndpoints nor AvailabilityZones: write the output of aws ec2 describe-vpc-endpoints into it, as it is")
	case all.NextToken != "":
		return Catalog{}, errors.New("it is one page of several (it has a NextToken): run aws ec2 describe-vpc-endpoints without --no-paginate and --max-items")
	}
	return all.catalog()
}

// count adds to how many entries are listed. One that is odd is zero in out, or null.
func (all *contents) count(out cliOutput) error {
	n := &all.entries
	n.endpoints += len(out.VpcEndpoints)
	n.zones += len(out.AvailabilityZones)
	n.subnets += len(out.Subnets)
	if max(n.endpoints, n.zones, n.subnets) > maxEntries {
		return fmt.Errorf("it lists %d endpoints, %d zones and %d subnets, and may list %d of each: is it the output of aws ec2 describe-vpc-endpoints for one VPC?",
			n.endpoints, n.zones, n.subnets, maxEntries)
	}
	return nil
}

// add adds one command's output.
func (all *contents) add(out cliOutput) {
	all.listed = all.listed || out.VpcEndpoints != nil
	all.known = all.known || all.listed || out.AvailabilityZones != nil || out.Subnets != nil
	all.VpcEndpoints = append(all.VpcEndpoints, notNull(out.VpcEndpoints)...)
	all.AvailabilityZones = append(all.AvailabilityZones, out.AvailabilityZones...)
	all.Subnets = append(all.Subnets, notNull(out.Subnets)...)
	switch {
	case out.VpcEndpoints != nil:
		all.NextToken = out.NextToken
	case out.Subnets != nil:
		all.moreSubnets = out.NextToken != ""
	}
}

// notNull puts an empty entry in place of JSON's null.
func notNull[T any](list []*T) []*T {
	for i, entry := range list {
		if entry == nil {
			list[i] = new(T)
		}
	}
	return list
}

// readEach reads the entries of each list by themselves.
func (all *contents) readEach(raw rawOutput) (cliOutput, error) {
	out := cliOutput{NextToken: raw.NextToken}
	var ofEndpoints, ofZones, ofSubnets error
	out.VpcEndpoints, ofEndpoints = entriesOf[*Description](raw.VpcEndpoints, "VpcEndpoints", &all.odd)
	out.AvailabilityZones, ofZones = entriesOf[availabilityZone](raw.AvailabilityZones, "AvailabilityZones", &all.odd)
	out.Subnets, ofSubnets = entriesOf[*subnet](raw.Subnets, "Subnets", &all.odd)
	all.endpointFault, all.zoneFault = cmp.Or(all.endpointFault, ofEndpoints), cmp.Or(all.zoneFault, ofZones)
	if len(all.odd) > maxOdd {
		return out, fmt.Errorf("more than %d entries can't be read: %w", maxOdd, cmp.Or(ofEndpoints, ofZones, ofSubnets))
	}
	return out, nil
}

func (all *contents) catalog() (Catalog, error) {
	if len(all.VpcEndpoints) == 0 && all.endpointFault != nil {
		return Catalog{}, all.endpointFault
	}
	cat, err := fromDescriptions(all.VpcEndpoints)
	if err != nil {
		return Catalog{}, err
	}
	of := all.odd
	if len(cat.Endpoints) == 0 && all.listed {
		of.add("of %d VpcEndpoints listed none is an interface endpoint that can be used: does the --filters of describe-vpc-endpoints name the VPC?", all.entries.endpoints)
	}
	if cat.ZoneNames, err = all.zoneNames(&of); err != nil {
		return Catalog{}, err
	}
	subnets := subnetsOf(all.Subnets, vpcOf(all.VpcEndpoints))
	if all.moreSubnets {
		subnets.note("not all Subnets are listed (there is a NextToken): run aws ec2 describe-subnets without --no-paginate and --max-items")
	}
	cat.Subnets = subnets.Subnets
	cat.Notes = firstNotes(slices.Concat(of, subnets.Notes, cat.Notes))
	return cat, nil
}

// zoneNames is the map of the zones. One that isn't one is noted.
func (all *contents) zoneNames(of *notes) (map[string]string, error) {
	var names zoneMap
	fault := all.zoneFault
	for _, z := range all.AvailabilityZones {
		if err := checkZone(z.ZoneID, z.ZoneName); err != nil {
			of.add("a zone is left out: %v", err)
			fault = cmp.Or(fault, err)
			continue
		}
		if err := names.add(z.ZoneID, z.ZoneName); err != nil {
			return nil, err
		}
	}
	if names.names == nil && fault != nil {
		return nil, fault
	}
	return names.names, nil
}

type availabilityZone struct {
	ZoneID   string `json:"ZoneId"`
	ZoneName string `json:"ZoneName"`
}

// entriesOf reads the entries of a list. What isn't one is noted; fault is the
// first of that.
func entriesOf[T any](list []json.RawMessage, of string, odd *notes) (all []T, fault error) {
	if list != nil {
		all = make([]T, 0, len(list))
	}
	for i, raw := range list {
		var entry T
		if err := json.Unmarshal(raw, &entry); err != nil {
			if fault == nil || len(*odd) < maxNotes {
				err = fmt.Errorf("entry %d of %s: %w", i+1, of, jsonError(err, raw, raw))
			}
			odd.add("left out: %v", err)
			if fault = cmp.Or(fault, err); len(*odd) > maxOdd {
				break
			}
			continue
		}
		all = append(all, entry)
	}
	return all, fault
}

const (
	mark    = '\ufeff' // the byte order mark
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
	text := make([]byte, 0, len(content))
	for ; len(content) > 0; content = content[2:] {
		r := rune(order.Uint16(content))
		if utf16.IsSurrogate(r) {
			second := rune(0)
			if len(content) >= 4 {
				second = rune(order.Uint16(content[2:]))
			}
			if r = utf16.DecodeRune(r, second); r != unicode.ReplacementChar {
				content = content[2:]
			}
		}
		if r != mark {
			text = utf8.AppendRune(text, r)
		}
	}
	return text, nil
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

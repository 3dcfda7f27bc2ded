package endpoint

import (
	"bytes"
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
// Only available interface endpoints are taken, and all have to be of one VPC:
// a request that is sent to another VPC's endpoint hangs. An S3 or DynamoDB
// endpoint beside a free gateway endpoint is marked with FreePath. What is left
// out although it might be missed is in the catalogue's Notes.
//
// A file that isn't there, isn't a regular one, is larger than 16 MiB or holds
// anything else is an error, and so is a single name in it that AWS would not
// list there: nothing is taken of such a file.
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
	content, err := readBounded(path)
	if err != nil {
		return Catalog{}, fmt.Errorf("reading the catalogue: %w", err)
	}
	cat, err := parseCLI(content)
	if err != nil {
		return Catalog{}, fmt.Errorf("%s: %w", path, err)
	}
	return cat, nil
}

func readBounded(path string) ([]byte, error) {
	// Before it is opened: opening a pipe waits for its writer.
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file: write the output of aws ec2 describe-vpc-endpoints into one", path)
	}
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
		return nil, fmt.Errorf("%s is larger than %d MiB: is it the output of aws ec2 describe-vpc-endpoints for one VPC?", path, maxFile>>20)
	}
	return content, nil
}

// cliOutput is what the two commands print.
type cliOutput struct {
	VpcEndpoints      []Description
	AvailabilityZones []struct {
		ZoneID   string `json:"ZoneId"`
		ZoneName string `json:"ZoneName"`
	}
	NextToken string
}

func parseCLI(content []byte) (Catalog, error) {
	var all cliOutput
	var known bool
	for dec := json.NewDecoder(bytes.NewReader(content)); ; {
		var value json.RawMessage
		err := dec.Decode(&value)
		if err == io.EOF {
			break
		}
		if err != nil {
			return Catalog{}, jsonError(err, content, content)
		}
		var out cliOutput
		if err := json.Unmarshal(value, &out); err != nil {
			return Catalog{}, jsonError(err, content, value)
		}
		if err := unique(json.NewDecoder(bytes.NewReader(value))); err != nil {
			return Catalog{}, jsonError(err, content, value)
		}
		known = known || out.VpcEndpoints != nil || out.AvailabilityZones != nil
		all.VpcEndpoints = append(all.VpcEndpoints, out.VpcEndpoints...)
		all.AvailabilityZones = append(all.AvailabilityZones, out.AvailabilityZones...)
		if out.VpcEndpoints != nil {
			all.NextToken = out.NextToken
		}
	}
	switch {
	case !known:
		return Catalog{}, errors.New("it has neither VpcEndpoints nor AvailabilityZones: write the output of aws ec2 describe-vpc-endpoints into it, as it is")
	case all.NextToken != "":
		return Catalog{}, errors.New("it is one page of several (it has a NextToken): run aws ec2 describe-vpc-endpoints without --no-paginate and --max-items")
	}
	cat, err := fromDescriptions(all.VpcEndpoints)
	if err != nil {
		return Catalog{}, err
	}
	for _, z := range all.AvailabilityZones {
		if err := addZone(&cat.ZoneNames, z.ZoneID, z.ZoneName); err != nil {
			return Catalog{}, err
		}
	}
	return cat, nil
}

// unique refuses an object that has a key twice: encoding/json, which tells
// letter case not apart, would make a mixture of the two values. The value is
// known to be JSON, and not to be nested too deep.
func unique(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			token, err := dec.Token()
			if err != nil {
				return err
			}
			key, _ := token.(string)
			folded := strings.ToLower(strings.ToUpper(key))
			if seen[folded] {
				return fmt.Errorf("it has %s twice in one object", quote(key))
			}
			seen[folded] = true
		}
		if err := unique(dec); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// jsonError says what is wrong with a file, and where: value is the part of it
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

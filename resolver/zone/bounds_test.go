package zone

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// Given blocks of the sizes around those of AWS's subnets, when they are read, then the least and the largest subnets are taken, and no other size.
func TestSubnetSizes(t *testing.T) {
	blocks := []string{
		"10.0.0.0/15", "10.1.0.0/16", "10.2.0.0/28", "10.3.0.0/29",
		"2600:1000::/43", "2600:2000::/44", "2600:3000::/64", "2600:4000::/65",
	}
	want := prefixes("10.1.0.0/16", "10.2.0.0/28", "2600:2000::/44", "2600:3000::/64")
	if got := parseSubnets(blocks); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Given more subnets than a process can have, when they are read, then the first 16 are taken, without what others repeat.
func TestSubnetsAreBounded(t *testing.T) {
	var blocks []string
	var want []netip.Prefix
	for i := range 20 {
		block := fmt.Sprintf("10.0.%d.0/24", i)
		blocks = append(blocks, block, block)
		if i < 16 {
			want = append(want, netip.MustParsePrefix(block))
		}
	}
	if got := parseSubnets(blocks); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Given subnets from code, when one has no bits or none at all, then it is left out, and /1 is taken.
func TestSubnetsOfNoSize(t *testing.T) {
	given := []netip.Prefix{{}, netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("129.0.0.0/1")}
	if got, want := validSubnets(given), prefixes("128.0.0.0/1"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Given a value that others would read, when it is nested as deep as is remembered, then it is skipped; one level more is an error.
func TestDepthIsBounded(t *testing.T) {
	for depth, ok := range map[int]bool{maxDepth: true, maxDepth + 1: false} {
		for _, brackets := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
			deep := strings.Repeat(brackets[0], depth) + "1" + strings.Repeat(brackets[1], depth)
			fields, err := stringFields(strings.NewReader(`{"x": `+deep+`, "y": "z"}`), nil, "y")
			if (err == nil) != ok || ok && fields["y"] != "z" {
				t.Errorf("%d of %s: %v, %v", depth, brackets[0], fields, err)
			}
		}
	}
}

// Given a token that is larger than may be read at once, when it is read, then that is an error; several smaller ones may be larger together.
func TestTokensAreBounded(t *testing.T) {
	half := strings.Repeat("a", maxAnswer/2)
	fields, err := stringFields(strings.NewReader(`{"x": "`+half+`", "y": "`+half+`", "z": "`+half+`"}`), nil, "x", "z")
	if err != nil || fields["x"] != half || fields["z"] != half {
		t.Errorf("three of half the size: %v", err)
	}
	if _, err := stringFields(strings.NewReader(`{"x": "`+half+half+half+`"}`), nil, "x"); err == nil {
		t.Error("one of more than the size was read")
	}
}

// Given text behind an object, or a field that is no string, when it is read, then that is an error, and no field is given.
func TestFieldsOfNoObject(t *testing.T) {
	for _, text := range []string{`{"x": "1"} {}`, `{"x": "1"`, `["x"]`, `"x"`, ``, `{"x": 1}`, `{"x": null}`, `{"x": "1", "y": [1}`} {
		if fields, err := stringFields(strings.NewReader(text), nil, "x"); err == nil || fields != nil {
			t.Errorf("%s: %v, %v", text, fields, err)
		}
	}
}

// Given characters at the ends of ASCII's printable ones, then a token may have those, and no others.
func TestUnprintable(t *testing.T) {
	for r, want := range map[rune]bool{' ': true, '!': false, 'a': false, '~': false, '\x7f': true, '\n': true, 'é': true} {
		if unprintable(r) != want {
			t.Errorf("%q: got %v", r, !want)
		}
	}
}

// Given a task with the blocks of networks elsewhere than in its containers, when it is read, then those are not taken.
func TestBlocksOfContainersOnly(t *testing.T) {
	const networks = `[{"Networks": [{"IPv4SubnetCIDRBlock": "10.0.%d.0/24"}]}]`
	task := fmt.Sprintf(`{"Volumes": `+networks+`, "AvailabilityZone": "us-west-2d", "Containers": `+networks+`, "Limits": `+networks+`}`, 1, 2, 3)
	got, err := parseTask(strings.NewReader(task))
	if want := prefixes("10.0.2.0/24"); err != nil || !slices.Equal(got.Subnets, want) {
		t.Errorf("got %v, %v; want %v", got.Subnets, err, want)
	}
}

// Given a request that was not answered, when that is explained, then the URL, which is always the same, is left out.
func TestIMDSIsExplainedWithoutTheURL(t *testing.T) {
	last := &exchange{err: &url.Error{Op: "Put", URL: "http://169.254.169.254/latest/api/token", Err: errors.New("no route to host")}}
	if err := last.explain(errors.New("what the SDK says")); strings.Contains(err.Error(), "http://") || !strings.Contains(err.Error(), "no route to host; is this an EC2 instance") {
		t.Errorf("got %v", err)
	}
}

// Given fields that are about as large as an answer may be, when those behind them are read, then they are, or the answer is too large: what was read of one doesn't
// count against the next.
func TestLargeFieldsOneAfterTheOther(t *testing.T) {
	for n := maxAnswer; n <= maxAnswer+600; n++ {
		got, err := stringFields(strings.NewReader(`{"a": "`+strings.Repeat("x", n)+`" , "AvailabilityZone": "us-west-2d"}`), nil, "AvailabilityZone")
		if (err != nil || got["AvailabilityZone"] != "us-west-2d") && !errors.Is(err, errTooLarge) {
			t.Fatalf("%d: got %v, %v", n, got, err)
		}
	}
}

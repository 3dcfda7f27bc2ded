package discovery

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

func TestPages(t *testing.T) {
	f := newFakeEC2(t)
	f.pageSize = 2
	for i := range 5 {
		f.items = append(f.items, interfaceTo(fmt.Sprintf("vpce-0aaaaaaaaaaaaaaa%d", i), "sqs", "sqs"))
	}
	cat, err := f.source(t).Endpoints(t.Context())
	if err != nil || len(cat.Endpoints) != 5 {
		t.Errorf("got %d endpoints and %v, want 5", len(cat.Endpoints), err)
	}
	var tokens []string
	for _, call := range f.calls("DescribeVpcEndpoints") {
		tokens = append(tokens, call.Get("NextToken"))
	}
	if got := strings.Join(tokens, ","); got != ",2,4" {
		t.Errorf("tokens: got %s, want ,2,4", got)
	}

	// In whatever order EC2 lists them, the catalogue is the same.
	slices.Reverse(f.items)
	if again, err := f.source(t).Endpoints(t.Context()); err != nil || !reflect.DeepEqual(again, cat) {
		t.Errorf("in another order: got %+v, %v, want %+v", again, err, cat)
	}
}

// Given pages without end, or a page that fails, then there is no catalogue:
// half of one would send requests elsewhere than a whole one.
func TestNoHalfAnswers(t *testing.T) {
	page := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<DescribeVpcEndpointsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpcEndpointSet>`+
			interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs").xml()+`</vpcEndpointSet><nextToken>more</nextToken></DescribeVpcEndpointsResponse>`)
	}
	f := newFakeEC2(t)
	f.instead["DescribeVpcEndpoints"] = page
	if cat, err := f.source(t).Endpoints(t.Context()); err == nil || len(cat.Endpoints) > 0 {
		t.Errorf("without end: got %+v, %v, want an error alone", cat, err)
	}
	if got := len(f.calls("DescribeVpcEndpoints")); got != maxPages {
		t.Errorf("without end: asked for %d pages, want %d", got, maxPages)
	}
	f.instead["DescribeVpcEndpoints"] = func(w http.ResponseWriter, r *http.Request) {
		if r.PostForm.Get("NextToken") == "" {
			page(w, r)
			return
		}
		fail(http.StatusBadRequest, "InvalidNextToken")(w, r)
	}
	if cat, err := f.source(t).Endpoints(t.Context()); err == nil || len(cat.Endpoints) > 0 {
		t.Errorf("one fails: got %+v, %v, want an error alone", cat, err)
	}
}

func TestZoneNames(t *testing.T) {
	f := newFakeEC2(t, interfaceTo("vpce-0aaaaaaaaaaaaaaa1", "sqs", "sqs"))
	f.instead["DescribeAvailabilityZones"] = fail(http.StatusForbidden, "UnauthorizedOperation")
	s := f.source(t)
	cat, err := s.Endpoints(t.Context())
	if err != nil || len(cat.Endpoints) != 1 || cat.ZoneNames != nil {
		t.Errorf("denied: got %+v, %v, want the endpoint and no names", cat, err)
	}
	if len(cat.Notes) != 1 || !strings.Contains(cat.Notes[0], "ec2:DescribeAvailabilityZones") || strings.Contains(cat.Notes[0], "ea966190") {
		t.Errorf("denied: notes: got %q, want the action, and nothing of one request alone", cat.Notes)
	}

	// Once known, the names stay known, and aren't asked for again.
	delete(f.instead, "DescribeAvailabilityZones")
	f.zones = append(f.zones, [2]string{"use1-az6.evil.example", "us-east-1c"}, [2]string{"use1-az9", "us-east-1d"}, [2]string{"use1-az8", "us-east-1d"})
	cat, err = s.Endpoints(t.Context())
	want := map[string]string{"use1-az4": "us-east-1a", "use1-az6": "us-east-1b", "use1-az9": "us-east-1d"}
	if err != nil || !maps.Equal(cat.ZoneNames, want) || len(cat.Notes) != 1 {
		t.Errorf("one is bad: got %+v, %v, want %v and a note", cat, err, want)
	}
	f.instead["DescribeAvailabilityZones"] = fail(http.StatusServiceUnavailable, "RequestLimitExceeded")
	asked := len(f.calls("DescribeAvailabilityZones"))
	cat, err = s.Endpoints(t.Context())
	if err != nil || !maps.Equal(cat.ZoneNames, want) || len(f.calls("DescribeAvailabilityZones")) != asked {
		t.Errorf("again: got %+v, %v, want the names without another call", cat, err)
	}

	// A zone that wasn't there before is a reason to ask; failing, the rest stays.
	f.items[0].dns = append(f.items[0].dns, "vpce-0aaaaaaaaaaaaaaa1-lj2wisx3-us-east-1c.sqs.us-east-1.vpce.amazonaws.com")
	cat, err = s.Endpoints(t.Context())
	if err != nil || !maps.Equal(cat.ZoneNames, want) || len(f.calls("DescribeAvailabilityZones")) != asked+1 {
		t.Errorf("a new zone: got %+v, %v after %d calls, want the names after %d", cat, err, len(f.calls("DescribeAvailabilityZones")), asked+1)
	}
}

// Given several endpoints for one service, when a resolver is asked, then it
// takes the one that the rule names, and says so.
func TestSeveralForOneService(t *testing.T) {
	tagged := func(i item) item { i.tags = map[string]string{"azaffinity": "yes"}; return i }
	const a, b, c = "vpce-0aaaaaaaaaaaaaaa1", "vpce-0bbbbbbbbbbbbbbb1", "vpce-0ccccccccccccccc1"
	for _, tt := range []struct {
		name  string
		items []item
		want  string
	}{
		{"the one with private DNS", []item{interfaceTo(a, "sqs", "sqs"), interfaceTo(b, "sqs", "sqs", sqsHost)}, b},
		{"before the one with the tag", []item{tagged(interfaceTo(a, "sqs", "sqs")), interfaceTo(b, "sqs", "sqs", sqsHost)}, b},
		{"else the one with the tag", []item{interfaceTo(a, "sqs", "sqs"), tagged(interfaceTo(b, "sqs", "sqs"))}, b},
		{"else the lowest id", []item{interfaceTo(b, "sqs", "sqs"), interfaceTo(a, "sqs", "sqs")}, a},
		{"also among those with the tag", []item{interfaceTo(a, "sqs", "sqs"), tagged(interfaceTo(c, "sqs", "sqs")), tagged(interfaceTo(b, "sqs", "sqs"))}, b},
		{"another service's tag is another service's", []item{interfaceTo(b, "sqs", "sqs"), interfaceTo(a, "sqs", "sqs"), tagged(interfaceTo(c, "sns", "sns"))}, a},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, notes := resolverOn(t, newFakeEC2(t, tt.items...).source(t, WithTag("azaffinity", "yes")))
			if got := r.Resolve(sqsHost).Endpoint(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			r.Close() // what it has to log is logged then
			if !strings.Contains(notes.String(), tt.want) {
				t.Errorf("the log doesn't say so: %s", notes)
			}
		})
	}
}

// resolverOn returns a resolver in us-east-1a, and its log.
func resolverOn(t *testing.T, s *Source) (*resolver.Resolver, fmt.Stringer) {
	t.Helper()
	log, text := newLog()
	r, err := resolver.New(resolver.WithZone(zone.Static(zone.Zone{ID: "use1-az4"})), resolver.WithEndpoints(s), resolver.WithLogger(log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r, text
}

// Given endpoints with policies, when they are listed, then the policies, which are the largest part, are not kept.
func TestPoliciesAreNotKept(t *testing.T) {
	f := newFakeEC2(t)
	e := interfaceTo("vpce-0aaaaaaaaaaaaaaa0", "sqs", "sqs")
	f.items = append(f.items, e)
	all, err := f.source(t).list(t.Context(), vpc)
	if err != nil || len(all) != 1 {
		t.Fatalf("got %v, %v", all, err)
	}
	if all[0].PolicyDocument != nil {
		t.Errorf("got %q", *all[0].PolicyDocument)
	}
}

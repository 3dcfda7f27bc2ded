package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// onInstance has the program find its zone by the VPC's instance metadata.
func onInstance(t *testing.T, url string) {
	t.Helper()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
}

// silent is a metadata service whose answers get lost, as behind a hop limit of 1.
func silent(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	return server.URL
}

// Each problem with where the program runs and what its environment says is found, and nothing else is.
func TestEnvironment(t *testing.T) {
	const advice, problem = "advice ", "problem "
	byHand := func(t *testing.T, names ...string) {
		t.Setenv("AZAFFINITY_ENDPOINTS", strings.Join(names, ","))
	}
	// In a VPC with an endpoint in its zone, whose private DNS is on.
	sound := func(t *testing.T) (*lab.Lab, *network) {
		l, n := startLab(t, lab.Options{})
		onInstance(t, l.IMDSEndpoint())
		t.Setenv("AZAFFINITY_ENDPOINTS_FILE", write(t, l.DescribeVpcEndpoints()))
		return l, n
	}
	for _, test := range []struct {
		name     string
		given    func(*testing.T) *network
		want     []string
		what, do string
	}{
		{"nothing wrong", func(t *testing.T) *network {
			_, n := sound(t)
			return n
		}, nil, "", ""},
		{"an endpoint that is listed by hand", func(t *testing.T) *network {
			l, n := startLab(t, lab.Options{})
			onInstance(t, l.IMDSEndpoint())
			byHand(t, l.RegionalName("sqs"))
			return n
		}, nil, "", ""},
		{"an endpoint that is listed by hand and isn't in the zone", func(t *testing.T) *network {
			l, n := startLab(t, lab.Options{Endpoints: []lab.Endpoint{{Service: "sqs", PrivateDNS: true, Zones: []string{"us-east-1b"}}}})
			onInstance(t, l.IMDSEndpoint())
			byHand(t, l.RegionalName("sqs"))
			return n
		}, []string{"sqs: " + problem + "not-in-zone"}, "its name in us-east-1a does not exist", "a subnet in us-east-1a"},
		{"an endpoint that is a client's URL", func(t *testing.T) *network {
			l, n := startLab(t, lab.Options{})
			onInstance(t, l.IMDSEndpoint())
			t.Setenv("AWS_ENDPOINT_URL_SQS", "https://"+l.RegionalName("sqs"))
			t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://localhost:8000")
			return n
		}, nil, "", ""},
		{"a zonal name that is a client's URL", func(t *testing.T) *network {
			l, n := sound(t)
			t.Setenv("AWS_ENDPOINT_URL_SQS", "https://"+l.ZonalName("sqs", "us-east-1b"))
			return n
		}, []string{advice + "pinned"}, "AWS_ENDPOINT_URL_SQS has the name of one zone, us-east-1b", "give it the regional name, vpce-"},
		{"somebody's own service", func(t *testing.T) *network {
			_, n := sound(t)
			byHand(t, "vpce-0a1b2c3d4e5f60718-lj2wisx3.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com")
			return n
		}, []string{"vpce-svc-0123456789abcdef0: " + advice + "not-routed"}, "somebody's own service", "its URL"},
		{"a service whose hosts work under their own name only", func(t *testing.T) *network {
			_, n := sound(t)
			byHand(t, "vpce-0a1b2c3d4e5f60718-lj2wisx3.dkr.ecr.us-east-1.vpce.amazonaws.com")
			return n
		}, []string{"dkr.ecr: " + advice + "not-routed"}, "under their own name only", "leave it out"},
		{"no endpoints", func(t *testing.T) *network {
			_, n := sound(t)
			t.Setenv("AZAFFINITY_ENDPOINTS_FILE", "")
			return n
		}, []string{problem + "no-endpoints"}, "azaffinity changes nothing", "AZAFFINITY_ENDPOINTS"},
		{"no zone", func(t *testing.T) *network {
			_, n := sound(t)
			t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			return n
		}, []string{problem + "no-zone"}, "AZAFFINITY_ZONE is not set", "set AZAFFINITY_ZONE"},
		{"a hop limit of 1", func(t *testing.T) *network {
			_, n := sound(t)
			onInstance(t, silent(t))
			return n
		}, []string{problem + "hop-limit"}, "the zone is not known", "--http-put-response-hop-limit 2"},
		{"an owner with other letters that a file knows", func(t *testing.T) *network {
			here, _ := startLab(t, lab.Options{}) // for its letters: use1-az6 is us-east-1a
			l, n := startLab(t, lab.Options{Zones: []lab.Zone{{Name: "us-east-1c", ID: "use1-az6"}, {Name: "us-east-1a", ID: "use1-az1"}}})
			onInstance(t, here.IMDSEndpoint())
			t.Setenv("AZAFFINITY_ENDPOINTS_FILE", write(t, l.DescribeVpcEndpoints()))
			return n
		}, []string{advice + "letters"}, "use1-az6 is us-east-1a here, and us-east-1c for the endpoints' owner", "nothing"},
		{"an owner with other letters that were told", func(t *testing.T) *network {
			here, _ := startLab(t, lab.Options{})
			l, n := startLab(t, lab.Options{Zones: []lab.Zone{{Name: "us-east-1c", ID: "use1-az6"}, {Name: "us-east-1a", ID: "use1-az1"}}})
			onInstance(t, here.IMDSEndpoint())
			byHand(t, l.RegionalName("sqs"))
			t.Setenv("AZAFFINITY_ZONE_NAMES", "use1-az6=us-east-1c")
			return n
		}, []string{advice + "letters"}, "us-east-1c for the endpoints' owner", "nothing"},
		{"an owner with other letters that nobody told", func(t *testing.T) *network {
			here, _ := startLab(t, lab.Options{})
			l, n := startLab(t, lab.Options{Zones: []lab.Zone{{Name: "us-east-1c", ID: "use1-az6"}, {Name: "us-east-1a", ID: "use1-az1"}}})
			onInstance(t, here.IMDSEndpoint())
			byHand(t, l.RegionalName("sqs"))
			return n
		}, []string{"sqs: " + problem + "farther"}, "another zone is nearer", "AZAFFINITY_ZONE_NAMES"},
		{"azaffinity that only observes", func(t *testing.T) *network {
			_, n := sound(t)
			t.Setenv("AZAFFINITY_MODE", "observe")
			return n
		}, []string{advice + "mode"}, "AZAFFINITY_MODE is observe", "prefer"},
		{"a mode that isn't one", func(t *testing.T) *network {
			_, n := sound(t)
			t.Setenv("AZAFFINITY_MODE", "on")
			return n
		}, []string{problem + "mode"}, `"on"`, "prefer, observe or off"},
		{"a proxy that is for everything", func(t *testing.T) *network {
			_, n := sound(t)
			t.Setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
			return n
		}, []string{problem + "proxy"}, "HTTPS_PROXY (http://me:xxxxx@proxy.example:3128) would carry calls to the endpoints for sqs", ".vpce.amazonaws.com to NO_PROXY"},
		{"a proxy that isn't for the services' own hosts", func(t *testing.T) *network {
			_, n := sound(t)
			t.Setenv("https_proxy", "proxy.example:3128")
			t.Setenv("no_proxy", "169.254.169.254,.s3.us-east-1.amazonaws.com,sqs.us-east-1.amazonaws.com")
			return n
		}, []string{problem + "proxy"}, "NO_PROXY has the services' own hosts, and not the endpoints' names", ".vpce.amazonaws.com to NO_PROXY"},
		{"a proxy that isn't for endpoints", func(t *testing.T) *network {
			_, n := sound(t)
			t.Setenv("HTTPS_PROXY", "proxy.example:3128")
			t.Setenv("NO_PROXY", ".vpce.amazonaws.com")
			return n
		}, nil, "", ""},
		{"a proxy for http", func(t *testing.T) *network {
			_, n := sound(t)
			t.Setenv("HTTP_PROXY", "proxy.example:3128")
			return n
		}, nil, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := test.given(t)
			code, rep := examined(t, n)
			if len(rep.Endpoints) == 0 && !slices.Contains(test.want, problem+"no-endpoints") {
				t.Error("got no endpoint")
			}
			wantCode := exitFine
			if slices.ContainsFunc(test.want, func(s string) bool { return strings.Contains(s, problem) }) {
				wantCode = exitProblems
			}
			if got := found(rep); code != wantCode || !slices.Equal(got, test.want) && len(got)+len(test.want) > 0 {
				t.Errorf("got exit code %d and %q, want %d and %q", code, got, wantCode, test.want)
			}
			for _, f := range rep.all() {
				if !strings.Contains(f.What, test.what) || !strings.Contains(f.Do, test.do) {
					t.Errorf("got %+v, want %q and %q in it", f, test.what, test.do)
				}
			}
		})
	}
}

func (rep report) all() (all []finding) {
	all = append(all, rep.Findings...)
	for _, x := range rep.Endpoints {
		all = append(all, x.Findings...)
	}
	return all
}

// Without flags, zone and endpoints are what azaffinity itself would find.
func TestByTheEnvironment(t *testing.T) {
	l, n := startLab(t, lab.Options{})
	onInstance(t, l.IMDSEndpoint())
	t.Setenv("AZAFFINITY_ENDPOINTS_FILE", write(t, l.DescribeVpcEndpoints()))
	_, rep := examined(t, n)
	if z := rep.Zone; z.Name != home || z.ID != "use1-az6" || z.Source != "imds" || z.TookMS <= 0 || rep.From != "the environment" {
		t.Errorf("got the zone %+v and endpoints by %s, want %s by imds and the environment", z, rep.From, home)
	}
}

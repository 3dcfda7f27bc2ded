package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/integration/lab"
)

// latencies are AWS's figures from use1-az6, as the fake has them, in milliseconds.
var latencies = map[string]float64{"use1-az6": 0.2, "use1-az1": 0.6, "use1-az2": 1}

// fakeLatency is a fake of EC2's GetAwsNetworkPerformanceData, made after the API Reference and the sample in Network Manager's guide to
// Infrastructure Performance: for each query a point for each hour, in two pages. It answers what is in denied, an action, with a 403.
func fakeLatency(t *testing.T, denied string) (url string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_ = r.ParseForm()
		switch action := r.PostForm.Get("Action"); {
		case action == denied:
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform this operation.</Message></Error></Errors></Response>`)
		case action == "DescribeAvailabilityZones" && r.PostForm.Get("Filter.1.Value.1") == "availability-zone":
			_, _ = io.WriteString(w, `<DescribeAvailabilityZonesResponse><availabilityZoneInfo>`)
			for _, z := range []string{"a use1-az6", "b use1-az1", "c use1-az2"} {
				fmt.Fprintf(w, `<item><zoneName>us-east-1%s</zoneName><zoneId>%s</zoneId><zoneType>availability-zone</zoneType></item>`, z[:1], z[2:])
			}
			_, _ = io.WriteString(w, `</availabilityZoneInfo></DescribeAvailabilityZonesResponse>`)
		case action == "GetAwsNetworkPerformanceData" && periodOf(t, r.PostForm) == 24*time.Hour:
			page(w, r.PostForm)
		default:
			http.Error(w, r.PostForm.Encode(), http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func periodOf(t *testing.T, form url.Values) time.Duration {
	from, err := time.Parse(time.RFC3339, form.Get("StartTime"))
	if err != nil {
		t.Error(err)
	}
	to, err := time.Parse(time.RFC3339, form.Get("EndTime"))
	if err != nil {
		t.Error(err)
	}
	return to.Sub(from)
}

// page writes the first half of the points or, with the token, the second: the median of them all is the zone's, and one isn't OK.
func page(w io.Writer, form url.Values) {
	points := []string{"%.3f OK", "9 Degraded"}
	if form.Get("NextToken") != "" {
		points = []string{"0.01 OK", "7 OK"}
	}
	_, _ = io.WriteString(w, `<GetAwsNetworkPerformanceDataResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><dataResponseSet>`)
	for i := 1; form.Has(fmt.Sprintf("DataQuery.%d.Id", i)); i++ {
		q := func(key string) string { return form.Get(fmt.Sprintf("DataQuery.%d.%s", i, key)) }
		fmt.Fprintf(w, `<item><id>%s</id><source>%s</source><destination>%s</destination><metric>%s</metric><statistic>%s</statistic><period>%s</period><metricPointSet>`,
			q("Id"), q("Source"), q("Destination"), q("Metric"), q("Statistic"), q("Period"))
		if q("Source") == "use1-az6" && q("Metric") == "aggregate-latency" && q("Statistic") == "p50" && q("Period") == "one-hour" {
			for _, p := range points {
				value, status, _ := strings.Cut(p, " ")
				if strings.Contains(value, "%") {
					value = fmt.Sprintf(value, latencies[q("Destination")])
				}
				fmt.Fprintf(w, `<item><startDate>2026-11-25T12:00:00.000Z</startDate><endDate>2026-11-25T13:00:00.000Z</endDate><value>%s</value><status>%s</status></item>`, value, status)
			}
		}
		_, _ = io.WriteString(w, `</metricPointSet></item>`)
	}
	_, _ = io.WriteString(w, `</dataResponseSet>`)
	if form.Get("NextToken") == "" {
		_, _ = io.WriteString(w, `<nextToken>more</nextToken>`)
	}
	_, _ = io.WriteString(w, `</GetAwsNetworkPerformanceDataResponse>`)
}

// asRole has the program ask the fake, as a role.
func asRole(t *testing.T, url string) {
	t.Helper()
	t.Setenv("AWS_ENDPOINT_URL_EC2", url)
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
}

// Given a role that may ask, and no Region but the endpoints', then AWS's figures are beside those that were measured, zone by zone.
func TestGain(t *testing.T) {
	l, n := startLab(t, lab.Options{})
	url, _ := fakeLatency(t, "")
	asRole(t, url)
	for name, listed := range map[string]func() []string{
		"by AWS's list": func() []string { return fromFile(t, l, "use1-az6") },
		"by hand": func() []string {
			t.Setenv("AZAFFINITY_ENDPOINTS", l.RegionalName("sqs"))
			return []string{"-zone", home}
		},
	} {
		_, rep := examined(t, n, append(listed(), "-gain")...)
		if rep.Gain == nil || len(rep.Gain.Zones) != 3 || rep.Gain.Zones[0].ID != "use1-az6" || rep.Gain.Zones[0].Name != home {
			t.Fatalf("%s: got %+v and %+v, want three zones, this one first", name, rep.Gain, rep.Findings)
		}
		for i, z := range rep.Gain.Zones {
			least, most := 8.0, 1e9
			if i == 0 {
				least, most = 1, 8
			}
			if z.AWS != latencies[z.ID] || z.Measured < least || z.Measured > most {
				t.Errorf("%s: got %+v, want AWS's %v ms, and from %v to %v measured", name, z, latencies[z.ID], least, most)
			}
		}
		if got := rep.Gain.AWS; got != 0.4 || rep.Gain.Measured < 3 {
			t.Errorf("%s: got %v and %v ms won on average, want 0.4 and 3 at least", name, got, rep.Gain.Measured)
		}
	}
	_, stdout, _ := printed(t, n, append(fromFile(t, l, "use1-az6"), "-gain")...)
	if !strings.Contains(stdout, "use1-az1 us-east-1b  0.60 ms") || !strings.Contains(stdout, "a round trip is 0.40 ms shorter on average than spread") {
		t.Errorf("got\n%s\nwant AWS's figures", stdout)
	}
}

// Given a role that may not ask, or nobody to ask, then the report says so and what permission is needed, has what was measured, and is
// no worse a report.
func TestGainUnasked(t *testing.T) {
	l, n := startLab(t, lab.Options{})
	byHand := func(t *testing.T) []string {
		t.Setenv("AZAFFINITY_ENDPOINTS", l.RegionalName("sqs"))
		return []string{"-zone", home}
	}
	listed := func(t *testing.T) []string { return fromFile(t, l, home) }
	for _, test := range []struct {
		name, denied   string
		given          func(*testing.T) []string
		code, what, do string
	}{
		{"may not", "GetAwsNetworkPerformanceData", listed, "gain-denied", "this role may not ask EC2", "allow ec2:GetAwsNetworkPerformanceData"},
		{"may not, by hand", "DescribeAvailabilityZones", byHand, "gain-denied", "this role may not ask EC2", "allow ec2:DescribeAvailabilityZones"},
		{"another zone's ID", "", func(t *testing.T) []string { return fromFile(t, l, "us-east-1f") }, "gain-zone-id", "this one's is not known", "-zone an ID"},
		{"no credentials", "", func(t *testing.T) []string {
			t.Setenv("AWS_ACCESS_KEY_ID", "")
			return listed(t)
		}, "gain-unknown", "AWS's own latency between zones is not known: EC2: GetAwsNetworkPerformanceData", "give it credentials"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url, _ := fakeLatency(t, test.denied)
			asRole(t, url)
			_, rep := examined(t, n, append(test.given(t), "-gain")...)
			found := false
			for _, f := range rep.Findings {
				if f.Code != test.code {
					continue
				}
				found = f.Level == advice && strings.Contains(f.What, test.what) && strings.Contains(f.Do, test.do)
			}
			if !found || rep.Gain == nil || rep.Gain.AWS != 0 || len(rep.Gain.Zones) != 3 && test.code != "gain-zone-id" || rep.Gain.Zones[1].Measured == 0 {
				t.Errorf("got %+v and %+v, want the advice %q with %q and %q, and what was measured", rep.Findings, rep.Gain, test.code, test.what, test.do)
			}
		})
	}
}

// Nothing is asked of AWS without -gain.
func TestNoGain(t *testing.T) {
	l, n := startLab(t, lab.Options{})
	url, asked := fakeLatency(t, "")
	asRole(t, url)
	if _, rep := examined(t, n, fromFile(t, l, home)...); rep.Gain != nil || asked.Load() != 0 {
		t.Errorf("got %+v after %d questions, want neither", rep.Gain, asked.Load())
	}
}

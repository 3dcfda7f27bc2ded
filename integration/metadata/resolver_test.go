package metadata

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

const (
	sqs      = "sqs.us-east-1.amazonaws.com"
	regional = "vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com"
)

// inZone is the endpoint's zonal name.
func inZone(name string) string { return strings.Replace(regional, ".", "-"+name+".", 1) }

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// newResolver is what a program has that knows its endpoint's regional name, by the environment.
func newResolver(t *testing.T, opts ...resolver.Option) (*resolver.Resolver, *journal) {
	t.Helper()
	t.Setenv("AZAFFINITY_ENDPOINTS", regional)
	log := &journal{}
	r, err := resolver.New(append(opts, resolver.WithLogger(slog.New(slog.NewTextHandler(log, nil))))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, log
}

func wantRoute(t *testing.T, r *resolver.Resolver, host string, reason resolver.Reason) {
	t.Helper()
	if got := r.Resolve(sqs); got.Host != host || got.Reason != reason {
		t.Errorf("got %s because %v, want %s because %v", got.Host, got.Reason, host, reason)
	}
}

// Given metadata that is late at boot, then requests go to the regional name until it is there, and the zone is picked up
// without a restart.
func TestMetadataThatIsLate(t *testing.T) {
	m := startMock(t, zone.Zone{Name: "us-east-1b", ID: "use1-az1"})
	s := newService(t, nil)
	r, log := newResolver(t, resolver.WithZone(zone.IMDS(s.endpoint)))
	err := r.Ready(t.Context())
	if err == nil || !strings.Contains(err.Error(), "IMDS: ") {
		t.Errorf("Ready: got %v, want IMDS's error", err)
	}
	wantRoute(t, r, regional, resolver.NoZone)

	start := time.Now()
	s.change(func() { s.mock = m })
	eventually(t, "the zone is known", func() bool { return r.Snapshot().ZoneName != "" })
	t.Logf("picked up after %v", time.Since(start))
	wantRoute(t, r, inZone("us-east-1b"), resolver.InZone)
	if err := r.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	if got := r.Snapshot(); got.ZoneError != "" || got.ZoneSource != "imds" {
		t.Errorf("got source %q and error %q, want imds and none", got.ZoneSource, got.ZoneError)
	}
	for _, question := range []string{gotToken, gotName, gotID} {
		if got := s.count(question); got != 1 {
			t.Errorf("%s: %d times, want once", question, got)
		}
	}
	if got := strings.Count(log.String(), "could not find out the zone"); got != 1 {
		t.Errorf("the failure was logged %d times, want once:\n%s", got, log)
	}
}

// Given an instance of an account with letters of its own, then the endpoints' owner's letter is used.
func TestLettersOfTheOwner(t *testing.T) {
	onEC2(t, newService(t, startMock(t, zone.Zone{Name: "us-east-1a", ID: "use1-az6"})))
	t.Setenv("AZAFFINITY_ZONE_NAMES", "use1-az6=us-east-1c,use1-az1=us-east-1a")
	r, _ := newResolver(t)
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRoute(t, r, inZone("us-east-1c"), resolver.InZone)
}

// Given a Lambda function that waits for Ready in its init, then the zone is known after one call to the metadata endpoint,
// and its ID becomes the name that the endpoints' owner has for it.
func TestLambdaInit(t *testing.T) {
	const zones = `{"AvailabilityZones": [
		{"State": "available", "RegionName": "us-east-1", "ZoneName": "us-east-1a", "ZoneId": "use1-az6"},
		{"State": "available", "RegionName": "us-east-1", "ZoneName": "us-east-1d", "ZoneId": "use1-az1"}
	]}`
	for _, c := range []struct {
		name  string
		given func(*testing.T)
		host  string
		why   resolver.Reason
		inErr string
	}{
		{
			"the map by hand",
			func(t *testing.T) { t.Setenv("AZAFFINITY_ZONE_NAMES", "use1-az6=us-east-1a,use1-az1=us-east-1b") },
			inZone("us-east-1b"), resolver.InZone, "",
		},
		{
			"the map by the AWS CLI",
			func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "zones.json")
				if err := os.WriteFile(file, []byte(zones), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("AZAFFINITY_ENDPOINTS_FILE", file)
			},
			inZone("us-east-1d"), resolver.InZone, "",
		},
		{"no map", func(*testing.T) {}, regional, resolver.NoZone, "use1-az1: no zone name is known for its ID: set AZAFFINITY_ZONE_NAMES"},
		{
			"a map without this zone",
			func(t *testing.T) { t.Setenv("AZAFFINITY_ZONE_NAMES", "use1-az6=us-east-1a") },
			regional, resolver.NoZone, "use1-az1: no zone name is known for its ID: set AZAFFINITY_ZONE_NAMES",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, nil)
			onEC2(t, s)
			endpoint := onLambda(t, environmentSample)
			c.given(t)
			start := time.Now()
			r, log := newResolver(t)
			err := r.Ready(t.Context())
			t.Logf("ready after %v", time.Since(start))
			if (err != nil) != (c.inErr != "") || err != nil && !strings.Contains(err.Error(), c.inErr) {
				t.Errorf("Ready: got %v, want %q", err, c.inErr)
			}
			wantRoute(t, r, c.host, c.why)
			endpoint.wantAsked(t, 1)
			s.wantAsked(t)
			if c.inErr != "" { // the log may be a moment behind Ready
				eventually(t, "the remedy is logged", func() bool { return strings.Contains(log.String(), "set AZAFFINITY_ZONE_NAMES") })
			}
			wantQuiet(t, log)
			wantQuiet(t, r.Snapshot())
		})
	}
}

// Given a Lambda function whose snapshot is restored in another zone, then the zone is another once the answer is too old.
func TestLambdaRestoredElsewhere(t *testing.T) {
	endpoint := onLambda(t, environmentSample)
	endpoint.cache = "private, max-age=1"
	t.Setenv("AZAFFINITY_ZONE_NAMES", "use1-az6=us-east-1a,use1-az1=us-east-1b")
	r, _ := newResolver(t)
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantRoute(t, r, inZone("us-east-1b"), resolver.InZone)

	endpoint.mu.Lock()
	endpoint.body = `{"AvailabilityZoneID":"use1-az6"}`
	endpoint.mu.Unlock()
	eventually(t, "the zone is the other one", func() bool { return r.Snapshot().ZoneName == "us-east-1a" })
	wantRoute(t, r, inZone("us-east-1a"), resolver.InZone)
}

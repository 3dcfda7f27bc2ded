package metadata

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/azaffinity/azaffinity/resolver/zone"
)

var inOregon = zone.Zone{Name: "us-west-2c", ID: "usw2-az3"}

func wantZone(t *testing.T, s zone.Source, want zone.Zone) {
	t.Helper()
	got, err := zone.Ask(t.Context(), s)
	if want := (zone.Answer{Zone: want, Subnets: ownSubnets, Source: "imds"}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, error %v; want %+v", got, err, want)
	}
}

// Given a working service, then the zone and the subnet cost one token and five reads, and later only the reads.
func TestIMDSIsAskedNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	s := newService(t, startMock(t, inOregon))
	source := zone.IMDS(s.endpoint)
	start := time.Now()
	wantZone(t, source, inOregon)
	t.Logf("the zone was known after %v", time.Since(start))
	s.wantAsked(t, gotToken, gotName, gotID, gotMAC, gotBlock, gotBlocks)
	wantZone(t, source, inOregon)
	s.wantAsked(t, gotName, gotID, gotMAC, gotBlock, gotBlocks)
}

// Given a mock for each zone, then each source answers with its own instance's, a Local Zone's among them.
func TestIMDSInEachZone(t *testing.T) {
	t.Parallel()
	for _, z := range []zone.Zone{
		{Name: "us-east-1a", ID: "use1-az6"},
		{Name: "us-east-1b", ID: "use1-az1"},
		{Name: "us-west-2-lax-1a", ID: "usw2-lax1-az1"},
		{Name: "us-gov-west-1a", ID: "usgw1-az1"},
	} {
		t.Run(z.Name, func(t *testing.T) {
			t.Parallel()
			wantZone(t, zone.IMDS(newService(t, startMock(t, z)).endpoint), z)
		})
	}
}

// Given an identity document that says another zone than placement, then placement's is the answer.
func TestIdentityDocumentThatDisagrees(t *testing.T) {
	t.Parallel()
	m := startMock(t, inOregon)
	client := imds.New(imds.Options{Endpoint: m.url, HTTPClient: direct})
	document, err := client.GetInstanceIdentityDocument(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if document.AvailabilityZone == "" || document.AvailabilityZone == inOregon.Name {
		t.Fatalf("the identity document says %q: it was to disagree with %v", document.AvailabilityZone, inOregon)
	}
	s := newService(t, m)
	wantZone(t, zone.IMDS(s.endpoint), inOregon)
	s.wantAsked(t, gotToken, gotName, gotID, gotMAC, gotBlock, gotBlocks)
}

// Given an instance that takes IMDSv2 only, then nothing is asked that it would refuse.
func TestIMDSv2Only(t *testing.T) {
	t.Parallel()
	m := startMock(t, inOregon)
	if status, _ := m.get(namePath, ""); status != http.StatusUnauthorized {
		t.Fatalf("without a token the mock answers %d, want %d: it was to take IMDSv2 only", status, http.StatusUnauthorized)
	}
	s := newService(t, m)
	wantZone(t, zone.IMDS(s.endpoint), inOregon)
	s.wantAsked(t, gotToken, gotName, gotID, gotMAC, gotBlock, gotBlocks) // or they would be "without a token"
}

// Given a service that has no tokens to give but would answer without, then it is asked without only if the caller allows.
func TestIMDSv1IsForThoseWhoAllowIt(t *testing.T) {
	t.Parallel()
	m := startMock(t, inOregon, "--imdsv2=false")
	if status, _ := m.get(namePath, ""); status != http.StatusOK {
		t.Fatalf("without a token the mock answers %d, want %d: it was to take IMDSv1, too", status, http.StatusOK)
	}
	s := newService(t, m)
	s.noTokens = true
	const noToken = "PUT " + tokenPath + ": 404"
	if got, err := zone.IMDS(s.endpoint).Zone(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "set AZAFFINITY_ZONE") {
		t.Errorf("got %v, error %v; want an error with its remedy", got, err)
	}
	s.wantAsked(t, noToken)

	wantZone(t, zone.IMDS(s.endpoint, func(o *imds.Options) { o.EnableFallback = aws.TrueTernary }), inOregon)
	s.wantAsked(t, noToken, "GET "+namePath+" without a token: 200", "GET "+idPath+" without a token: 200",
		"GET "+macPath+" without a token: 200", "GET "+blockPath+" without a token: 200", "GET "+blocksPath+" without a token: 200")
}

// Given a token that expired before it said it would, as after hibernation, then a new one is got within the same ask.
func TestTokenThatExpiredTooSoon(t *testing.T) {
	t.Parallel()
	m := startMock(t, inOregon)
	s := newService(t, m)
	s.told = "1"
	source := zone.IMDS(s.endpoint)
	wantZone(t, source, inOregon)
	s.wantAsked(t, gotToken, gotName, gotID, gotMAC, gotBlock, gotBlocks)
	eventually(t, "the mock doesn't accept the token any more", func() bool {
		status, _ := m.get(namePath, s.token)
		return status == http.StatusUnauthorized
	})
	wantZone(t, source, inOregon)
	s.wantAsked(t, "GET "+namePath+": 401", gotToken, gotName, gotID, gotMAC, gotBlock, gotBlocks)
}

// Given tokens that are good for a second, and say so, then no answer is lost when they are renewed.
func TestTokensThatExpire(t *testing.T) {
	t.Parallel()
	s := newService(t, startMock(t, inOregon))
	s.told, s.honest = "1", true
	source := zone.IMDS(s.endpoint)
	eventually(t, "there was a third token", func() bool {
		wantZone(t, source, inOregon)
		return s.count(gotToken) >= 3
	})
}

// Given a service that restarts and knows no token of before, then asking it again is all there is to do.
func TestRestart(t *testing.T) {
	t.Parallel()
	m := startMock(t, inOregon)
	s := newService(t, m)
	source := zone.IMDS(s.endpoint)
	wantZone(t, source, inOregon)
	s.wantAsked(t, gotToken, gotName, gotID, gotMAC, gotBlock, gotBlocks)

	m.stop()
	got, err := source.Zone(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "IMDS: ") || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, error %v; want an error of IMDS's that isn't the caller's timeout", got, err)
	}
	s.wantAsked(t, "GET "+namePath+": nobody")

	again := startMock(t, inOregon)
	s.change(func() { s.mock = again })
	wantZone(t, source, inOregon)
	s.wantAsked(t, "GET "+namePath+": 401", gotToken, gotName, gotID, gotMAC, gotBlock, gotBlocks)
}

package metadata

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/azaffinity/azaffinity/resolver/zone"
)

const page = "<html>not metadata</html>"

// Given a mock of IMDS that would answer anybody, then Detect asks it on EC2 only.
func TestDetect(t *testing.T) {
	m := startMock(t, inOregon)
	asked := []string{gotToken, gotName, gotID, gotMAC, gotBlock, gotBlocks}
	onEC2Answer := zone.Answer{Zone: inOregon, Subnets: ownSubnets, Source: "imds"}
	for _, c := range []struct {
		name    string
		given   func(*testing.T)
		want    zone.Answer
		inError []string
		imds    []string // what IMDS is asked
	}{
		{name: "EC2", given: func(*testing.T) {}, want: onEC2Answer, imds: asked},
		{
			name:    "EC2, metadata disabled",
			given:   func(t *testing.T) { t.Setenv("AWS_EC2_METADATA_DISABLED", "true") },
			inError: []string{"AZAFFINITY_ZONE is not set", "AWS_EC2_METADATA_DISABLED is true"},
		},
		{
			name:  "EC2, told another zone",
			given: func(t *testing.T) { t.Setenv("AZAFFINITY_ZONE", "us-west-2b") },
			want:  zone.Answer{Zone: zone.Zone{Name: "us-west-2b"}, Source: "env"},
		},
		{
			name:  "ECS on EC2 that doesn't tell",
			given: func(t *testing.T) { onECS(t, "AWS_ECS_EC2", `{"Cluster": "default"}`) },
			want:  onEC2Answer, imds: asked,
		},
		{
			name:  "Fargate",
			given: func(t *testing.T) { onECS(t, "AWS_ECS_FARGATE", taskOnFargate) },
			want:  zone.Answer{Zone: zone.Zone{Name: "us-east-1d", ID: "use1-az4"}, Subnets: subnets("10.0.0.0/24"), Source: "ecs"},
		},
		{
			name:    "Fargate that fails",
			given:   func(t *testing.T) { onECS(t, "AWS_ECS_FARGATE", page) },
			inError: []string{"ECS: the answer is not a JSON object", "IMDS was not asked: Fargate has none"},
		},
		{
			name:    "Fargate that only its answer tells, and not the zone",
			given:   func(t *testing.T) { onECS(t, "", `{"Cluster": "default", "LaunchType": "FARGATE"}`) },
			inError: []string{"platform version 1.4.0", "IMDS was not asked: Fargate has none"},
		},
		{
			name:  "Lambda",
			given: func(t *testing.T) { onLambda(t, environmentSample) },
			want:  zone.Answer{Zone: zone.Zone{ID: "use1-az1"}, Source: "lambda"},
		},
		{
			name:    "Lambda that fails",
			given:   func(t *testing.T) { onLambda(t, page) },
			inError: []string{"Lambda: the answer is not a JSON object", "IMDS was not asked: Lambda has none"},
		},
		{
			name: "Lambda that refuses the token",
			given: func(t *testing.T) {
				onLambda(t, environmentSample)
				t.Setenv("AWS_LAMBDA_METADATA_TOKEN", lambdaToken+lambdaToken)
			},
			inError: []string{"401 Unauthorized", "IMDS was not asked: Lambda has none"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, m)
			onEC2(t, s)
			c.given(t)
			start := time.Now()
			got, err := zone.Ask(t.Context(), zone.Detect())
			t.Logf("%v after %v", got.Zone, time.Since(start))
			s.wantAsked(t, c.imds...)
			if c.inError == nil {
				until := got.Until
				got.Until = time.Time{}
				if err != nil || !reflect.DeepEqual(got, c.want) || until.IsZero() != (got.Source != "lambda") {
					t.Errorf("got %+v until %v, error %v; want %+v", got, until, err, c.want)
				}
				return
			}
			if err == nil {
				t.Fatalf("got %+v, want an error", got)
			}
			wantQuiet(t, err)
			for _, want := range c.inError {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %q, want %q in it", err, want)
				}
			}
		})
	}
}

// Given ECS on EC2, then ECS's answer is the one, whether or not IMDS, which is asked for its sake when ECS is slow, knows
// another.
func TestDetectPrefersECS(t *testing.T) {
	onEC2(t, newService(t, startMock(t, inOregon)))
	task := onECS(t, "AWS_ECS_EC2", taskOnEC2)
	want := zone.Answer{Zone: zone.Zone{Name: "us-west-2d"}, Subnets: subnets("10.0.2.0/24"), Source: "ecs"}
	if got, err := zone.Ask(t.Context(), zone.Detect()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, error %v; want %+v", got, err, want)
	}
	task.wantAsked(t, 1)
}

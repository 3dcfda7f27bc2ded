package zone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Answers of ${ECS_CONTAINER_METADATA_URI_V4}/task with the fields that the ECS Developer Guide documents, shortened.
const (
	taskOnEC2 = `{
		"Cluster": "default",
		"TaskARN": "arn:aws:ecs:us-west-2:111122223333:task/default/0123456789abcdef0123456789abcdef",
		"Family": "shop",
		"Revision": "7",
		"DesiredStatus": "RUNNING",
		"KnownStatus": "RUNNING",
		"AvailabilityZone": "us-west-2d",
		"VPCID": "vpc-0123456789abcdef0",
		"LaunchType": "EC2",
		"Containers": [{
			"DockerId": "0123456789abcdef",
			"Name": "shop",
			"Labels": {"com.amazonaws.ecs.cluster": "default", "AvailabilityZone": "us-west-2a"},
			"Limits": {"CPU": 10, "Memory": 128},
			"Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": ["192.0.2.3"]}]
		}]
	}`
	taskOnFargate = `{
		"Cluster": "arn:aws:ecs:us-west-2:111122223333:cluster/default",
		"Limits": {"CPU": 0.25, "Memory": 512},
		"AvailabilityZone": "us-west-2d",
		"AvailabilityZoneID": "usw2-az4",
		"LaunchType": "FARGATE",
		"ClockDrift": {"ClockErrorBound": 0.5, "ClockSynchronizationStatus": "SYNCHRONIZED"},
		"EphemeralStorageMetrics": {"Utilized": 261, "Reserved": 20496}
	}`
	taskOnOldFargate = `{"Cluster": "default", "LaunchType": "FARGATE"}`
	taskAnywhere     = `{"Cluster": "default", "LaunchType": "EXTERNAL"}`
)

// fakeECS serves a task's metadata at the address in the environment.
func fakeECS(t *testing.T, task string) {
	t.Helper()
	fakeECSWith(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, task)
	})
}

func fakeECSWith(t *testing.T, h http.HandlerFunc) {
	t.Helper()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/v4/0123-456/task" {
			http.NotFound(w, r)
			return
		}
		h(w, r)
	})
	t.Setenv("ECS_CONTAINER_METADATA_URI_V4", server.URL+"/v4/0123-456")
}

func TestECS(t *testing.T) {
	for _, c := range []struct {
		name, task string
		want       Zone
		inError    string
	}{
		{"on EC2", taskOnEC2, Zone{Name: "us-west-2d"}, ""},
		{"on Fargate", taskOnFargate, Zone{Name: "us-west-2d", ID: "usw2-az4"}, ""},
		{"an ID only", `{"AvailabilityZoneID":"usw2-az4"}`, Zone{ID: "usw2-az4"}, ""},
		{
			"another case is another field", `{"AvailabilityZone":"us-west-2d","availabilityzone":"us-west-2a"}`,
			Zone{Name: "us-west-2d"},
			"",
		},
		{"only another case", `{"availabilityZone":"us-west-2a"}`, Zone{}, "no AvailabilityZone"},
		{"on Fargate before 1.4", taskOnOldFargate, Zone{}, "platform version 1.4"},
		{"on ECS Anywhere", taskAnywhere, Zone{}, "as on ECS Anywhere: set AZAFFINITY_ZONE"},
		{"an ID for a name", `{"AvailabilityZone":"usw2-az4"}`, Zone{}, `"usw2-az4" is not a zone name`},
		{"a name for an ID", `{"AvailabilityZoneID":"us-west-2d"}`, Zone{}, `"us-west-2d" is not a zone ID`},
		{"a good name, a bad ID", `{"AvailabilityZone":"us-west-2d","AvailabilityZoneID":"?"}`, Zone{}, `"?" is not a zone ID`},
		{"ten containers with labels, 70 KiB", largeTask(10, 7<<10), Zone{Name: "us-west-2d", ID: "usw2-az4"}, ""},
		{"labels of 2 MiB in all", largeTask(200, 10<<10), Zone{Name: "us-west-2d", ID: "usw2-az4"}, ""},
		{"a label of 1 MiB", largeTask(1, 1<<20), Zone{}, "larger than 64 KiB"},
		{"10 MB", `{"AvailabilityZone":"` + strings.Repeat("a", 10<<20) + `"}`, Zone{}, "larger than 64 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			source := ECS(patient)
			fakeECS(t, c.task) // later than ECS: the environment is read at each ask
			got, err := Ask(t.Context(), source)
			if c.inError != "" {
				wantAnswer(t, got, err, Answer{Source: "ecs"}, c.inError)
				if err != nil && !strings.HasPrefix(err.Error(), "ECS: ") {
					t.Errorf("error %q doesn't start with its source", err)
				}
				return
			}
			wantAnswer(t, got, err, Answer{Zone: c.want, Source: "ecs"}, "")
		})
	}
}

// largeTask is a task whose zone stands behind its containers, with one label of the given size each.
func largeTask(containers, label int) string {
	one := `{"Name": "shop", "Labels": {"com.example.owner": "` + strings.Repeat("x", label) + `"}, "Networks": [{"IPv4Addresses": ["192.0.2.3"]}]}`
	return `{"Cluster": "default", "LaunchType": "FARGATE", "Containers": [` + strings.Repeat(one+",", containers-1) + one +
		`], "AvailabilityZone": "us-west-2d", "AvailabilityZoneID": "usw2-az4"}`
}

func TestECSRefusesSurprises(t *testing.T) {
	for _, c := range surprises {
		for _, field := range []struct{ name, zone string }{{"AvailabilityZone", "us-west-2d"}, {"AvailabilityZoneID", "usw2-az4"}} {
			t.Run(c.name+" for "+field.name, func(t *testing.T) {
				a, err := parseTask(strings.NewReader(surprise(c.body, field.name, field.zone)))
				wantAnswer(t, a, err, Answer{}, surprise(c.inError, field.name, field.zone))
			})
		}
	}
}

func TestECSAddress(t *testing.T) {
	for _, c := range []struct{ name, uri, inError string }{
		{"not set", "", "ECS_CONTAINER_METADATA_URI_V4 is not set"},
		{"a public address", "http://192.0.2.1/v4/x", `names "192.0.2.1": not a loopback or link-local IP address: refused`},
		{"a host name", "http://evil.example.com/v4/x", `names "evil.example.com": not a loopback`},
		{"another scheme", "file:///v4/x", "not an http URL"},
		{"not a URL", "http://[::1/v4", "is not a URL"},
		{"nobody there", "http://" + refusing(t) + "/v4/x", "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			t.Setenv("ECS_CONTAINER_METADATA_URI_V4", c.uri)
			got, err := Ask(t.Context(), ECS(patient))
			wantAnswer(t, got, err, Answer{Source: "ecs"}, c.inError)
		})
	}
}

func TestECSThatNeverAnswers(t *testing.T) {
	bareEnvironment(t)
	t.Setenv("ECS_CONTAINER_METADATA_URI_V4", "http://"+dead(t)+"/v4/x")
	got, err := Ask(t.Context(), ECS(WithTimeout(20*time.Millisecond)))
	wantAnswer(t, got, err, Answer{Source: "ecs"}, "no answer within 20ms")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Ask(ctx, ECS()); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: error %v, want context.Canceled", err)
	}
}

func FuzzECSBody(f *testing.F) {
	for _, body := range []string{taskOnEC2, taskOnFargate, taskOnOldFargate, taskAnywhere} {
		f.Add([]byte(body))
	}
	for _, c := range surprises {
		f.Add([]byte(surprise(c.body, "AvailabilityZone", "us-west-2d")))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseTask(bytes.NewReader(body))
		if err == nil && a.Zone.Validate() != nil {
			t.Errorf("parseTask(%q) = %+v: %v", body, a, a.Zone.Validate())
		}
		if len(a.Subnets) > maxSubnets {
			t.Errorf("parseTask(%q) has %d subnets", body, len(a.Subnets))
		}
	})
}

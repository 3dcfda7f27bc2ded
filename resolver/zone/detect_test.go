package zone

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestDetect(t *testing.T) {
	imdsZone := Answer{Zone: Zone{Name: "us-east-1a", ID: "use1-az6"}, Source: "imds"}
	ecsZone := Answer{Zone: Zone{Name: "us-west-2d"}, Source: "ecs"}
	for _, c := range []struct {
		name    string
		env     map[string]string
		task    string // of ECS; empty: no ECS
		lambda  http.HandlerFunc
		want    Answer
		inError []string
		noIMDS  bool // IMDS would answer, but must not be asked
	}{
		{
			name: "told", env: map[string]string{"AZAFFINITY_ZONE": "us-east-1c"}, task: taskOnEC2,
			want: Answer{Zone: Zone{Name: "us-east-1c"}, Source: "env"}, noIMDS: true,
		},
		{
			name: "told nonsense", env: map[string]string{"AZAFFINITY_ZONE": "home"}, task: taskOnEC2,
			inError: []string{`AZAFFINITY_ZONE: "home"`}, noIMDS: true,
		},
		{name: "EC2", want: imdsZone},
		{
			name: "ECS on EC2", env: map[string]string{"AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, task: taskOnEC2,
			want: ecsZone, noIMDS: true,
		},
		{name: "ECS on EC2, of an agent that says nothing of its platform", task: taskOnEC2, want: ecsZone, noIMDS: true},
		{name: "ECS on EC2, broken agent", env: map[string]string{"AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, task: "<html>", want: imdsZone},
		{name: "ECS on EC2, broken agent that says nothing of its platform", task: "<html>", want: imdsZone},
		{
			name: "Fargate", env: map[string]string{"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}, task: taskOnFargate,
			want: Answer{Zone: Zone{Name: "us-west-2d", ID: "usw2-az4"}, Source: "ecs"}, noIMDS: true,
		},
		{
			name: "Fargate, broken", env: map[string]string{"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"}, task: "<html>",
			inError: []string{"ECS: the answer is not a JSON object", "IMDS was not asked: Fargate has none"}, noIMDS: true,
		},
		{
			name: "Fargate by its answer only", task: taskOnOldFargate,
			inError: []string{"ECS: the task has no AvailabilityZone", "IMDS was not asked: Fargate has none"}, noIMDS: true,
		},
		{
			name: "Lambda", env: map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "shop"}, lambda: lambdaAnswer(`{"AvailabilityZoneID":"use1-az1"}`),
			want: Answer{Zone: Zone{ID: "use1-az1"}, Source: "lambda"}, noIMDS: true,
		},
		{
			name: "Lambda, broken", env: map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "shop"}, lambda: lambdaAnswer(`<html>`),
			inError: []string{"Lambda: the answer is not", "IMDS was not asked: Lambda has none"}, noIMDS: true,
		},
		{
			name: "Lambda by its execution environment only", env: map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023"},
			inError: []string{"AWS_LAMBDA_METADATA_API is not set", "IMDS was not asked: Lambda has none"}, noIMDS: true,
		},
		{name: "IMDS disabled", env: map[string]string{"AWS_EC2_METADATA_DISABLED": "True"}, inError: []string{
			"AZAFFINITY_ZONE is not set: set it to",
			"ECS: ECS_CONTAINER_METADATA_URI_V4 is not set",
			"Lambda: AWS_LAMBDA_METADATA_API is not set",
			"IMDS was not asked: AWS_EC2_METADATA_DISABLED is true",
		}, noIMDS: true},
		{name: "IMDS disabled by a word that the SDK doesn't take for it", env: map[string]string{"AWS_EC2_METADATA_DISABLED": "1"}, want: imdsZone},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			source := Detect(patient)
			server := newFakeIMDS(t, nil)
			if c.task != "" {
				fakeECS(t, c.task)
			}
			if c.lambda != nil {
				fakeLambda(t, c.lambda)
			}
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			got, err := Ask(t.Context(), source)
			if len(c.inError) == 0 {
				c.inError = []string{""}
			} else if c.want.Source = "detect"; c.env["AZAFFINITY_ZONE"] != "" {
				c.want.Source = "env"
			}
			for _, inError := range c.inError {
				wantAnswer(t, got, err, c.want, inError)
			}
			if z, _ := source.Zone(t.Context()); z != c.want.Zone {
				t.Errorf("Zone = %v, want %v", z, c.want.Zone)
			}
			if c.noIMDS {
				server.wantAsked(t)
			}
		})
	}
}

// Given an agent that is slow, when Detect is given more time than the usual second, then it waits for the answer.
func TestDetectTakesOptions(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []Option
		want    Answer
		inError string
	}{
		{"too little time", []Option{WithTimeout(20 * time.Millisecond)}, Answer{Source: "detect"}, "ECS: ECS_CONTAINER_METADATA_URI_V4 names"},
		{"none is the default", []Option{WithTimeout(20 * time.Millisecond), WithTimeout(0)}, Answer{Source: "detect"}, "no answer within 20ms"},
		{"enough", []Option{patient}, Answer{Zone: Zone{Name: "us-west-2d"}, Source: "ecs"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bareEnvironment(t)
			t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			fakeECSWith(t, func(w http.ResponseWriter, r *http.Request) {
				if c.inError != "" {
					<-r.Context().Done()
					return
				}
				fmt.Fprint(w, taskOnEC2)
			})
			got, err := Ask(t.Context(), Detect(c.options...))
			wantAnswer(t, got, err, c.want, c.inError)
		})
	}
}

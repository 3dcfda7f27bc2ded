package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/discovery"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// read reads a JSON file, which may have no other fields than those of its type.
func read(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		t.Fatalf("%s: there is something behind its object", path)
	}
}

// Given the environment of task-definition.json, when a task runs with it, then azaffinity knows all that it lists.
func TestTaskDefinition(t *testing.T) {
	var task ecs.RegisterTaskDefinitionInput
	read(t, "task-definition.json", &task)
	if len(task.ContainerDefinitions) != 1 || task.NetworkMode != types.NetworkModeAwsvpc ||
		!slices.Equal(task.RequiresCompatibilities, []types.Compatibility{types.CompatibilityFargate}) {
		t.Fatalf("got %+v, want one container on Fargate", task)
	}
	container := task.ContainerDefinitions[0]
	if port := aws.ToInt32(container.PortMappings[0].ContainerPort); port != 8080 {
		t.Errorf("got the port %d, want the one that main serves at", port)
	}
	if stop := aws.ToInt32(container.StopTimeout); stop <= 25 {
		t.Errorf("got %d s to stop, want more than main takes", stop)
	}
	if logs := container.LogConfiguration; logs == nil || logs.LogDriver != types.LogDriverAwslogs || logs.Options["mode"] != "non-blocking" {
		t.Errorf("got %+v, want logs that are kept, and don't hold calls up", logs)
	}
	var listed string
	for _, v := range container.Environment {
		name, value := aws.ToString(v.Name), aws.ToString(v.Value)
		if !slices.Contains([]string{endpoint.EnvEndpoints, resolver.EnvMode}, name) {
			t.Errorf("%s is no variable of azaffinity's that this example is about", name)
		}
		if name == endpoint.EnvEndpoints {
			listed = value
		}
		t.Setenv(name, value)
	}

	t.Setenv("AZAFFINITY_ZONE", "us-east-1d")
	var cfg aws.Config
	r, err := middleware.Wrap(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, service := range []string{"sqs", "sts"} {
		route := r.Resolve(service + ".us-east-1.amazonaws.com")
		id, _, _ := strings.Cut(route.Host, "."+service+".")
		if route.Reason != resolver.InZone || !strings.HasSuffix(id, "-us-east-1d") || !strings.Contains(listed, strings.TrimSuffix(id, "-us-east-1d")) {
			t.Errorf("%s goes to %s: %s; want its name in the zone", service, route.Host, route.Reason)
		}
	}
}

// Given a task that discovers its endpoints, when it asks EC2, then it calls what task-role-policy.json allows, and all of it.
func TestTaskRolePolicy(t *testing.T) {
	var policy struct {
		Version   string
		Statement []struct {
			Sid, Effect, Resource string
			Action                []string
		}
	}
	read(t, "task-role-policy.json", &policy)
	if policy.Version != "2012-10-17" || len(policy.Statement) != 1 || policy.Statement[0].Effect != "Allow" || policy.Statement[0].Resource != "*" {
		t.Fatalf("got %+v, want one statement, which allows", policy)
	}

	ec2 := &fakeEC2{}
	cfg := aws.Config{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: ec2}
	src, err := discovery.New(cfg, discovery.WithVPC("vpc-0a1b2c3d4e5f60718"))
	if err != nil {
		t.Fatal(err)
	}
	if catalog, err := src.Endpoints(t.Context()); err != nil || len(catalog.Endpoints) != 1 || catalog.ZoneNames["use1-az4"] != "us-east-1d" {
		t.Fatalf("got %+v, %v; want one endpoint and one zone", catalog, err)
	}
	slices.Sort(ec2.asked)
	want := slices.Sorted(slices.Values(policy.Statement[0].Action))
	if !slices.Equal(ec2.asked, want) {
		t.Errorf("discovery calls %q, and the policy allows %q", ec2.asked, want)
	}
}

// fakeEC2 is EC2 in a VPC with an endpoint. The answers are what is used of those in the EC2 API Reference.
type fakeEC2 struct{ asked []string }

func (f *fakeEC2) Do(req *http.Request) (*http.Response, error) {
	form, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(form))
	if err != nil {
		return nil, err
	}
	action := values.Get("Action")
	f.asked = append(f.asked, "ec2:"+action)
	body := map[string]string{
		"DescribeVpcEndpoints": `<DescribeVpcEndpointsResponse><vpcEndpointSet><item>
			<vpcEndpointId>vpce-0a1b2c3d4e5f60718</vpcEndpointId><vpcEndpointType>Interface</vpcEndpointType><state>available</state>
			<vpcId>vpc-0a1b2c3d4e5f60718</vpcId><serviceName>com.amazonaws.us-east-1.sqs</serviceName>
			<dnsEntrySet><item><dnsName>vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com</dnsName></item></dnsEntrySet>
			</item></vpcEndpointSet></DescribeVpcEndpointsResponse>`,
		"DescribeAvailabilityZones": `<DescribeAvailabilityZonesResponse><availabilityZoneInfo><item>
			<zoneName>us-east-1d</zoneName><zoneId>use1-az4</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>`,
		"DescribeSubnets": `<DescribeSubnetsResponse><subnetSet/></DescribeSubnetsResponse>`,
	}[action]
	if body == "" {
		return nil, fmt.Errorf("%q is asked of EC2", action)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

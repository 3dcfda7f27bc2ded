package deploy

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/awslabs/goformation/v7/intrinsics"
	"github.com/awslabs/goformation/v7/schema"
	"github.com/xeipuuv/gojsonschema"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// template is one of CloudFormation's, with its functions carried out.
type template struct {
	content     []byte
	Description string
	Resources   map[string]struct {
		Type       string
		Properties json.RawMessage
	}
}

// readTemplate reads a template of a stack whose endpoints have their DnsEntries in the given order.
func readTemplate(t *testing.T, path string, order func([]endpoint.DNSEntry) []endpoint.DNSEntry) (tmpl template) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content, err = intrinsics.ProcessYAML(content, &intrinsics.ProcessorOptions{
		IntrinsicHandlerOverrides: map[string]intrinsics.IntrinsicHandler{
			"Fn::GetAtt": func(_ string, input, _ any) any { return attributeOf(input, order) },
			"Ref": func(name string, input, template any) any {
				if known := intrinsics.Ref(name, input, template); known != nil {
					return known
				}
				if known, ok := parameters[input.(string)]; ok {
					return known
				}
				return input // a resource, or another parameter
			},
		},
	})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	tmpl.content = content
	if err := json.Unmarshal(content, &tmpl); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return tmpl
}

// parameters are values of those that have no default, and are not any text.
var parameters = map[string]any{
	"SubnetIds": []any{"subnet-1", "subnet-2"}, "ZoneNames": "use1-az6=us-east-1a,use1-az1=us-east-1b",
}

// attributeOf is a resource's attribute. Of an endpoint it is what "Return values" of AWS::EC2::VPCEndpoint tells: hosted zone, colon, name.
func attributeOf(input any, order func([]endpoint.DNSEntry) []endpoint.DNSEntry) any {
	parts, ok := input.([]any)
	if !ok {
		name, attribute, _ := strings.Cut(input.(string), ".")
		parts = []any{name, attribute}
	}
	resource, attribute := parts[0].(string), parts[1].(string)
	if attribute != "DnsEntries" {
		return resource + "." + attribute
	}
	var entries []any
	for service := range suffixes {
		if strings.Contains(strings.ToLower(resource), service) {
			for _, e := range order(described(service).DNSEntries) {
				entries = append(entries, e.HostedZoneID+":"+e.DNSName)
			}
		}
	}
	return entries
}

// properties are those of the one resource of a type.
func (tmpl template) properties(t *testing.T, of string, into any) {
	t.Helper()
	found := 0
	for _, r := range tmpl.Resources {
		if r.Type == of {
			found++
			if err := json.Unmarshal(r.Properties, into); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found != 1 {
		t.Fatalf("got %d resources of type %s, want one", found, of)
	}
}

// Given endpoints whose names AWS lists in any order, when a task runs, then azaffinity knows both, and the container is
// one that ECS takes.
func TestCloudFormationTask(t *testing.T) {
	for _, path := range []string{"cloudformation/ecs.yaml", "cdk/template.json"} {
		for name, order := range orders {
			t.Run(path+"/"+name, func(t *testing.T) {
				var task struct{ ContainerDefinitions json.RawMessage }
				readTemplate(t, path, order).properties(t, "AWS::ECS::TaskDefinition", &task)
				wantEndpoints(t, wantContainers(t, task.ContainerDefinitions), "sqs", "sts")
			})
		}
	}
}

// lambdaFunction is what a template says of a Lambda function.
type lambdaFunction struct {
	Environment struct{ Variables map[string]string }
	Layers      []string
}

// Given the same, when the function runs, then azaffinity knows the endpoint, and the names of the zones.
func TestFunction(t *testing.T) {
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			var f lambdaFunction
			readTemplate(t, "../lambda/template.yaml", order).properties(t, "AWS::Serverless::Function", &f)
			wantEndpoints(t, f.Environment.Variables, "sqs")
			wantZoneNames(t)
		})
	}
}

// Given as many endpoints as template.yaml says, when each is listed as it lists its own, then they fill the 4 KB that a
// function's variables have together, and half of them don't.
func TestFunctionEnvironmentIsFull(t *testing.T) {
	var f lambdaFunction
	tmpl := readTemplate(t, "../lambda/template.yaml", orders["regional first"])
	tmpl.properties(t, "AWS::Serverless::Function", &f)
	if !strings.Contains(tmpl.Description, "which ten endpoints in three zones") {
		t.Error("template.yaml doesn't say how many it takes")
	}
	one, others := len(f.Environment.Variables[endpoint.EnvEndpoints])+1, 0
	for name, value := range f.Environment.Variables {
		others += len(name)
		if name != endpoint.EnvEndpoints {
			others += len(value)
		}
	}
	if full, half := others+10*one, others+5*one; full <= 4096 || half >= 4096 {
		t.Errorf("ten take %d bytes, and five %d", full, half)
	}
}

// Given a layer with the file that its template tells to make, when the function runs, then it reads that file.
func TestFunctionLayer(t *testing.T) {
	var f lambdaFunction
	tmpl := readTemplate(t, "../lambda/template-layer.yaml", orders["regional first"])
	tmpl.properties(t, "AWS::Serverless::Function", &f)
	var layer struct{ ContentURI string }
	tmpl.properties(t, "AWS::Serverless::LayerVersion", &layer)
	file := f.Environment.Variables[endpoint.EnvEndpointsFile]
	inLayer := strings.Replace(file, "/opt/", layer.ContentURI+"/", 1)
	if !slices.Equal(f.Layers, []string{"Endpoints"}) || !strings.Contains(tmpl.Description, " > "+inLayer+";") ||
		!strings.Contains(tmpl.Description, " >> "+inLayer) {
		t.Errorf("got the layers %q and the file %s, want it in the layer, and told how to make", f.Layers, file)
	}
}

// Given a template, when AWS's schema of resources is asked, then it knows all that the template says. The CDK's is left
// out: AWS's own program makes it, of a newer schema.
func TestSchema(t *testing.T) {
	for path, known := range map[string]string{
		"cloudformation/ecs.yaml":       schema.CloudformationSchema,
		"../lambda/template.yaml":       schema.SamSchema,
		"../lambda/template-layer.yaml": schema.SamSchema,
	} {
		tmpl := readTemplate(t, path, orders["regional first"])
		result, err := gojsonschema.Validate(gojsonschema.NewStringLoader(known), gojsonschema.NewBytesLoader(tmpl.content))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, fault := range result.Errors() {
			t.Errorf("%s: %s", path, fault)
		}
	}
}

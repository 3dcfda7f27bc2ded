package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// configuration is a directory of Terraform's, with what its expressions may refer to.
type configuration struct {
	t      *testing.T
	blocks []*hclsyntax.Block
	scope  *hcl.EvalContext
}

// readTerraform reads the configuration. Its endpoints have their dns_entry in the given order.
func readTerraform(t *testing.T, order func([]endpoint.DNSEntry) []endpoint.DNSEntry) *configuration {
	t.Helper()
	c := &configuration{t: t, scope: &hcl.EvalContext{
		Variables: map[string]cty.Value{},
		Functions: map[string]function.Function{ // Terraform's own are these
			"join": stdlib.JoinFunc, "flatten": stdlib.FlattenFunc, "jsonencode": stdlib.JSONEncodeFunc, "zipmap": stdlib.ZipmapFunc,
			"length": stdlib.StrlenFunc, // of strings
		},
	}}
	files, err := filepath.Glob("terraform/*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("got %q, %v; want files", files, err)
	}
	for _, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, diagnostics := hclsyntax.ParseConfig(content, path, hcl.InitialPos)
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics)
		}
		c.blocks = append(c.blocks, file.Body.(*hclsyntax.Body).Blocks...)
	}
	c.provide(order)
	return c
}

// provide is what the provider would answer.
func (c *configuration) provide(order func([]endpoint.DNSEntry) []endpoint.DNSEntry) {
	made := map[string]cty.Value{}
	for service := range suffixes {
		var entries []cty.Value
		for _, e := range order(described(service).DNSEntries) {
			entries = append(entries, cty.ObjectVal(map[string]cty.Value{
				"dns_name": cty.StringVal(e.DNSName), "hosted_zone_id": cty.StringVal(e.HostedZoneID),
			}))
		}
		made[service] = cty.ObjectVal(map[string]cty.Value{"dns_entry": cty.ListVal(entries)})
	}
	text := func(pairs ...string) cty.Value {
		values := map[string]cty.Value{}
		for i := 0; i < len(pairs); i += 2 {
			values[pairs[i]] = cty.StringVal(pairs[i+1])
		}
		return cty.ObjectVal(values)
	}
	object := func(name string, v cty.Value) cty.Value { return cty.ObjectVal(map[string]cty.Value{name: v}) }
	list := func(texts ...string) cty.Value {
		var values []cty.Value
		for _, s := range texts {
			values = append(values, cty.StringVal(s))
		}
		return cty.ListVal(values)
	}
	c.scope.Variables["aws_vpc_endpoint"] = object("this", cty.ObjectVal(made))
	c.scope.Variables["aws_cloudwatch_log_group"] = object("shop", text("name", "/ecs/shop"))
	c.scope.Variables["var"] = text("image", "shop:latest", "region", "us-east-1", "queue_url", "https://sqs.us-east-1.amazonaws.com/123456789012/orders")
	c.scope.Variables["data"] = object("aws_availability_zones", object("here", cty.ObjectVal(map[string]cty.Value{
		"zone_ids": list("use1-az6", "use1-az1"), "names": list("us-east-1a", "us-east-1b"),
	})))
	locals := map[string]cty.Value{}
	for _, block := range c.blocks {
		if block.Type == "locals" {
			for name, attribute := range block.Body.Attributes {
				locals[name] = c.value(attribute.Expr)
			}
		}
	}
	c.scope.Variables["local"] = cty.ObjectVal(locals)
}

func (c *configuration) value(e hclsyntax.Expression) cty.Value {
	c.t.Helper()
	v, diagnostics := e.Value(c.scope)
	if diagnostics.HasErrors() {
		c.t.Fatal(diagnostics)
	}
	return v
}

// attribute is the value of a resource's attribute: "aws_lambda_function.orders.environment.variables".
func (c *configuration) attribute(path string) cty.Value {
	c.t.Helper()
	parts := strings.Split(path, ".")
	blocks := c.blocks
	var body *hclsyntax.Body
	for _, block := range blocks {
		if block.Type == "resource" && block.Labels[0] == parts[0] && block.Labels[1] == parts[1] {
			body = block.Body
		}
	}
	for _, name := range parts[2 : len(parts)-1] {
		if body == nil {
			break
		}
		blocks, body = body.Blocks, nil
		for _, block := range blocks {
			if block.Type == name {
				body = block.Body
			}
		}
	}
	last := parts[len(parts)-1]
	if body == nil || body.Attributes[last] == nil {
		c.t.Fatalf("there is no %s", path)
	}
	return c.value(body.Attributes[last].Expr)
}

// Given endpoints whose names AWS lists in any order, when the task runs, then azaffinity knows both, and the container is
// one that ECS takes.
func TestTerraformTask(t *testing.T) {
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			containers := readTerraform(t, order).attribute("aws_ecs_task_definition.shop.container_definitions").AsString()
			wantEndpoints(t, wantContainers(t, []byte(containers)), "sqs", "sts")
		})
	}
}

// Given the same, when the function runs, then azaffinity knows both, and the names of the zones.
func TestTerraformFunction(t *testing.T) {
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			c := readTerraform(t, order)
			env := map[string]string{}
			for name, value := range c.attribute("aws_lambda_function.orders.environment.variables").AsValueMap() {
				env[name] = value.AsString()
			}
			wantEndpoints(t, env, "sqs", "sts")
			wantZoneNames(t)
			if c.attribute("aws_lambda_function.orders.lifecycle.precondition.condition").False() {
				t.Error("Terraform would refuse two endpoints")
			}
		})
	}
}

// Given more endpoints than a function's environment holds, when Terraform plans, then it refuses them.
func TestTerraformTooMany(t *testing.T) {
	c := readTerraform(t, func(e []endpoint.DNSEntry) []endpoint.DNSEntry {
		for len(e) < 32 { // twice as many, of which are two endpoints here
			e = append(e, e...)
		}
		return e
	})
	if c.attribute("aws_lambda_function.orders.lifecycle.precondition.condition").True() {
		t.Error("Terraform would take them")
	}
}

// wantZoneNames fails unless the environment names the zones. wantEndpoints has set it.
func wantZoneNames(t *testing.T) {
	t.Helper()
	catalog, err := endpoint.Env().Endpoints(t.Context())
	if err != nil || catalog.ZoneNames["use1-az6"] != "us-east-1a" || catalog.ZoneNames["use1-az1"] != "us-east-1b" {
		t.Errorf("got the zones %v, %v; want their names", catalog.ZoneNames, err)
	}
}

// containersOf wraps container definitions into a task definition that has nothing else wrong.
func containersOf(definitions []byte) []byte {
	out, _ := json.Marshal(map[string]any{"family": "shop", "containerDefinitions": json.RawMessage(definitions)})
	return out
}

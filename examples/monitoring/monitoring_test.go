package monitoring

//lint:file-ignore SA1019 dashboard is deprecated for dashboardv2, which only the newest Grafana reads

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/metrics/smithyotelmetrics"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	grafana "github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"sigs.k8s.io/yaml"

	"github.com/azaffinity/azaffinity/examples/internal/inlabtest"
	"github.com/azaffinity/azaffinity/integration/lab"
	"github.com/azaffinity/azaffinity/middleware"
	"github.com/azaffinity/azaffinity/resolver"
)

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// promtool runs Prometheus's, from Debian's package prometheus. Where nothing may be skipped, it has to be there.
func promtool(t *testing.T, stdin io.Reader, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	const missing = "there is no promtool in PATH: apt-get install prometheus"
	switch {
	case errors.Is(err, exec.ErrNotFound) && os.Getenv("AZAFFINITY_REQUIRE_ALL") == "1":
		t.Fatal(missing)
	case errors.Is(err, exec.ErrNotFound):
		t.Skip(missing)
	case err != nil:
		t.Errorf("promtool %q: %v\n%s", args, err, out)
	}
}

// scrape runs a program in a zone that goes down, with another resolver on the same provider, and returns what Prometheus
// reads of it.
func scrape(t *testing.T) (text []byte) {
	v := inlabtest.Start(t)
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	t.Cleanup(func() { _ = provider.Shutdown(t.Context()) })
	meters := resolver.WithMeterProvider(smithyotelmetrics.Adapt(provider))
	other, err := resolver.New(resolver.WithName("eu-west-1"), meters)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	cfg, err := config.LoadDefaultConfig(t.Context(), v.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := middleware.Wrap(&cfg, middleware.WithResolver(meters))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if err := r.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	inlabtest.Break(t, v, lab.Refuse)
	client := sqs.NewFromConfig(cfg)
	inlabtest.Await(t, "the zonal name is ejected", func() bool {
		if _, err := client.ListQueues(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(r.Snapshot().Endpoints, func(e resolver.EndpointState) bool { return e.Ejected })
	})

	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err = io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", answer.Status, err, text)
	}
	return text
}

// ours are the metrics in a scrape that are azaffinity's, by name.
func ours(t *testing.T, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(families, func(name string, _ *dto.MetricFamily) bool { return !strings.HasPrefix(name, "azaffinity_") })
	return families
}

// labels are those of a metric's series, but for what the exporter adds to all.
func labels(family *dto.MetricFamily) string {
	all := map[string]bool{}
	for _, m := range family.Metric {
		for _, l := range m.Label {
			if !strings.HasPrefix(l.GetName(), "otel_scope_") {
				all[l.GetName()] = true
			}
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), " ")
}

// row is a line of README.md's table: the name in OpenTelemetry, the name as it is scraped, the attributes.
var row = regexp.MustCompile("(?m)^\\| `([a-z.]+)` \\| `([a-z_]+)` \\| ([^|]*)\\|")

// Given a program whose zone is down, when it is scraped, then the table in README.md has the names, and the labels, and
// no others; the rules and the dashboard ask for nothing else; and promtool finds nothing to say of the names.
func TestScrape(t *testing.T) {
	text := scrape(t)
	families := ours(t, text)
	got := map[string]string{}
	for name, family := range families {
		got[name] = labels(family)
		if counter := strings.HasSuffix(name, "_total"); counter != (family.GetType() == dto.MetricType_COUNTER) {
			t.Errorf("%s is a %v", name, family.GetType())
		}
	}
	want := map[string]string{}
	for _, r := range row.FindAllStringSubmatch(string(read(t, "README.md")), -1) {
		attributes := append(regexp.MustCompile(`[a-z_]+`).FindAllString(r[3], -1), "resolver")
		slices.Sort(attributes)
		want[r[2]] = strings.Join(attributes, " ")
		if !strings.HasPrefix(r[2], strings.ReplaceAll(r[1], ".", "_")) {
			t.Errorf("the table says that %s becomes %s", r[1], r[2])
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("scraped %v, README.md has %v", got, want)
	}
	for _, source := range []string{"rules.yaml", "rules_test.yaml", "dashboard.json"} {
		for _, name := range regexp.MustCompile(`azaffinity_[a-z_]+`).FindAllString(string(read(t, source)), -1) {
			if families[name] == nil {
				t.Errorf("%s asks for %s, which nobody gives", source, name)
			}
		}
	}
	for _, series := range []string{
		`azaffinity_endpoint_ejected{endpoint="vpce-[0-9a-f]+",.*,resolver="default",service="sqs",zone="us-east-1b"} 1`,
		`azaffinity_failovers_total{cause="connect",.*,resolver="default",service="sqs"} [1-9]`,
		`azaffinity_attempts_total{.*,reason="FailedOver",resolver="default",service="sqs",target="Regional"} [1-9]`,
		`azaffinity_failures_total{cause="unanswered",.*,resolver="default",service="sqs"} 0`,
		`azaffinity_mode{mode="prefer",.*,resolver="eu-west-1"} 1`,
	} {
		if !regexp.MustCompile(series).Match(text) {
			t.Errorf("want a line %s in\n%s", series, text)
		}
	}
	t.Run("promtool", func(t *testing.T) { promtool(t, bytes.NewReader(text), "check", "metrics") })
}

// Given the rules, when promtool checks them, then it finds nothing, and each fires when it is to; each of them is tested.
func TestRules(t *testing.T) {
	tests := string(read(t, "rules_test.yaml"))
	for _, alert := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(read(t, "rules.yaml")), -1) {
		if fires := regexp.MustCompile(`alertname: ` + alert[1] + `\n +exp_alerts:`); !fires.MatchString(tests) {
			t.Errorf("no test has %s fire", alert[1])
		}
	}
	promtool(t, nil, "check", "rules", "rules.yaml")
	promtool(t, nil, "test", "rules", "rules_test.yaml")
}

// Given the dashboard, when Grafana's types read it, then they know each of its fields, and miss none; every panel has
// its own place; and promtool can read every expression.
func TestDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	source := read(t, "dashboard.json")
	var board dashboard.Dashboard // the strict reading leaves panels out, and its error is a list, which may be empty
	if err := new(dashboard.Dashboard).UnmarshalJSONStrict(source); err != nil && err.Error() != "" {
		t.Fatal(err)
	}
	if err := json.Unmarshal(source, &board); err != nil {
		t.Fatal(err)
	}
	if err := board.Validate(); err != nil {
		t.Error(err)
	}
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var rules []rule
	variables := strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h", "$job", ".*", "$resolver", ".*")
	taken := map[[2]uint32]string{}
	for _, p := range board.Panels {
		panel := p.Panel
		if panel == nil || panel.GridPos == nil || len(panel.Targets) == 0 {
			t.Fatalf("got %+v, want a panel that shows something somewhere", p)
		}
		for x := panel.GridPos.X; x < panel.GridPos.X+panel.GridPos.W; x++ {
			for y := panel.GridPos.Y; y < panel.GridPos.Y+panel.GridPos.H; y++ {
				if other := taken[[2]uint32{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%q lies on %q, or outside", *panel.Title, other)
				}
				taken[[2]uint32{x, y}] = *panel.Title
			}
		}
		for _, target := range panel.Targets {
			query, ok := target.(*grafana.Dataquery)
			if !ok {
				t.Fatalf("%q asks by a %T", *panel.Title, target)
			}
			rules = append(rules, rule{fmt.Sprintf("panel:%d", *panel.Id), variables.Replace(query.Expr)})
		}
	}
	if len(rules) < 10 {
		t.Errorf("got %d expressions", len(rules))
	}
	file := filepath.Join(t.TempDir(), "expressions.yaml")
	encoded, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, encoded, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", file)
}

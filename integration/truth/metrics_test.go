package truth

import (
	"maps"
	"reflect"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/azaffinity/azaffinity/resolver"
)

// measured is what metrics say.
type measured struct {
	attempts             map[string]uint64 // by reason
	zonal                uint64            // attempts
	ejected              int64             // endpoints
	zone, shifted, modes int64             // known; away from it; how many modes are set
	mode                 string
}

// measure reads the metrics, as OpenTelemetry's SDK does.
func (p *process) measure(t *testing.T) measured {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := p.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	got := measured{attempts: map[string]uint64{}}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			for _, point := range pointsOf(m.Data) {
				is := func(key attribute.Key) string { v, _ := point.Attributes.Value(key); return v.AsString() }
				switch m.Name {
				case "azaffinity.attempts":
					got.attempts[is("reason")] += uint64(point.Value)
					if is("target") == resolver.Zonal.String() {
						got.zonal += uint64(point.Value)
					}
				case "azaffinity.endpoint.ejected":
					got.ejected += point.Value
				case "azaffinity.zone.known":
					got.zone += point.Value
				case "azaffinity.zone.shifted":
					got.shifted += point.Value
				case "azaffinity.mode":
					if got.modes += point.Value; point.Value == 1 {
						got.mode = is("mode")
					}
				}
			}
		}
	}
	maps.DeleteFunc(got.attempts, func(_ string, n uint64) bool { return n == 0 })
	return got
}

func pointsOf(data metricdata.Aggregation) []metricdata.DataPoint[int64] {
	switch data := data.(type) {
	case metricdata.Sum[int64]:
		return data.DataPoints
	case metricdata.Gauge[int64]:
		return data.DataPoints
	}
	return nil
}

// expected is what metrics have to say, by the snapshot, which is compared with where calls go.
func expected(s resolver.Snapshot) measured {
	want := measured{attempts: map[string]uint64{}, zone: count(s.ZoneName != ""), shifted: count(!s.ShiftedAwayUntil.IsZero()), modes: 1, mode: s.Mode.String()}
	for _, e := range append(s.Endpoints, resolver.EndpointState{Attempts: s.Unmatched}) {
		want.ejected += count(e.Ejected)
		for reason, n := range e.Attempts {
			want.attempts[reason.String()] += n
			if reason.Target() == resolver.Zonal {
				want.zonal += n
			}
		}
	}
	return want
}

func count(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// checkMetrics compares metrics with the snapshot, and with how many calls went to the zonal name first.
func (p *process) checkMetrics(t *testing.T, m resolver.Mode, wentHome, unsent uint64) {
	t.Helper()
	want := expected(p.resolver.Snapshot())
	got := p.measure(t)
	if again := expected(p.resolver.Snapshot()); !reflect.DeepEqual(again, want) { // something was counted in the background meanwhile
		want, got = again, p.measure(t)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("metrics say %+v; the snapshot says %+v", got, want)
	}
	if m == resolver.Prefer && (got.zonal < wentHome || got.zonal > wentHome+unsent) {
		t.Errorf("metrics say that %d requests went to the zonal name; %d calls did, and %d were not sent", got.zonal, wentHome, unsent)
	}
}

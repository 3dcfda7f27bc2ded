package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

// gain is how far the zones are that calls go to now, by AWS's own probes and as measured here: what a team would win.
type gain struct {
	Zones []reach `json:"zones"` // this one first
	// AWS and Measured are by how many milliseconds the mean round trip is shorter if all calls stay in this zone, instead of
	// going to each of the zones as often: 0 if that isn't known.
	AWS      float64 `json:"aws_saves_ms,omitempty"`
	Measured float64 `json:"measured_saves_ms,omitempty"`
}

// reach is the round trip from this zone to one, in milliseconds, 0 if it isn't known.
type reach struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"` // as the endpoints' owner calls it
	// AWS is the median of a day's medians between AWS's own probes, the same for all accounts.
	AWS      float64 `json:"aws_p50_ms,omitempty"`
	Measured float64 `json:"measured_ms,omitempty"`
}

// askPatience is for EC2's API: from a subnet without a way to it, nothing answers.
const askPatience = 5 * time.Second

// learnGain adds the gain to the report, and what kept AWS's part of it from being known.
func (rep *report) learnGain(ctx context.Context, n *network, catalog endpoint.Catalog, where zone.Zone) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	measured := rep.measuredByZone(ctx, n, catalog.ZoneNames)
	client, err := askWith(ctx, catalog)
	ids := catalog.ZoneNames
	if err == nil && len(ids) < 2 {
		ids, err = describedZones(ctx, client)
	}
	rep.Gain = newGain(ids, where, rep.Zone.NameUsed, measured)
	if err == nil {
		err = rep.Gain.ask(ctx, client)
	}
	rep.Gain.sum()
	if err != nil {
		rep.Findings = append(rep.Findings, unasked(err)...)
	}
}

// measuredByZone is the shortest round trip to an endpoint's address in each zone, by the zone's name.
func (rep *report) measuredByZone(ctx context.Context, n *network, names map[string]string) map[string]float64 {
	best := map[string]float64{}
	for _, x := range rep.Endpoints {
		if !x.used() {
			continue
		}
		rtt := map[netip.Addr]float64{}
		for _, p := range x.probes() {
			for _, a := range p.Addresses {
				rtt[a.Addr] = a.RTT
			}
		}
		zones := x.endpoint.Zonal
		if zones == nil {
			zones, _ = n.zonesOf(ctx, x.endpoint, names, x.zone) // what DNS doesn't tell stays unknown
		}
		for z, name := range zones {
			addrs, _ := n.lookupIn(ctx, sample(name))
			for _, addr := range addrs {
				if took := rtt[addr]; took > 0 && (best[z] == 0 || took < best[z]) {
					best[z] = took
				}
			}
		}
	}
	return best
}

// newGain lists the zones that an endpoint is in, and this one before them. If none was measured, all zones are listed.
func newGain(ids map[string]string, where zone.Zone, used string, measured map[string]float64) *gain {
	own := reach{ID: where.ID, Name: used, Measured: measured[used]}
	g := &gain{}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		switch name := ids[id]; {
		case id == own.ID, own.ID == "" && name == used:
			own.ID = id
		case len(measured) == 0 || measured[name] > 0:
			g.Zones = append(g.Zones, reach{ID: id, Name: name, Measured: measured[name]})
		}
	}
	if len(ids) == 0 {
		for _, name := range slices.Sorted(maps.Keys(measured)) {
			if name != used {
				g.Zones = append(g.Zones, reach{Name: name, Measured: measured[name]})
			}
		}
	}
	g.Zones = slices.Insert(g.Zones, 0, own)
	return g
}

func askWith(ctx context.Context, catalog endpoint.Catalog) (*ec2.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" && len(catalog.Endpoints) > 0 {
		cfg.Region = catalog.Endpoints[0].Region
	}
	return ec2.NewFromConfig(cfg), nil
}

// describedZones has the zones' names by their IDs, as this account spells them.
func describedZones(ctx context.Context, client *ec2.Client) (map[string]string, error) {
	out, err := client.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
		Filters: []types.Filter{{Name: aws.String("zone-type"), Values: []string{"availability-zone"}}},
	})
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, z := range out.AvailabilityZones {
		ids[aws.ToString(z.ZoneId)] = aws.ToString(z.ZoneName)
	}
	return ids, nil
}

var errNoID = errors.New("AWS knows zones by their IDs, and this one's is not known")

// ask asks AWS for the round trips between its own probes, in the zone and from it to others. No subscription is needed: that is for having
// them in CloudWatch. (Network Manager's guide to Infrastructure Performance; EC2 API Reference, GetAwsNetworkPerformanceData)
func (g *gain) ask(ctx context.Context, client *ec2.Client) error {
	own := g.Zones[0].ID
	if own == "" {
		return errNoID
	}
	now := time.Now()
	in := &ec2.GetAwsNetworkPerformanceDataInput{StartTime: aws.Time(now.Add(-24 * time.Hour)), EndTime: aws.Time(now)}
	for i, z := range g.Zones {
		if z.ID == "" {
			continue
		}
		in.DataQueries = append(in.DataQueries, types.DataQuery{
			Id: aws.String(strconv.Itoa(i)), Source: aws.String(own), Destination: aws.String(z.ID),
			Metric: types.MetricTypeAggregateLatency, Statistic: types.StatisticTypeP50, Period: types.PeriodTypeOneHour,
		})
	}
	hours := make([][]float64, len(g.Zones))
	for pages := ec2.NewGetAwsNetworkPerformanceDataPaginator(client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.DataResponses {
			i, err := strconv.Atoi(aws.ToString(r.Id))
			if err != nil || i < 0 || i >= len(hours) {
				continue
			}
			for _, p := range r.MetricPoints {
				if p.Value != nil && *p.Value > 0 && aws.ToString(p.Status) == "OK" {
					hours[i] = append(hours[i], float64(*p.Value))
				}
			}
		}
	}
	known := false
	for i, all := range hours {
		if len(all) > 0 {
			slices.Sort(all)
			g.Zones[i].AWS, known = micros(all[len(all)/2]), true
		}
	}
	if !known {
		return fmt.Errorf("AWS has no latency from %s for the last day", own)
	}
	return nil
}

// sum says what staying here wins on average, by each of the two.
func (g *gain) sum() {
	saved := func(of func(reach) float64) float64 {
		total := 0.0
		for _, z := range g.Zones {
			if of(z) == 0 {
				return 0
			}
			total += of(z) - of(g.Zones[0])
		}
		return micros(total / float64(len(g.Zones)))
	}
	g.AWS = saved(func(z reach) float64 { return z.AWS })
	g.Measured = saved(func(z reach) float64 { return z.Measured })
}

// micros has no more digits than microseconds.
func micros(ms float64) float64 { return math.Round(ms*1000) / 1000 }

// unasked says why AWS's figures are missing, and what permission is.
func unasked(err error) []finding {
	const what, without = "AWS's own latency between zones is not known: ", ", or go by what was measured here"
	var api smithy.APIError
	var call *smithy.OperationError
	switch {
	case errors.As(err, &api) && errors.As(err, &call) && slices.Contains([]string{"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}, api.ErrorCode()):
		return adviceOf("gain-denied", what+"this role may not ask EC2 for it", "allow ec2:"+call.OperationName+without)
	case errors.Is(err, errNoID):
		return adviceOf("gain-zone-id", what+err.Error(), "add what aws ec2 describe-availability-zones prints to the endpoints file, or give -zone an ID")
	case isTimeout(err):
		return adviceOf("gain-unknown", what+"EC2 does not answer", "look from where EC2's API can be reached"+without)
	}
	return adviceOf("gain-unknown", what+strings.TrimPrefix(oneLine(err), "operation error "), "give it credentials and a Region"+without)
}

package discovery

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"github.com/azaffinity/azaffinity/internal/owncall"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// maxZonesAsk bounds the call for the zones alone: the endpoints are known by
// then, and worth more than their zones' IDs.
const maxZonesAsk = 5 * time.Second

// zoneNames maps zone IDs to names. Both answers are of the same account, so the
// names carry the letters that the endpoints' names carry: EC2 describes nobody
// else's endpoints. An account's letters never change, so the map is asked for
// again only if an endpoint is in a zone that it doesn't know.
//
// Failing costs little: a process that knows its zone's name is in its own
// account nearly always. So it is a note, which has nothing in it that differs
// from one failure to the next.
func (s *Source) zoneNames(ctx context.Context, endpoints []endpoint.Endpoint) (names map[string]string, note string) {
	s.mu.Lock()
	names = s.zones
	s.mu.Unlock()
	if names != nil && covers(names, endpoints) {
		return maps.Clone(names), ""
	}
	ctx, cancel := context.WithTimeout(ctx, maxZonesAsk)
	defer cancel()
	budget := owncall.NewBudget(maxAnswer)
	// AllAvailabilityZones stays off: zones that nobody opted in to hold nothing.
	out, err := s.client.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{}, own(budget))
	if err != nil || out == nil {
		return maps.Clone(names), "zones are known by name only, since ec2:DescribeAvailabilityZones failed: " + code(err)
	}
	names, ids := map[string]string{}, map[string]string{}
	for _, z := range out.AvailabilityZones {
		id, name := aws.ToString(z.ZoneId), aws.ToString(z.ZoneName)
		pair := map[string]string{id: name}
		if had, ok := ids[name]; ok && had != id {
			pair[had] = name // one account's zones don't share a name
		}
		if _, err := (endpoint.Catalog{ZoneNames: pair}).Normalize(); err != nil {
			note = "a zone of ec2:DescribeAvailabilityZones is left out: " + err.Error()
			continue
		}
		names[id], ids[name] = name, id
	}
	s.mu.Lock()
	s.zones = names
	s.mu.Unlock()
	return maps.Clone(names), note
}

func covers(names map[string]string, endpoints []endpoint.Endpoint) bool {
	known := slices.Collect(maps.Values(names))
	return !slices.ContainsFunc(endpoints, func(e endpoint.Endpoint) bool {
		for zone := range e.Zonal {
			// This Region's map has no zones of another Region.
			if !slices.Contains(known, zone) {
				return true
			}
		}
		return false
	})
}

// code says what failed in words that are the same every time.
func code(err error) string {
	var api smithy.APIError
	switch {
	case owncall.IsDenied(err):
		return "the role lacks that permission"
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "no answer"
}

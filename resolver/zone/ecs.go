package zone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
)

// ECS asks the task metadata endpoint, version 4, of the ECS agent or of Fargate: the zone's name and, where the agent
// is new enough, its ID; and the subnet of a task that has a network interface of its own (awsvpc). It works wherever ECS set ECS_CONTAINER_METADATA_URI_V4; on ECS Anywhere there is no zone to
// tell.
func ECS(opts ...Option) Source {
	c := newConfig(opts)
	return remote{"ecs", func(ctx context.Context) (Answer, error) {
		base := os.Getenv(ecsVar)
		if base == "" {
			return Answer{}, errors.New("ECS: " + ecsVar + " is not set: this is not an ECS task")
		}
		u, err := url.Parse(strings.TrimRight(base, "/") + "/task")
		if err != nil {
			return Answer{}, fmt.Errorf("ECS: %s is not a URL: %s", ecsVar, quote(base))
		}
		var a Answer
		var errTask error
		_, err = c.get(ctx, u, nil, func(body io.Reader) { a, errTask = parseTask(body) })
		switch {
		case err != nil:
			return Answer{}, fmt.Errorf("ECS: %s names %s: %w", ecsVar, quote(u.Host), err)
		case errTask != nil:
			return Answer{}, fmt.Errorf("ECS: %w", errTask)
		}
		return a, nil
	}}
}

const ecsVar = "ECS_CONTAINER_METADATA_URI_V4"

// errFargate marks the answer of a Fargate task: Fargate has no IMDS.
var errFargate = errors.New("the task has no AvailabilityZone: Fargate tells it from platform version 1.4.0 on, or set " + envVar)

// parseTask reads the answer of ${ECS_CONTAINER_METADATA_URI_V4}/task. Field names: "Amazon ECS task metadata V4 JSON
// response" of the ECS Developer Guide; AvailabilityZoneID is there since agents of 2026-01.
func parseTask(body io.Reader) (Answer, error) {
	var blocks []string
	task, err := stringFields(body, func(f *fieldReader, name string) error {
		if name != "Containers" {
			return f.skip()
		}
		return f.subnetBlocks(&blocks)
	}, "AvailabilityZone", "AvailabilityZoneID", "LaunchType")
	if err != nil {
		return Answer{}, err
	}
	name, id := task["AvailabilityZone"], task["AvailabilityZoneID"]
	switch {
	case name != "" || id != "":
		z, err := fromMetadata(name, id)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Zone: z, Subnets: parseSubnets(blocks)}, nil
	case task["LaunchType"] == "FARGATE":
		return Answer{}, errFargate
	}
	return Answer{}, errors.New("the task has no AvailabilityZone, as on ECS Anywhere: set " + envVar)
}

// subnetBlocks reads the CIDR blocks in a task's Containers[].Networks[]. Whatever else is there is no error: the zone is
// worth more.
func (f *fieldReader) subnetBlocks(into *[]string) error {
	network := func(name string) error {
		t, err := f.token()
		if err != nil {
			return err
		}
		block, ok := t.(string)
		if ok && (name == "IPv4SubnetCIDRBlock" || name == "IPv6SubnetCIDRBlock") && len(*into) < maxSubnets {
			*into = append(*into, block)
		}
		return f.skipFrom(t)
	}
	container := func(name string) error {
		if name != "Networks" {
			return f.skip()
		}
		return f.each('[', func(string) error { return f.each('{', network) })
	}
	return f.each('[', func(string) error { return f.each('{', container) })
}

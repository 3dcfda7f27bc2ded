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
// is new enough, its ID. It works wherever ECS set ECS_CONTAINER_METADATA_URI_V4; on ECS Anywhere there is no zone to
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
		var z Zone
		var errTask error
		_, err = c.get(ctx, u, nil, func(body io.Reader) { z, errTask = parseTask(body) })
		switch {
		case err != nil:
			return Answer{}, fmt.Errorf("ECS: %s names %s: %w", ecsVar, quote(u.Host), err)
		case errTask != nil:
			return Answer{}, fmt.Errorf("ECS: %w", errTask)
		}
		return Answer{Zone: z}, nil
	}}
}

const ecsVar = "ECS_CONTAINER_METADATA_URI_V4"

// errFargate marks the answer of a Fargate task: Fargate has no IMDS.
var errFargate = errors.New("the task has no AvailabilityZone: Fargate tells it from platform version 1.4.0 on, or set " + envVar)

// parseTask reads the answer of ${ECS_CONTAINER_METADATA_URI_V4}/task. Field names: "Amazon ECS task metadata V4 JSON
// response" of the ECS Developer Guide; AvailabilityZoneID is there since agents of 2026-01.
func parseTask(body io.Reader) (Zone, error) {
	task, err := stringFields(body, "AvailabilityZone", "AvailabilityZoneID", "LaunchType")
	if err != nil {
		return Zone{}, err
	}
	name, id := task["AvailabilityZone"], task["AvailabilityZoneID"]
	switch {
	case name != "" || id != "":
		return fromMetadata(name, id)
	case task["LaunchType"] == "FARGATE":
		return Zone{}, errFargate
	}
	return Zone{}, errors.New("the task has no AvailabilityZone, as on ECS Anywhere: set " + envVar)
}

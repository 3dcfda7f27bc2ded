package zone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Env answers what the environment variable AZAFFINITY_ZONE says, a zone's name or ID. It is read at each ask.
func Env() Source {
	return immediate{func(context.Context) (Answer, error) {
		value, told := told()
		if !told {
			return Answer{}, errors.New(envVar + " is not set: set it to the zone's name (us-east-1a) or ID (use1-az6)")
		}
		z, err := Parse(value)
		if err != nil {
			return Answer{}, fmt.Errorf("%s: %w", envVar, err)
		}
		return Answer{Zone: z, Source: "env"}, nil
	}}
}

const envVar = "AZAFFINITY_ZONE"

// told is what the operator said, if anything. Empty counts as not set: that is how the Kubernetes downward API
// spells a label that the Pod doesn't have.
func told() (value string, ok bool) {
	value = strings.TrimSpace(os.Getenv(envVar))
	return value, value != ""
}

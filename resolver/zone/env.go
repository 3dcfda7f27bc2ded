package zone

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Env answers what the environment variable AZAFFINITY_ZONE says, a zone's name or ID. It is read at each ask.
func Env() Source {
	return local{"env", func() (Zone, error) {
		value, isSet := lookupEnv()
		if !isSet {
			return Zone{}, errors.New(envVar + " is not set: set it to the zone's name (us-east-1a) or ID (use1-az6)")
		}
		z, err := Parse(value)
		if err != nil {
			return Zone{}, fmt.Errorf("%s: %w", envVar, err)
		}
		return z, nil
	}}
}

const envVar = "AZAFFINITY_ZONE"

// lookupEnv reads the variable. Empty counts as not set: that is how the Kubernetes downward API spells a label that
// the Pod doesn't have.
func lookupEnv() (value string, isSet bool) {
	value = strings.TrimSpace(os.Getenv(envVar))
	return value, value != ""
}

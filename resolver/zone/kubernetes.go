package zone

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/azaffinity/azaffinity/internal/localfile"
)

// Kubernetes answers from a file that the downward API mounted into the Pod: either all labels (fieldPath
// metadata.labels), or the one label's bare value (fieldPath metadata.labels['topology.kubernetes.io/zone']). The
// file is read at each ask, since Kubernetes rewrites it when a label changes.
func Kubernetes(labelFile string) Source {
	return local{"kubernetes", func() (Zone, error) {
		body, err := localfile.Read(labelFile, maxAnswer)
		if err != nil {
			return Zone{}, fmt.Errorf("kubernetes: %w", err)
		}
		z, err := parseLabels(body)
		if err != nil {
			return Zone{}, fmt.Errorf("kubernetes: %s: %w", labelFile, err)
		}
		return z, nil
	}}
}

// The name's label is Kubernetes' own, the ID's is AWS's; the latter is on the node, and on a Pod only if somebody
// copied it there.
const (
	nameLabel = "topology.kubernetes.io/zone"
	idLabel   = "topology.k8s.aws/zone-id"
)

// parseLabels reads lines of key="value", quoted as by Go, or a bare value.
func parseLabels(body []byte) (Zone, error) {
	var name, id string
	text := strings.TrimSpace(string(body))
	if text != "" && !strings.ContainsAny(text, "=\n") {
		return Parse(text)
	}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		switch key {
		case nameLabel:
			name = value
		case idLabel:
			id = value
		}
	}
	if name == "" && id == "" {
		return Zone{}, errors.New("the Pod has no label " + nameLabel + ": Kubernetes sets it by default from 1.35, " +
			"or set " + envVar)
	}
	return fromMetadata(name, id)
}

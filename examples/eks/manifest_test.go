package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/azaffinity/azaffinity/resolver"
	"github.com/azaffinity/azaffinity/resolver/endpoint"
	"github.com/azaffinity/azaffinity/resolver/zone"
)

var manifests = []string{"deployment.yaml", "deployment-label-file.yaml"}

// read reads a Deployment, which may have no other fields than Kubernetes knows.
func read(t *testing.T, path string) *appsv1.Deployment {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var d appsv1.Deployment
	if err := yaml.UnmarshalStrict(content, &d); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if d.APIVersion != "apps/v1" || d.Kind != "Deployment" || len(d.Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%s is a %s %s with %d containers, want a Deployment with one", path, d.APIVersion, d.Kind, len(d.Spec.Template.Spec.Containers))
	}
	return &d
}

// pod is what Kubernetes makes of a Deployment on a node of a zone: environment, arguments and files.
type pod struct {
	env    map[string]string
	labels string // what follows -labels in the arguments, with the file that the downward API wrote
}

// schedule makes a Pod, as "Downward API" and "Expose Pod Information to Containers Through Files" of the Kubernetes
// documentation tell.
func schedule(t *testing.T, d *appsv1.Deployment, zone string) pod {
	t.Helper()
	labels := maps.Clone(d.Spec.Template.Labels)
	if zone != "" {
		labels[corev1.LabelTopologyZone] = zone // PodTopologyLabels does so
	}
	spec := d.Spec.Template.Spec
	container := spec.Containers[0]
	p := pod{env: map[string]string{}}
	for _, v := range container.Env {
		value := v.Value
		if v.ValueFrom != nil {
			key, ok := strings.CutPrefix(v.ValueFrom.FieldRef.FieldPath, "metadata.labels['")
			key, closed := strings.CutSuffix(key, "']")
			if !ok || !closed {
				t.Fatalf("%s is from %+v, want a label", v.Name, v.ValueFrom)
			}
			value = labels[key] // "" for a label that isn't there
		}
		p.env[v.Name] = value
	}
	for _, arg := range container.Args {
		if path, ok := strings.CutPrefix(arg, "-labels="); ok {
			p.labels = mounted(t, spec, path, labels)
		} else if arg != "-queue="+queue {
			t.Errorf("the argument %q is none of this program's", arg)
		}
	}
	return p
}

// mounted writes the file that a volume has at the path in the container, and returns where it is on this machine.
func mounted(t *testing.T, spec corev1.PodSpec, path string, labels map[string]string) string {
	t.Helper()
	for _, mount := range spec.Containers[0].VolumeMounts {
		for _, volume := range spec.Volumes {
			if volume.Name != mount.Name || volume.DownwardAPI == nil || mount.SubPath != "" {
				continue
			}
			for _, item := range volume.DownwardAPI.Items {
				if filepath.Join(mount.MountPath, item.Path) != path {
					continue
				}
				if item.FieldRef == nil || item.FieldRef.FieldPath != "metadata.labels" {
					t.Fatalf("%s has %+v, want all labels", path, item.FieldRef)
				}
				var lines []string
				for _, key := range slices.Sorted(maps.Keys(labels)) {
					lines = append(lines, fmt.Sprintf("%s=%q", key, labels[key]))
				}
				file := filepath.Join(t.TempDir(), "labels")
				if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
					t.Fatal(err)
				}
				return file
			}
		}
	}
	t.Fatalf("no volume is mounted that has %s", path)
	return ""
}

// source is where the program looks for its zone, by its arguments.
func (p pod) source() zone.Source {
	if p.labels != "" {
		return zone.Kubernetes(p.labels)
	}
	return zone.Env()
}

// Given a manifest, when its Pods are scheduled in a zone, then azaffinity knows the zone and each endpoint that is listed.
func TestManifest(t *testing.T) {
	for _, path := range manifests {
		p := schedule(t, read(t, path), home)
		allowed := map[string]bool{endpoint.EnvEndpoints: true, "AZAFFINITY_ZONE": p.labels == ""}
		for name, value := range p.env {
			if !allowed[name] {
				t.Errorf("%s: %s is no variable that azaffinity has a use for there", path, name)
			}
			t.Setenv(name, value)
		}
		r, err := resolver.New(resolver.WithZone(p.source()))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		defer r.Close()
		for _, service := range []string{"sqs", "sts"} {
			route := r.Resolve(service + ".us-east-1.amazonaws.com")
			if route.Reason != resolver.InZone || !strings.Contains(route.Host, "-"+home+"."+service+".") {
				t.Errorf("%s: %s goes to %s: %s; want its name in %s", path, service, route.Host, route.Reason, home)
			}
		}
	}
}

// Given a manifest, when its Pods are scheduled, then Kubernetes spreads this Deployment's Pods over zones.
func TestSpread(t *testing.T) {
	for _, path := range manifests {
		d := read(t, path)
		spread := d.Spec.Template.Spec.TopologySpreadConstraints
		if len(spread) != 1 || spread[0].TopologyKey != corev1.LabelTopologyZone || spread[0].MaxSkew != 1 {
			t.Fatalf("%s: got %+v, want Pods spread evenly over zones", path, spread)
		}
		for name, selector := range map[string]*metav1.LabelSelector{"the Deployment": d.Spec.Selector, "the constraint": spread[0].LabelSelector} {
			if selector == nil || len(selector.MatchLabels) == 0 || len(selector.MatchExpressions) > 0 {
				t.Fatalf("%s: %s selects by %+v, want labels", path, name, selector)
			}
			for key, value := range selector.MatchLabels {
				if d.Spec.Template.Labels[key] != value {
					t.Errorf("%s: %s selects %s=%s, and its Pods have %v", path, name, key, value, d.Spec.Template.Labels)
				}
			}
		}
	}
}

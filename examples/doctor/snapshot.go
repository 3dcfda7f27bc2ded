package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// listing is the file that endpoint.File reads: what two commands of the AWS CLI print, in one object.
type listing struct {
	VpcEndpoints      []endpoint.Description
	AvailabilityZones []zoneEntry `json:",omitempty"`
}

type zoneEntry struct {
	ZoneID   string `json:"ZoneId"`
	ZoneName string `json:"ZoneName"`
}

// snapshot writes the catalogue for endpoint.File, to a file or, as "-", to stdout.
func (n *network) snapshot(ctx context.Context, catalog endpoint.Catalog, zone, path string, stdout io.Writer) error {
	if len(catalog.Endpoints) == 0 {
		return errors.New("no endpoint is known")
	}
	var l listing
	for _, e := range catalog.Endpoints {
		if e.Zonal == nil {
			var err error
			if e.Zonal, err = n.zonesOf(ctx, e, catalog.ZoneNames, zone); err != nil {
				return err
			}
		}
		l.VpcEndpoints = append(l.VpcEndpoints, describe(e)...)
	}
	for _, id := range slices.Sorted(maps.Keys(catalog.ZoneNames)) {
		l.AvailabilityZones = append(l.AvailabilityZones, zoneEntry{id, catalog.ZoneNames[id]})
	}
	content, err := json.MarshalIndent(l, "", "    ")
	if err != nil {
		return err
	}
	content = append(content, '\n')
	if path == "-" {
		_, err := stdout.Write(content)
		return err
	}
	return replace(path, content)
}

// zonesOf finds out by DNS which zones an endpoint is in that was listed without them. In a file, a zone that isn't
// listed is one that the endpoint isn't in. AWS's zones have the letters a to f.
func (n *network) zonesOf(ctx context.Context, e endpoint.Endpoint, names map[string]string, own string) (map[string]string, error) {
	zones := append(slices.Collect(maps.Values(names)), own)
	for _, letter := range "abcdef" {
		zones = append(zones, e.Region+string(letter))
	}
	found := map[string]string{}
	for _, z := range zones {
		name, ok := e.ZonalName(z)
		if !ok || found[z] != "" || !endpoint.InRegion(z, e.Region) {
			continue
		}
		switch _, err := n.lookupIn(ctx, sample(name)); {
		case err == nil:
			found[z] = name
		case !isNotFound(err):
			return nil, fmt.Errorf("whether %s is in %s is not known: %w", e.ID, z, err)
		}
	}
	return found, nil
}

// describe is the endpoint as EC2 would describe it, as far as it is known, and the gateway endpoint beside it, if any.
func describe(e endpoint.Endpoint) []endpoint.Description {
	labels := strings.Split(e.Service, ".")
	slices.Reverse(labels)
	d := endpoint.Description{
		VpcEndpointID: e.ID, VpcEndpointType: "Interface", State: "available", ServiceRegion: e.Region,
		ServiceName:       "com.amazonaws." + e.Region + "." + strings.Join(labels, "."),
		PrivateDNSEnabled: e.PrivateDNS,
		DNSEntries:        []endpoint.DNSEntry{{DNSName: e.Regional}},
	}
	for _, z := range slices.Sorted(maps.Keys(e.Zonal)) {
		d.DNSEntries = append(d.DNSEntries, endpoint.DNSEntry{DNSName: e.Zonal[z]})
	}
	for _, host := range e.Hosts {
		d.DNSEntries = append(d.DNSEntries, endpoint.DNSEntry{DNSName: host})
	}
	gateway := gatewayID.FindString(e.FreePath)
	switch {
	case e.FreePath == "":
		return []endpoint.Description{d}
	case gateway == "":
		d.DNSOptions = &endpoint.DNSOptions{PrivateDNSOnlyForInboundResolverEndpoint: true}
		return []endpoint.Description{d}
	}
	beside := endpoint.Description{VpcEndpointID: gateway, VpcEndpointType: "Gateway", State: "available", ServiceName: d.ServiceName}
	return []endpoint.Description{d, beside}
}

// gatewayID is in what a catalogue says of a free path.
var gatewayID = regexp.MustCompile(`\bvpce-[0-9a-z]+`)

// replace writes a file that others may be reading: they see the old one or the new one.
func replace(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// temporary is a file with the content, until it is forgotten.
func temporary(content []byte) (path string, forget func(), err error) {
	dir, err := os.MkdirTemp("", "azaffinity-doctor-*")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "endpoints.json")
	forget = func() { _ = os.RemoveAll(dir) }
	if err := os.WriteFile(path, content, 0o600); err != nil {
		forget()
		return "", nil, err
	}
	return path, forget, nil
}

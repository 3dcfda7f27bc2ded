package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/azaffinity/azaffinity/resolver/endpoint"
)

// userData is what is used of a cloud-config, after "Module reference" of cloud-init's documentation.
type userData struct {
	WriteFiles []struct {
		Path        string `json:"path"`
		Permissions string `json:"permissions"`
		Content     string `json:"content"`
	} `json:"write_files"`
	RunCmd [][]string `json:"runcmd"`
}

func readUserData(t *testing.T) (files map[string]string, all userData) {
	t.Helper()
	content, err := os.ReadFile("../ec2/user-data.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, &all); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(content), "#cloud-config\n") { // else cloud-init takes it for something else
		t.Error("it doesn't begin with #cloud-config")
	}
	files = map[string]string{}
	for _, f := range all.WriteFiles {
		files[f.Path] = f.Content
	}
	return files, all
}

// stubs are curl in front of an instance's metadata, and the AWS CLI. They know what they are to be asked, and fail else.
const (
	stubCurl = `#!/bin/bash
case "${*: -1}" in
  http://169.254.169.254/latest/api/token) [[ "$*" == *"-X PUT"* ]] && echo token ;;
  http://169.254.169.254/latest/meta-data/*) [[ "$*" == *"X-aws-ec2-metadata-token: token"* ]] || exit 22
    case "${*: -1}" in
      */mac) echo 0a:00:00:00:00:01 ;;
      */network/interfaces/macs/0a:00:00:00:00:01/vpc-id) echo vpc-0a1b2c3d4e5f60718 ;;
      */placement/region) echo us-east-1 ;;
      *) exit 22 ;;
    esac ;;
  *) exit 22 ;;
esac
`
	stubAWS = `#!/bin/bash
[ "$AWS_REGION" = us-east-1 ] || exit 1
case "$*" in
  "ec2 describe-vpc-endpoints --output json --filters Name=vpc-id,Values=vpc-0a1b2c3d4e5f60718") cat "$ANSWERS/endpoints" ;;
  "ec2 describe-availability-zones --output json") cat "$ANSWERS/zones" ;;
  *) exit 1 ;;
esac
`
)

// instance is one that runs the user data's script.
type instance struct {
	t                    *testing.T
	script, answers, bin string
}

func startInstance(t *testing.T, script string) instance {
	t.Helper()
	i := instance{t, filepath.Join(t.TempDir(), "script"), t.TempDir(), t.TempDir()}
	i.write(i.script, script)
	i.write(filepath.Join(i.bin, "curl"), stubCurl)
	i.write(filepath.Join(i.bin, "aws"), stubAWS)
	return i
}

func (i instance) write(path, content string) {
	i.t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
		i.t.Fatal(err)
	}
}

func (i instance) run(file string) error {
	cmd := exec.CommandContext(i.t.Context(), "bash", i.script, file)
	cmd.Env = []string{"PATH=" + i.bin + ":" + os.Getenv("PATH"), "ANSWERS=" + i.answers}
	return cmd.Run()
}

// Given an instance in a VPC, when its script runs, then azaffinity knows from the file that it writes what AWS lists, and
// the names of the zones; and when AWS fails, then the file stays as it is.
func TestUserDataScript(t *testing.T) {
	files, _ := readUserData(t)
	i := startInstance(t, files["/usr/local/bin/azaffinity-endpoints"])
	listed, err := json.Marshal(map[string]any{"VpcEndpoints": []endpoint.Description{described("sqs"), described("sts")}})
	if err != nil {
		t.Fatal(err)
	}
	i.write(filepath.Join(i.answers, "endpoints"), string(listed))
	i.write(filepath.Join(i.answers, "zones"),
		`{"AvailabilityZones":[{"ZoneId":"use1-az6","ZoneName":"us-east-1a"},{"ZoneId":"use1-az1","ZoneName":"us-east-1b"}]}`)
	file := filepath.Join(t.TempDir(), "azaffinity", "endpoints.json")
	if err := i.run(file); err != nil {
		t.Fatal(err)
	}
	wantEndpoints(t, map[string]string{endpoint.EnvEndpointsFile: file}, "sqs", "sts")
	wantZoneNames(t)

	if err := os.Remove(filepath.Join(i.answers, "zones")); err != nil {
		t.Fatal(err)
	}
	if err := i.run(file); err == nil {
		t.Error("it says nothing of a command that failed")
	}
	wantEndpoints(t, map[string]string{endpoint.EnvEndpointsFile: file}, "sqs", "sts")
	wantZoneNames(t)
}

// Given the user data, when an instance starts, then what the script writes is what the service reads, all that is
// enabled is there, and what is to be run can be.
func TestUserData(t *testing.T) {
	files, all := readUserData(t)
	_, rest, _ := strings.Cut(files["/usr/local/bin/azaffinity-endpoints"], "file=${1:-")
	path, _, found := strings.Cut(rest, "}")
	if service := files["/etc/systemd/system/shop.service"]; !found || !strings.Contains(service, "Environment="+endpoint.EnvEndpointsFile+"="+path+"\n") {
		t.Errorf("the script writes %q, and the service is\n%s", path, service)
	}
	for _, command := range all.RunCmd {
		for _, word := range command {
			if strings.Contains(word, ".") && files["/etc/systemd/system/"+word] == "" {
				t.Errorf("%q: there is no unit %s", command, word)
			}
		}
	}
	for _, f := range all.WriteFiles {
		if strings.HasPrefix(f.Content, "#!") != (f.Permissions == "0755") {
			t.Errorf("%s has the permissions %q", f.Path, f.Permissions)
		}
	}
}

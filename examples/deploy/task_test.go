package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// errAccepted is what a client answers whose requests are not sent.
var errAccepted = errors.New("it would be sent")

type nowhere struct{}

func (nowhere) Do(*http.Request) (*http.Response, error) { return nil, errAccepted }

// wantContainers fails unless ECS knows each field of the one container, misses none, and has its logs kept without
// holding the program up. It returns the container's environment.
func wantContainers(t *testing.T, definitions []byte) (env map[string]string) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(containersOf(definitions)))
	decoder.DisallowUnknownFields()
	var task ecs.RegisterTaskDefinitionInput
	if err := decoder.Decode(&task); err != nil || len(task.ContainerDefinitions) != 1 {
		t.Fatalf("got %d containers, %v; want one", len(task.ContainerDefinitions), err)
	}
	client := ecs.New(ecs.Options{Region: "us-east-1", Credentials: aws.AnonymousCredentials{}, HTTPClient: nowhere{}, Retryer: aws.NopRetryer{}})
	if _, err := client.RegisterTaskDefinition(t.Context(), &task); !errors.Is(err, errAccepted) {
		t.Errorf("the SDK doesn't send it: %v", err)
	}
	logs := task.ContainerDefinitions[0].LogConfiguration
	if logs == nil || !slices.Contains(logs.LogDriver.Values(), logs.LogDriver) || logs.LogDriver != types.LogDriverAwslogs ||
		logs.Options["awslogs-group"] == "" || logs.Options["mode"] != "non-blocking" {
		t.Errorf("got %+v, want logs that go to a group, and don't block", logs)
	}
	env = map[string]string{}
	for _, v := range task.ContainerDefinitions[0].Environment {
		env[aws.ToString(v.Name)] = aws.ToString(v.Value)
	}
	return env
}

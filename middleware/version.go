package middleware

import (
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	smithymiddleware "github.com/aws/smithy-go/middleware"

	"github.com/azaffinity/azaffinity/internal/version"
)

// Version is this library's, as it stands in the User-Agent of the requests of
// clients that use it: "lib/azaffinity#0.1.0".
const Version = version.Version

// nameUserAgent says in the User-Agent that we are on the stack, the way the SDK
// has for libraries.
func nameUserAgent(stack *smithymiddleware.Stack) {
	step, _ := stack.Build.Get((*awsmiddleware.RequestUserAgent)(nil).ID())
	if agent, ok := step.(*awsmiddleware.RequestUserAgent); ok {
		agent.AddSDKAgentKey(awsmiddleware.FrameworkMetadata, "azaffinity#"+Version)
	}
}

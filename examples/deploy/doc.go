// Package deploy is what to deploy the examples with: each of these hands the endpoints to azaffinity, all names of each, in
// whatever order AWS lists them.
//
//	terraform/                     endpoints, the service of examples/ecs and the function of examples/lambda
//	cloudformation/ecs.yaml        endpoints, and the service of examples/ecs
//	cdk/app.ts                     the same, in TypeScript; template.json is what becomes of it
//	../ecs/task-definition.json    the service, with a list by hand
//	../lambda/template.yaml        a SAM template: an endpoint, and the function
//	../lambda/template-layer.yaml  the function, with the endpoints in a file; for more than ten of them
//	../eks/deployment.yaml         a worker that knows its zone by its environment; the other one, by its labels
//	../ec2/user-data.yaml          cloud-init: an instance that writes the file itself
//
// The package has tests only. They read each file by a parser or schema of others, put in what AWS would, and give what
// comes out to azaffinity. Nothing is deployed: that AWS accepts the rest is not tested.
package deploy

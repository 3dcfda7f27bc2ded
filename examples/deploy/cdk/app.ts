// The service of examples/ecs on Fargate, with the interface endpoints that it uses, in a VPC of its own.
//
//   npm ci && npm run synth   # writes template.json
import { App, BootstraplessSynthesizer, Fn, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';

const app = new App({ analyticsReporting: false, outdir: process.argv[2] });
const stack = new Stack(app, 'Shop', { synthesizer: new BootstraplessSynthesizer() });

const vpc = new ec2.Vpc(stack, 'Vpc', {
  maxAzs: 2,
  natGateways: 0,
  restrictDefaultSecurityGroup: false,
  subnetConfiguration: [{ name: 'private', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
});

const endpoints = [
  vpc.addInterfaceEndpoint('Sqs', { service: ec2.InterfaceVpcEndpointAwsService.SQS }),
  vpc.addInterfaceEndpoint('Sts', { service: ec2.InterfaceVpcEndpointAwsService.STS }),
];

// A list of DnsEntries exists only when the stack is deployed, so that none can be taken out of it, and lists can't be put
// together with "...": each is joined by itself. azaffinity takes all entries, in any order, as CloudFormation spells them.
const list = Fn.join(',', endpoints.map((e) => Fn.join(',', e.vpcEndpointDnsEntries)));

const task = new ecs.FargateTaskDefinition(stack, 'Task', { family: 'shop', cpu: 256, memoryLimitMiB: 512 });
task.addToTaskRolePolicy(new iam.PolicyStatement({ actions: ['sqs:ListQueues'], resources: ['*'] })); // azaffinity needs nothing
task.addContainer('shop', {
  image: ecs.ContainerImage.fromRegistry('123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:latest'),
  portMappings: [{ containerPort: 8080 }],
  environment: { AZAFFINITY_ENDPOINTS: list, AZAFFINITY_MODE: 'prefer' },
  logging: ecs.LogDrivers.awsLogs({
    streamPrefix: 'shop',
    mode: ecs.AwsLogDriverMode.NON_BLOCKING,
    logGroup: new logs.LogGroup(stack, 'Logs', { retention: logs.RetentionDays.TWO_WEEKS }),
  }),
});

app.synth();

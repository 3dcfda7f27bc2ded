// Package metadata holds the tests that the zone is found where AWS tells it: by amazon-ec2-metadata-mock, AWS's own stand-in
// for the EC2 instance metadata service, and by fakes of the ECS and Lambda endpoints that answer what AWS documents. It has
// nothing to import.
//
// The mock has to be on PATH, or where go install puts it; what needs it is skipped where it isn't:
//
//	go install github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@v1.13.0
package metadata

// Package endpoint answers one question: which interface VPC endpoints are there, and by which names?
//
// [Env] reads them from environment variables, [File] from what the AWS CLI prints, [Static] takes them from code, and
// [Join] puts several together. A regional name, as the console shows it, is all that an endpoint needs: [Parse] reads
// the rest from it.
//
//	e, err := endpoint.Parse("vpce-0a1b2c3d4e5f60718-lj2wisx3.sqs.us-east-1.vpce.amazonaws.com")
//	if err != nil {
//		return err // says which name is wrong, and what one looks like
//	}
//	zonal, _ := e.ZonalName("us-east-1a")
//	fmt.Println(e.Service, zonal)
//	// sqs vpce-0a1b2c3d4e5f60718-lj2wisx3-us-east-1a.sqs.us-east-1.vpce.amazonaws.com
//
// # When it fails
//
// What somebody wrote by hand or in code is taken as a whole or not at all: the error names the offending value and what
// to do about it. Of AWS's own listings (a file, EC2) the good is taken: an endpoint that is still pending, or has a name
// of another form than AWS's, is left out, and the catalogue's Notes say so. A listing of which nothing can be used is an
// error. Nothing here asks the network, retries, caches or logs: the caller asks again, and keeps the last good answer.
//
// # Input is not trusted
//
// Names become hosts that requests, signed with the caller's credentials, are sent to. So every name has to be a vpce
// name of the form that AWS makes, in lower-case letters, digits and dashes, and every private DNS name has to lie
// under the domains of the vpce name's owner: an endpoint under vpce.evil.example can't claim a host of AWS's.
// Files are read up to 16 MiB.
package endpoint

// Package awsauth signs requests with AWS Signature Version 4.
//
//	connector, err := awsauth.New(awsauth.Config{
//		Service:     "execute-api",
//		Region:      "eu-west-1",
//		Credentials: awsauth.Default(),
//		Hosts:       []string{"*.execute-api.eu-west-1.amazonaws.com"},
//	})
//	if err != nil {
//		return err
//	}
//	client := connectorauth.NewClient(connector, http.DefaultClient)
//
// # Credentials
//
// A [Source] returns credentials: [Static] those of the program, [Environment], [Files],
// [Container] and [Instance] those of the usual places, and [Default] the first that is
// there. [AssumeRole] and [AssumeRoleWithWebIdentity] exchange credentials at the
// Security Token Service. Any function can be a Source, such as one over the
// CredentialsProvider of an SDK.
//
// A Source is called once however many requests wait, some time before the credentials
// expire, and when the service refuses credentials that have expired. With a Store,
// processes share the credentials of a role.
//
// # What is signed
//
// A signature covers the method, the path, the query, the body, and the headers Host,
// Content-Type, Content-MD5 and X-Amz-*, and what [Config].SignedHeaders names. A request
// is signed for each send: after a redirect and a renewal, the signature is new. A hook
// must not change what is signed.
//
// A request whose URL is presigned goes out as the request is, without a header of this
// package.
//
// When a refusal shows by its Date that the clock of this machine is wrong by more than a
// minute, the request is signed with the time of the service and sent once more. Later
// requests have the time of the service.
//
// # Amazon S3
//
// With Service "s3", "s3-object-lambda", "s3-outposts" or "s3express", the rules of S3
// hold: the path is encoded once and not normalized, and X-Amz-Content-Sha256 tells the
// hash of the body. [Config].Payload chooses how bodies are signed: [PayloadSigned] signs
// the hash of the whole body, and holds a body without GetBody in memory, [PayloadUnsigned]
// leaves every body unsigned (UNSIGNED-PAYLOAD), and [PayloadChunked] signs a body in chunks
// while the body is sent (STREAMING-AWS4-HMAC-SHA256-PAYLOAD). A request with an
// X-Amz-Content-Sha256 of the caller keeps its value.
//
// S3 wants the length of a body. So a program that streams with PayloadUnsigned or
// PayloadChunked sets ContentLength of the request; a header Content-Length has no effect:
//
//	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "https://bucket.s3.eu-west-1.amazonaws.com/key", stream)
//	if err != nil {
//		return err
//	}
//	req.ContentLength = size
//	resp, err := client.Do(req)
package awsauth

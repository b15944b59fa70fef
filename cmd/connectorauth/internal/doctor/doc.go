// Package doctor says why an account does not work.
//
// Run goes through the account in the index, the way to each host, the clock, the token
// endpoint, the record, the scopes and the test request of the definition. The Report has a
// Step for each of them, and ends with a sentence on what to do.
//
// # What is sent
//
// The test request and token requests go out as the connector of the account sends them, so
// credentials reach the hosts of the definition alone. A refresh token is spent only where the
// test request needs a token. All other requests carry no credential, with an exception: where
// an account owner must consent, the token endpoint sees the client's own authentication along
// with a made-up refresh token. A wrong client secret is then known before the access token
// expires. No request of doctor itself follows a redirect.
//
// # Secrets
//
// Steps, JSON and the bundle have no secret: see Report.
package doctor

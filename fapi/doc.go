// Package fapi checks configs against the FAPI 2.0 Security Profile (final, February 2025),
// which banks and health services ask of their clients.
//
//	findings, err := fapi.Check(ctx, config, server) // server has the metadata, or is nil
//	if err != nil {
//		return err
//	}
//	for _, f := range findings {
//		fmt.Println(f) // the field, what is wrong, the section of the profile, what to do
//	}
//
// # Where to call Check
//
// [Check] lists what a config lacks. The profile is a check and no mode: nothing of a
// connector changes, and a program decides what to do with the list. A test of the program
// that fails on any [Finding] is a good place. No finding means that the config meets the
// profile, as far as a config can tell.
//
// # What meets the profile
//
// The grant is [connectorauth.AuthorizationCode] with an issuer (RFC 9207) and pushed
// authorization requests (RFC 9126), or [connectorauth.ClientCredentials] where no account owner
// takes part. The client authenticates by a key, with
// [assertion.NewClientAuth] (RFC 7523 section 2.2), or by a certificate (RFC 8705). Tokens are
// bound to a key, with [assertion.NewDPoP] (RFC 9449), or to the certificate.
//
// # What needs no check
//
// What the library does for every config needs no finding: TLS 1.2 or newer with a verified
// certificate, a code challenge of its own for each consent, a state bound to the browser,
// nonces of proofs (RFC 9449 section 8), and refresh tokens that rotate or do not. What
// concerns the server alone, such as the lifetime of codes, or the program alone, such as
// open redirectors, Check does not see.
package fapi

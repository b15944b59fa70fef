// Package assertion authenticates with keys that sign: an assertion, which is a signed
// JWT (RFC 7519), stands in for a secret.
//
//	key, err := assertion.NewKey(assertion.KeyConfig{Private: pem})
//	...
//	grant, err := assertion.NewJWTBearer(assertion.JWTBearerConfig{
//		Key:    key,
//		Claims: assertion.Claims{Issuer: "client", Subject: "alice@example.com", Audience: tokenURL},
//	})
//	...
//	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
//		ClientID: "client", TokenURL: tokenURL, Grant: grant, ClientAuth: assertion.NoClientAuth{},
//	})
//
// # What to make
//
// [NewKey] reads a key, from PEM, a JSON Web Key (RFC 7517), a signer or a shared secret. What
// the service wants decides what to make of the key:
//
//   - [NewJWTBearer] is a grant: an assertion is exchanged for an access token (RFC
//     7523 section 2.1), as service accounts and server-to-server integrations do.
//   - [NewClientAuth] authenticates the client at the token endpoint (RFC 7523 section
//     2.2): private_key_jwt, or client_secret_jwt with a key that is a secret.
//   - [NewJWT] is a connector whose assertions go to the API themselves, without a
//     token endpoint.
//   - [NewTokenExchange] is a grant: a token of one kind is exchanged for another (RFC
//     8693). The result may be the assertion of a [JWTBearer]: see [FromConnector].
//   - [NewCertificateTransport] presents a client certificate (RFC 8705), to the token
//     endpoint and to the API.
//   - [NewDPoP] proves with each request that the program has the key of the token (RFC
//     9449).
//   - [NewGoogle] is a connector for the account files of Google.
//
// # Tokens from elsewhere
//
// An assertion may also come from elsewhere: the grants and the client authentication
// take a function instead of a key, such as that of [FromFile] for a file that a platform
// renews. The repository's docs/keys.md says what each of many services wants.
//
// # Time
//
// A provider refuses an assertion whose times do not fit the provider's clock. Every
// assertion therefore says that it was issued ten seconds ago, lives for three
// minutes, and is made anew for each request that is sent. When the Date of a
// refusal shows that the clock of this machine is wrong, the next assertion has the
// provider's time.
//
// # Keys
//
// A private key may stay where it is: [KeyConfig].Signer takes a [crypto.Signer] of a KMS
// or HSM. A [crypto.Signer] has no context, so a signer of a remote service should bound
// its requests in time. No error and no print shows a key.
package assertion

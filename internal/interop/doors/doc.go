// Package doors shows how to extend connectorauth from a module of one's own. It
// imports public packages and the standard library only, so it can be copied as
// a start.
//
// There are four doors:
//
//   - [JWTBearer] is a connectorauth.Grant: a way to obtain a token.
//   - [PrivateKeyJWT] is a connectorauth.ClientAuth: a way for the client to
//     authenticate at the token endpoint.
//   - [NewDigest] and [NewSession] use connectorauth.NewCustom: kinds of
//     credentials that the library does not have.
//   - [DPoP] is a connectorauth.Proof: a proof of possession with each request.
//
// What holds behind each door: the library calls these types for each request
// that is sent, by several goroutines. The library renews once however many
// requests wait, saves before use, and sends a rejected request once more. So
// these types keep no token and retry nothing.
package doors

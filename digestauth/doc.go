// Package digestauth authenticates by HTTP Digest (RFC 7616).
//
//	connector, err := digestauth.New(digestauth.Config{
//		Username: "user",
//		Password: "password",
//		Hosts:    []string{"api.example.com"},
//	})
//	if err != nil {
//		return err
//	}
//	client := connectorauth.NewClient(connector, http.DefaultClient)
//
// # Challenges
//
// A server asks for Digest with a challenge in a response with status 401. The first
// request to an origin goes out without credentials; its response brings the
// challenge, and the request is sent again. Later requests carry credentials at once.
// Keep a connector: each new connector costs one request more.
//
// Of several challenges, the strongest algorithm counts: SHA-512-256, SHA-256, and
// MD5 where [Config].AllowMD5 permits MD5, each also as a session variant (-sess).
// The quality of protection is auth, or auth-int if the server offers auth-int alone.
// A user name is hashed where the server asks for a hash (userhash). A next nonce
// (Authentication-Info) is used, and a stale nonce is replaced without any doubt
// about the password.
//
// Without a challenge among these, as from a server with MD5 alone, the caller gets the
// response with status 401, and [connectorauth.RenewalError] says why.
//
// A challenge counts for the origin that sent the challenge. A server outside Hosts,
// or behind a redirect to another origin, gets no credentials, and its challenges are
// ignored. Proxies are not the business of this package: see
// [net/http.Transport].
//
// # A wrong password
//
// Many services lock an account after some wrong passwords. Until a service has
// accepted the password, one request at a time carries credentials, and the others
// wait for the outcome. A refusal is an error that matches
// [connectorauth.ErrReauthRequired]. A response with status 401 to a password that
// nobody has accepted is a refusal, with or without a challenge. If the realm is
// another or the nonce is stale, the third such response is. After a refusal, no request carries credentials
// for an hour, and after each further refusal for twice as long, up to a day. After a
// refusal of a password that was accepted before, the first pause is a minute: a
// service may respond with status 401 where a user has no access. All connectors of a
// program with the same Shared, user name and password know of a refusal. Renew of a
// connector that has met the refusal forgets what is known, and starts anew.
//
// The connector alone knows of a refusal: Observe tells, and Status does not. Each
// process, and each new connector, tries a wrong password once. So keep a connector: a
// program that makes a connector for each request tries a wrong password with each
// request, until the service locks the account.
//
// # Bodies
//
// A request with a body and without a challenge asks the server to look at the header
// first (Expect: 100-continue, RFC 9110 section 10.1.1). A base RoundTripper with
// ExpectContinueTimeout, as [http.DefaultTransport] has, then sends the body once. If
// the body cannot be sent again, because the request has no GetBody, the caller gets
// the response with status 401, [connectorauth.RenewalError] says why, and the next
// request carries credentials. A program that streams bodies makes a request without a
// body before, such as a HEAD. When a nonce is stale, a body is sent twice.
//
// # What is not checked
//
// The proof of the server (rspauth) is not checked: whoever stands between client and
// server could remove the proof. TLS proves the server. Digest protects the password
// alone; everything else in a request needs https.
//
// User name and password are sent in UTF-8, as given and without normalization (RFC
// 7616 section 4).
package digestauth

// Package authtest is a provider for tests: an OAuth2 authorization server, an
// OAuth1 server, and an API with an endpoint for each kind of credential. The
// provider follows the RFCs. A refusal says what is wrong with the request. A test
// can make the provider fail in many ways.
//
// The package needs only the standard library, and works with any client. Package
// connectorauth is not required.
//
//	func TestSync(t *testing.T) {
//		p := authtest.NewProvider(t) // on a loopback port, closed with the test
//		client := mine.New(p.TokenURL, p.ClientID, p.ClientSecret)
//		err := client.Sync(p.BearerURL + "/items")
//		...
//		if n := p.Stats().TokenRequests; n != 1 {
//			t.Errorf("%d token requests, want 1", n)
//		}
//	}
//
// Outside tests, or with another configuration, use [New] and [Provider.Close].
//
// # Credentials
//
// A provider has an application and, unless [Config].Owners names several, a
// single account owner. ClientID and ClientSecret of the [Provider] belong to the
// application; Username, Password and APIKey belong to the account owner. If a
// credential is not configured, each provider makes a random value. Random secrets
// contain characters that a client must encode, so a client that does not encode
// fails. The same is true for API keys and body fields.
//
// Assertions (RFC 7523) are verified with the public keys in [Config].AssertionKeys:
// as a grant, as the client authentication, as the token that is exchanged for an
// access token (RFC 8693), and at AssertionURL. Another requested_token_type is
// refused. [Config].ClockSkew makes the provider's clock wrong.
//
// A token request with a proof of DPoP (RFC 9449) gets tokens that are bound to the key.
// [Config].RequireDPoP and [Config].DPoPNonce make proofs and nonces necessary, and
// [Provider.RotateNonces] makes the nonces of before invalid.
//
// # Consent
//
// AuthURL and AuthorizeURL show a page. The account owner signs in on the page
// and presses Allow or Deny. The page works in a real browser. The form is filled
// in, and the elements have the ids username, password, allow and deny.
// [Provider.Authorize] and [Provider.Deny] need no browser and return the callback
// URL:
//
//	callback, err := p.Authorize(config.AuthCodeURL(state))
//	code := callback.Query().Get("code")
//
// [Provider.AuthorizeAs] signs in as another account owner.
//
// The provider accepts any loopback URL as a callback. [Provider.IssueTokens] and
// [Provider.IssueOAuth1Token] issue tokens without a consent.
//
// DeviceURL begins the device grant (RFC 8628); [Provider.AuthorizeDevice] and
// [Provider.DenyDevice] take the part of the account owner. At
// PushedAuthorizationRequestURL the application pushes authorization requests (RFC 9126).
// [Provider.StepUpURL] wants another authentication (RFC 9470).
//
// # Several account owners and tenants
//
// Each [Owner] has credentials of its own, and an ID and a label that the API
// tells. [Provider.RevokeGrantsOf] ends what a single account owner allowed. An
// Owner with a Tenant belongs to one of the customers who share the service:
//
//	p := authtest.New(authtest.Config{Owners: []authtest.Owner{
//		{Username: "ada@acme.example", ID: "17", Label: "Ada of Acme", Tenant: "acme"},
//		{Username: "bob@globex.example", ID: "18", Label: "Bob of Globex", Tenant: "globex"},
//	}})
//	...
//	p.HostURL("acme", p.BearerURL) // http://acme.localhost:12345/api/bearer
//	p.PathURL("acme", p.BearerURL) // http://127.0.0.1:12345/tenants/acme/api/bearer
//
// A tenant that does not exist has status 404. A request that names another tenant
// than that of the account is refused; a request that names none is not.
//
// # Metadata and registration
//
// MetadataURL and OpenIDMetadataURL describe the provider (RFC 8414), and the 401 of
// BearerURL points to the metadata of the API below ResourceMetadataURL (RFC 9728).
// Further applications register themselves at RegisterURL (RFC 7591). The provider
// forgets them with [Provider.ForgetClients], and forgets their secrets after
// [Config].SecretLifetime. The provider issues no ID tokens.
//
// # Requests and counts
//
// [Provider.Requests] returns the latest requests to an endpoint, as received.
// [Provider.Stats] counts what the provider did. The response of an API endpoint
// is an [Identity].
//
// # Faults
//
// [Provider.ExpireAccessTokens], [Provider.RevokeAccessTokens] and
// [Provider.RevokeGrants] end tokens early. Every other failure is a [Fault]. A
// test injects a fault for the next n requests to an endpoint, or for all
// requests:
//
//	p.Inject(p.TokenURL, 2, authtest.Answer(503, http.Header{"Retry-After": {"1"}}, ""))
//	p.Inject(p.TokenURL, 1, authtest.DropAfter()) // the third request gets no response
//	p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(response map[string]any) {
//		response["expires_in"] = "3600" // as some providers do
//	}))
//	p.Inject(p.AuthURL, 1, authtest.EditCallback(func(callback url.Values) {
//		callback.Del("state")
//	}))
//
// # Time
//
// With [Config].InMemory, the provider opens no socket and can run in a bubble of
// [testing/synctest], where an hour passes at once. Close the provider before the
// bubble ends:
//
//	synctest.Test(t, func(t *testing.T) {
//		p := authtest.New(authtest.Config{InMemory: true})
//		defer p.Close()
//		client := p.Client()
//		...
//		time.Sleep(time.Hour) // the access token has expired
//	})
package authtest

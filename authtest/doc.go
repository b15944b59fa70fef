// Package authtest is a provider to test integrations against: an OAuth2
// authorization server, an OAuth1 server, and an API that accepts one kind of
// credential at each endpoint. It keeps to the RFCs, says in every refusal what
// was wrong with the request, and misbehaves on demand.
//
// It needs nothing but the standard library and knows nothing about package
// connectorauth, so it can test any client:
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
// Outside tests, and for another configuration, use [New] and [Provider.Close].
//
// # Credentials
//
// There is one application and one account owner: [Provider].ClientID and
// ClientSecret, Username and Password. Those that are not configured are made
// up for each provider, with characters in them that break a client which
// forgets to encode. API keys and body fields likewise.
//
// # Consent
//
// AuthURL and AuthorizeURL show a page on which the account owner signs in and
// presses Allow or Deny. It works in a real browser, where the form comes
// filled in and its parts have the ids username, password, allow and deny.
// [Provider.Authorize] and [Provider.Deny] do without a browser and return the
// callback URL:
//
//	callback, err := p.Authorize(config.AuthCodeURL(state))
//	code := callback.Query().Get("code")
//
// Any loopback URL is accepted as a callback. IssueTokens and IssueOAuth1Token
// skip the flow altogether.
//
// # What went over the wire
//
// [Provider.Requests] returns the latest requests of an endpoint as they
// arrived, and [Provider.Stats] counts what came of them. API endpoints answer
// an [Identity].
//
// # Things that go wrong
//
// Tokens die early by [Provider.ExpireAccessTokens],
// [Provider.RevokeAccessTokens] and [Provider.RevokeGrants]. Everything else is
// a [Fault], injected for the next n requests to an endpoint, or for all of
// them:
//
//	p.Inject(p.TokenURL, 2, authtest.Answer(503, http.Header{"Retry-After": {"1"}}, ""))
//	p.Inject(p.TokenURL, 1, authtest.DropAfter()) // the third request rotates, unheard
//	p.Inject(p.TokenURL, authtest.Always, authtest.EditAnswer(func(answer map[string]any) {
//		answer["expires_in"] = "3600" // as some providers do
//	}))
//
// # Time
//
// With Config.InMemory the provider opens no socket, and a test can run it in a
// [testing/synctest] bubble, where an hour passes at once. Close it before the
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

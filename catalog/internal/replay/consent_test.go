package replay_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/stretchr/testify/assert"
)

// The verifier and the challenge of RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

const (
	authorizeURL = "https://id.example.com/authorize"
	refreshURL   = "https://id.example.com/refresh"
	revokeURL    = "https://id.example.com/revoke"
	callback     = "redirect_uri=https%3A%2F%2Fprogram.example%2Fcallback"
	asks         = "response_type=code&client_id=replay-client&state=xyz&code_challenge_method=S256&code_challenge=" + challenge + "&" + callback
	exchange     = "grant_type=authorization_code&code=code-1&code_verifier=" + verifier + "&" + callback + "&" + client
	renewal      = "grant_type=refresh_token&refresh_token=refresh-1&" + client
)

// consented is a method with a consent, refreshes and revocations.
func consented() facts.Method {
	return facts.Method{Type: "OAuth2", Grant: "authorization_code", Authorize: said(authorizeURL), Token: said(tokenURL), Refresh: said(""),
		Revoke: said(revokeURL), Client: said("body"), Carries: []facts.Carried{{In: "header", Name: "Authorization", Fact: *said("Bearer {token}")}}}
}

// TestConsents asks for consents with one mistake each.
func TestConsents(t *testing.T) {
	want := func(name, value, got, fact string) []string {
		return []string{"authorize request: want the parameter " + name + "=" + value + " once, got " + got + "; methods.m." + fact}
	}
	for name, c := range map[string]struct {
		change  func(m *facts.Method)
		address string
		query   string
		want    []string
	}{
		"as the sources say":      {},
		"another response type":   {query: values(asks, "response_type", "token"), want: want("response_type", "code", `"token"`, "grant")},
		"another client":          {query: values(asks, "client_id", "x"), want: want("client_id", "replay-client", `"x"`, "authorizeNames")},
		"another callback":        {query: values(asks, "redirect_uri", "https://evil.example"), want: want("redirect_uri", replay.Callback, `"https://evil.example"`, "authorizeNames")},
		"a plain challenge":       {query: values(asks, "code_challenge_method", "plain"), want: want("code_challenge_method", "S256", `"plain"`, "authorizeNames")},
		"no challenge":            {query: values(asks, "code_challenge", ""), want: []string{"authorize request: want the parameter code_challenge once, got none; methods.m.authorizeNames"}},
		"no state":                {query: values(asks, "state", ""), want: []string{"authorize request: want the parameter state once, got none; methods.m.authorizeNames"}},
		"an empty state":          {query: values(asks, "state", "") + "&state=", want: []string{`authorize request: want the parameter state once, got ""; methods.m.authorizeNames`}},
		"two states":              {query: asks + "&state=abc", want: []string{`authorize request: want the parameter state once, got "xyz", "abc"; methods.m.authorizeNames`}},
		"one parameter more":      {query: asks + "&more=1", want: []string{`authorize request: has parameters that the sources do not know: "more"; methods.m.authorizeParams`}},
		"a scope nobody asks for": {query: asks + "&scope=a", want: []string{`authorize request: has parameters that the sources do not know: "scope"; methods.m.authorizeParams`}},
		"scopes":                  {change: func(m *facts.Method) { m.Scopes = said("a b") }, query: asks + "&scope=a+b"},
		"no scopes":               {change: func(m *facts.Method) { m.Scopes = said("a b") }, want: want("scope", "a b", "none", "scopes")},
		"scopes in a parameter": {change: func(m *facts.Method) {
			m.Scopes, m.AuthorizeParams = said("a b"), map[string]facts.Fact{"user_scope": *said("{scopes}")}
		}, query: asks + "&scope=a+b&user_scope=a+b"},
		"further parameters":    {change: func(m *facts.Method) { m.AuthorizeParams = map[string]facts.Fact{"prompt": *said("consent")} }, query: asks + "&prompt=consent"},
		"no further parameters": {change: func(m *facts.Method) { m.AuthorizeParams = map[string]facts.Fact{"prompt": *said("consent")} }, want: want("prompt", "consent", "none", "authorizeParams.prompt")},
		"an empty parameter":    {change: func(m *facts.Method) { m.AuthorizeParams = map[string]facts.Fact{"prompt": *said("")} }, query: asks + "&prompt=", want: want("prompt", "", `""`, "authorizeParams.prompt")},
		"other names": {change: func(m *facts.Method) {
			m.AuthorizeNames = map[string]facts.Fact{"client_id": *said("app"), "redirect_uri": *said("")}
		}, query: values(asks, "client_id", "", "redirect_uri", "", "app", "replay-client")},
		"a URL with a query": {change: func(m *facts.Method) { m.Authorize = said(authorizeURL + "?v=1") }, query: "v=1&" + asks},
		"another query":      {change: func(m *facts.Method) { m.Authorize = said(authorizeURL + "?v=1") }, query: "v=1&v=2&" + asks, want: []string{`authorize request: want v in the query with "1", got "1", "2"; methods.m.authorize`}},
		"another host":       {address: "https://evil.example/authorize", want: []string{"authorize request: https://evil.example/authorize is another URL than the sources know; methods.m.authorize"}},
		"plain http":         {address: "http://id.example.com/authorize", want: []string{"authorize request: http://id.example.com/authorize is another URL than the sources know; methods.m.authorize"}},
		"no URL":             {address: "https://id.example.com:x/authorize", want: []string{"authorize request: https://id.example.com:x/authorize is another URL than the sources know; methods.m.authorize"}},
	} {
		method := consented()
		method.Captures = map[string]facts.Fact{"site": *said("callback realm"), "key": *said("token key")}
		if c.change != nil {
			c.change(&method)
		}
		query, address := c.query, c.address
		if query == "" {
			query = asks
		}
		if address == "" {
			address = authorizeURL
		}
		server := serve(method)
		got := server.Agree(address + "?" + query)
		only(t, server, name, c.want...)
		if c.address == "" {
			assert.Equal(t, "code-1", got.Get("code"), name)
			assert.Equal(t, "eu", got.Get("realm"), name)
			assert.Len(t, got, 3, name)
		} else {
			assert.Nil(t, got, name)
		}
		if c.want == nil {
			assert.Equal(t, "xyz", got.Get("state"), name)
		}
	}
}

// A step is a request of a life, and what becomes of the request.
type step struct {
	m      message
	status int
	want   []string
}

// call is a request to the API with a token.
func call(token string) message {
	return message{verb: http.MethodGet, address: "https://api.example.com" + replay.CallPath, media: form, body: "none", change: with("Authorization", "Bearer "+token)}
}

// TestLives sends several requests to one server, which remembers what has come.
func TestLives(t *testing.T) {
	at := func(address, body string) message { return message{address: address, body: body} }
	var (
		code    = step{at(tokenURL, exchange), 200, nil}
		refresh = step{at(tokenURL, renewal), 200, nil}
		good    = step{call("access-1"), 200, nil}
	)
	spent := func(fact, text string) []string { return []string{text + "; methods.m." + fact} }
	noCode := func(code string) []string {
		return spent("grant", `token request: the code "`+code+`" is not good, or no longer`)
	}
	noRefresh := func(token string) []string {
		return spent("refresh", `refresh request: the refresh token "`+token+`" is not good, or no longer`)
	}
	for name, c := range map[string]struct {
		change func(m *facts.Method)
		steps  []step
	}{
		"a code":                  {nil, []step{code, good}},
		"a code twice":            {nil, []step{code, {code.m, 400, noCode("code-1")}}},
		"another code":            {nil, []step{{at(tokenURL, values(exchange, "code", "code-2")), 400, noCode("code-2")}}},
		"another verifier":        {nil, []step{{at(tokenURL, values(exchange, "code_verifier", "x")), 400, spent("grant", "token request: the code verifier is not that of the code")}}},
		"another callback":        {nil, []step{{at(tokenURL, values(exchange, "redirect_uri", "x")), 200, spent("tokenNames", `token request: want the parameter redirect_uri=https://program.example/callback once, got "x"`)}}},
		"scopes of an exchange":   {func(m *facts.Method) { m.Scopes = said("a") }, []step{{at(tokenURL, exchange+"&scope=a"), 200, spent("tokenParams", `token request: has parameters that the sources do not know: "scope"`)}}},
		"a code at the refreshes": {func(m *facts.Method) { m.Refresh = said(refreshURL) }, []step{{at(refreshURL, exchange), 200, spent("refresh", "token request: went to the URL of refreshes")}}},
		"a refresh":               {nil, []step{code, refresh, {call("access-2"), 200, nil}, {at(tokenURL, values(renewal, "refresh_token", "refresh-2")), 200, nil}}},
		"a refresh token twice":   {nil, []step{code, refresh, {refresh.m, 400, noRefresh("refresh-1")}}},
		"a refresh without one":   {nil, []step{{refresh.m, 400, noRefresh("refresh-1")}}},
		"a refresh at its URL":    {func(m *facts.Method) { m.Refresh = said(refreshURL) }, []step{code, {at(refreshURL, renewal), 200, nil}}},
		"a refresh elsewhere": {func(m *facts.Method) { m.Refresh = said(refreshURL) }, []step{code,
			{refresh.m, 200, spent("refresh", "refresh request: went to the URL of tokens, and not to https://id.example.com/refresh")}}},
		"the query of a refresh": {func(m *facts.Method) { m.Token, m.Refresh = said(tokenURL+"?v=1"), said(refreshURL+"?w=1") }, []step{
			{at(tokenURL+"?v=1", exchange), 200, nil}, {at(refreshURL+"?w=1", renewal), 200, nil},
			{at(refreshURL+"?w=2", values(renewal, "refresh_token", "refresh-2")), 200, spent("refresh", `refresh request: want w in the query with "1", got "2"`)}}},
		"refreshes that nobody knows": {func(m *facts.Method) { m.Refresh = nil }, []step{code, {refresh.m, 400, append(noRefresh("refresh-1"), spent("refresh", "refresh request: the sources know nothing of refreshes")...)}}},
		"parameters of a refresh": {func(m *facts.Method) { m.RefreshParams = map[string]facts.Fact{"action": *said("renew")} }, []step{code,
			{at(tokenURL, renewal+"&action=renew"), 200, nil}, {at(tokenURL, values(renewal, "refresh_token", "refresh-2")), 200, spent("refreshParams.action", "refresh request: want the parameter action=renew once, got none")}}},
		"a parameter too many": {nil, []step{code, {at(tokenURL, renewal+"&more=1"), 200, spent("refreshParams", `refresh request: has parameters that the sources do not know: "more"`)}}},
		"a revocation": {nil, []step{code, {at(revokeURL, "token=refresh-1&token_type_hint=refresh_token&"+client), 200, nil}, good,
			{at(revokeURL, "token=access-1&token_type_hint=access_token&"+client), 200, nil}, {call("access-1"), 401, nil}, {refresh.m, 400, noRefresh("refresh-1")}}},
		"a revocation without a hint": {nil, []step{code, {at(revokeURL, "token=access-1&"+client), 200, nil}}},
		"another hint":                {nil, []step{code, {at(revokeURL, "token=access-1&token_type_hint=refresh_token&"+client), 200, spent("revoke", `revoke request: want the parameter token_type_hint=access_token once, got "refresh_token"`)}}},
		"another token":               {nil, []step{code, {at(revokeURL, "token=access-9&"+client), 200, spent("revoke", `revoke request: the token "access-9" is neither the access token nor the refresh token`)}}},
		"nothing to revoke": {nil, []step{{at(revokeURL, client), 200, append(spent("revoke", "revoke request: want the parameter token once, got none"),
			spent("revoke", `revoke request: the token "" is neither the access token nor the refresh token`)...)}}},
		"a revocation by nobody": {nil, []step{code, {at(revokeURL, "token=access-1"), 200, append(spent("client", "revoke request: want the parameter client_id=replay-client once, got none"),
			spent("client", "revoke request: want the parameter client_secret=replay-client-secret once, got none")...)}}},
		"a parameter of a revocation": {nil, []step{code, {at(revokeURL, "token=access-1&more=1&"+client), 200, spent("revoke", `revoke request: has parameters that the sources do not know: "more"`)}}},
		"a query of a revocation":     {nil, []step{code, {at(revokeURL+"?more=1", "token=access-1&"+client), 200, spent("revoke", `revoke request: has parameters that the sources do not know: "more"`)}}},
		"the query of a revocation": {func(m *facts.Method) { m.Revoke = said(revokeURL + "?v=1") }, []step{code,
			{at(revokeURL+"?v=2", "token=access-1&"+client), 200, spent("revoke", `revoke request: want v in the query with "1", got "2"`)}}},
		"a revocation by GET": {nil, []step{code, {message{verb: http.MethodGet, address: revokeURL, body: "token=access-1&" + client}, 200, spent("revoke", "revoke request: want the HTTP method POST, got GET")}}},
		"a header of a revocation": {nil, []step{code, {message{address: revokeURL, body: "token=access-1&" + client, change: with("X-More", "1")}, 200,
			spent("revoke", "revoke request: has a header X-More that the sources do not know")}}},
		"a revocation in json": {nil, []step{code, {message{address: revokeURL, media: text, body: "token=access-1&" + client}, 200,
			spent("encoding", `revoke request: want a body of the type application/x-www-form-urlencoded, got "application/json"`)}}},
	} {
		method := consented()
		if c.change != nil {
			c.change(&method)
		}
		server := serve(method)
		query := asks
		if method.Scopes != nil {
			query += "&scope=" + method.Scopes.Value
		}
		server.Agree(authorizeURL + "?" + query)
		for i, s := range c.steps {
			before := len(server.Complaints())
			status, _ := send(t, server, fill(s.m, "none"))
			assert.Equal(t, s.status, status, "%s: step %d", name, i)
			assert.Len(t, server.Complaints()[before:], len(s.want), "%s: step %d", name, i)
		}
		var want []string
		for _, s := range c.steps {
			want = append(want, s.want...)
		}
		only(t, server, name, want...)
	}
}

// TestTokensExpire lets a token expire by the clock, and by Expire.
func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := serve(consented())
		server.Agree(authorizeURL + "?" + asks)
		status := func(m message) int {
			got, _ := send(t, server, fill(m, "none"))
			return got
		}
		assert.Equal(t, http.StatusOK, status(message{body: exchange}))
		time.Sleep(replay.Lifetime - time.Nanosecond)
		assert.Equal(t, http.StatusOK, status(call("access-1")))
		time.Sleep(time.Nanosecond)
		assert.Equal(t, http.StatusUnauthorized, status(call("access-1")))
		assert.Equal(t, http.StatusOK, status(message{body: renewal}))
		assert.Equal(t, http.StatusOK, status(call("access-2")))
		server.Expire()
		assert.Equal(t, http.StatusUnauthorized, status(call("access-2")))
		only(t, server, "a life")
		for kind, want := range map[string]int{"token": 1, "refresh": 1, "api": 4, "test": 0, "login": 0, "revoke": 0} {
			assert.Equal(t, want, server.Count(kind), kind)
		}
	})
}

// TestWhatAMethodHas asks what the sources know.
func TestWhatAMethodHas(t *testing.T) {
	server := serve(consented())
	assert.True(t, server.Refreshes())
	assert.True(t, server.Revokes())
	server = serve(facts.Method{Type: "ApiKey"})
	assert.False(t, server.Refreshes())
	assert.False(t, server.Revokes())
	assert.Equal(t, url.Values(nil), server.Agree(authorizeURL))
}

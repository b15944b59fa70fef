package replay_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/stretchr/testify/assert"
)

const (
	tokenURL = "https://id.example.com/token"
	client   = "client_id=" + replay.ClientID + "&client_secret=" + replay.ClientSecret
	machine  = "grant_type=client_credentials&" + client
)

// TestTokenRequests sends token requests (RFC 6749 section 4.4.2) with one mistake each.
func TestTokenRequests(t *testing.T) {
	basic := with("Authorization", "Basic cmVwbGF5LWNsaWVudDpyZXBsYXktY2xpZW50LXNlY3JldA==")
	query := tokenURL + "?" + machine
	object := `{"grant_type": "client_credentials", "client_id": "replay-client", "client_secret": "replay-client-secret"}`
	noBasic := "token request: want the client's ID and secret once by HTTP Basic, got "
	for name, c := range map[string]struct {
		change func(m *facts.Method)
		m      message
		want   []string
	}{
		"as the sources say": {},
		"another grant":      {m: message{body: strings.Replace(machine, "client_credentials", "password", 1)}, want: []string{`token request: want grant_type=client_credentials, got "password"; methods.m.grant`}},
		"another secret":     {m: message{body: machine + "x"}, want: []string{`token request: want the parameter client_secret=replay-client-secret once, got "replay-client-secretx"; methods.m.client`}},
		"no client":          {m: message{body: "grant_type=client_credentials&client_secret=replay-client-secret"}, want: []string{`token request: want the parameter client_id=replay-client once, got none; methods.m.client`}},
		"one parameter more": {m: message{body: machine + "&more=1&and=2&b=3&c=4&z=5"}, want: []string{`token request: has parameters that the sources do not know: "and", "b", "c", "more", "z"; methods.m.tokenParams`}},
		"a parameter twice":  {m: message{body: machine + "&grant_type=client_credentials"}, want: []string{`token request: want the parameter grant_type once, got "client_credentials", "client_credentials"; methods.m.grant`}},
		"a query":            {m: message{address: tokenURL + "?more=1"}, want: []string{`token request: has parameters that the sources do not know: "more"; methods.m.token`}},
		"Basic too":          {m: message{change: basic}, want: []string{"token request: has a header Authorization that the sources do not know; methods.m.client"}},
		"a bearer token too": {m: message{change: with("Authorization", "Bearer x")}, want: []string{"token request: has a header Authorization that the sources do not know; methods.m.client"}},
		"another header":     {m: message{change: with("X-More", "1")}, want: []string{"token request: has a header X-More that the sources do not know; methods.m.token"}},
		"GET":                {m: message{verb: http.MethodGet}, want: []string{"token request: want the HTTP method POST, got GET; methods.m.encoding"}},
		"no form":            {m: message{body: machine + "&%"}, want: []string{"token request: the body is no form of texts; methods.m.encoding"}},
		"another media type": {m: message{media: text}, want: []string{`token request: want a body of the type application/x-www-form-urlencoded, got "application/json"; methods.m.encoding`}},

		"by Basic":                {func(m *facts.Method) { m.Client = said("basic") }, message{body: "grant_type=client_credentials", change: basic}, nil},
		"no Basic":                {func(m *facts.Method) { m.Client = said("basic") }, message{body: "grant_type=client_credentials"}, []string{noBasic + "none; methods.m.client"}},
		"Basic and a bearer":      {func(m *facts.Method) { m.Client = said("basic") }, message{body: "grant_type=client_credentials", change: func(r *http.Request) { basic(r); more("Authorization", "Bearer x")(r) }}, []string{noBasic + `"replay-client:replay-client-secret", "another scheme"; methods.m.client`}},
		"Basic and the body":      {func(m *facts.Method) { m.Client = said("basic") }, message{change: basic}, []string{`token request: has parameters that the sources do not know: "client_id", "client_secret"; methods.m.tokenParams`}},
		"a client without secret": {func(m *facts.Method) { m.Client = said("none") }, message{body: "grant_type=client_credentials&client_id=replay-client"}, nil},
		"a secret too many":       {func(m *facts.Method) { m.Client = said("none") }, message{}, []string{`token request: has parameters that the sources do not know: "client_secret"; methods.m.tokenParams`}},

		"json":             {func(m *facts.Method) { m.Encoding = said("json") }, message{media: text, body: object}, nil},
		"json in a form":   {func(m *facts.Method) { m.Encoding = said("json") }, message{body: object}, []string{`token request: want a body of the type application/json, got "application/x-www-form-urlencoded"; methods.m.encoding`}},
		"json cut":         {func(m *facts.Method) { m.Encoding = said("json") }, message{media: text, body: object[:len(object)-1]}, []string{"token request: the body is no json of texts; methods.m.encoding"}},
		"json twice":       {func(m *facts.Method) { m.Encoding = said("json") }, message{media: text, body: strings.Replace(object, "{", `{"client_id": "x", `, 1)}, []string{`token request: want the parameter client_id=replay-client once, got "x", "replay-client"; methods.m.client`}},
		"json and a query": {func(m *facts.Method) { m.Encoding = said("json") }, message{media: text, body: object, address: tokenURL + "?more=1"}, []string{`token request: has parameters that the sources do not know: "more"; methods.m.token`}},
		"get":              {func(m *facts.Method) { m.Encoding = said("get") }, message{verb: http.MethodGet, address: query, media: "none", body: "none"}, nil},
		"get by POST":      {func(m *facts.Method) { m.Encoding = said("get") }, message{address: query, body: "none"}, []string{"token request: want the HTTP method GET, got POST; methods.m.encoding"}},
		"get with a body":  {func(m *facts.Method) { m.Encoding = said("get") }, message{verb: http.MethodGet, address: query}, []string{"token request: has a body that the sources do not know; methods.m.type"}},
		"query":            {func(m *facts.Method) { m.Encoding = said("query") }, message{address: query, body: "none"}, nil},
		"query by GET":     {func(m *facts.Method) { m.Encoding = said("query") }, message{verb: http.MethodGet, address: query, body: "none"}, []string{"token request: want the HTTP method POST, got GET; methods.m.encoding"}},
		"query and a body": {func(m *facts.Method) { m.Encoding = said("query") }, message{address: query}, []string{"token request: has a body that the sources do not know; methods.m.type"}},
		"query with more":  {func(m *facts.Method) { m.Encoding = said("query") }, message{address: query + "&more=1", body: "none"}, []string{`token request: has parameters that the sources do not know: "more"; methods.m.tokenParams`}},

		"a URL with a query": {func(m *facts.Method) { m.Token = said(tokenURL + "?v=1") }, message{address: tokenURL + "?v=1"}, nil},
		"another query":      {func(m *facts.Method) { m.Token = said(tokenURL + "?v=1") }, message{address: tokenURL + "?v=2"}, []string{`token request: want v in the query with "1", got "2"; methods.m.token`}},

		"further parameters":    {func(m *facts.Method) { m.TokenParams = map[string]facts.Fact{"site": *said("{site}")} }, message{body: machine + "&site=eu"}, nil},
		"no further parameters": {func(m *facts.Method) { m.TokenParams = map[string]facts.Fact{"site": *said("{site}")} }, message{}, []string{"token request: want the parameter site=eu once, got none; methods.m.tokenParams.site"}},
		"scopes":                {func(m *facts.Method) { m.Scopes, m.Separator = said("a b c"), said(",") }, message{body: machine + "&scope=a,b,c"}, nil},
		"another separator":     {func(m *facts.Method) { m.Scopes, m.Separator = said("a b"), said(",") }, message{body: machine + "&scope=a+b"}, []string{`token request: want the parameter scope=a,b once, got "a b"; methods.m.scopes`}},
		"other names": {func(m *facts.Method) {
			m.TokenNames = map[string]facts.Fact{"client_id": *said("app"), "grant_type": *said("")}
			m.Grant = ""
		}, message{body: "app=replay-client&client_secret=replay-client-secret"}, nil},
		"the standard name": {func(m *facts.Method) { m.TokenNames = map[string]facts.Fact{"client_id": *said("app")} }, message{}, []string{
			"token request: want the parameter app=replay-client once, got none; methods.m.client", `token request: has parameters that the sources do not know: "client_id"; methods.m.tokenParams`}},
		"a password":       {func(m *facts.Method) { m.Grant = "password" }, message{body: "grant_type=password&username=ann&password=open&" + client}, nil},
		"another password": {func(m *facts.Method) { m.Grant = "password" }, message{body: "grant_type=password&username=bob&password=shut&" + client}, []string{`token request: want the parameter username=ann once, got "bob"; methods.m.grant`, `token request: want the parameter password=open once, got "shut"; methods.m.grant`}},
	} {
		method := facts.Method{Type: "OAuth2", Grant: "client_credentials", Token: said(tokenURL), Client: said("body")}
		if c.change != nil {
			c.change(&method)
		}
		server := serve(method)
		send(t, server, fill(c.m, machine))
		only(t, server, name, c.want...)
		assert.Equal(t, 1, server.Count("token"), name)
	}
}

// fill makes a message a good token request where the message says nothing else. The body
// "none" is an empty body.
func fill(m message, body string) message {
	for _, part := range []struct {
		at    *string
		usual string
	}{{&m.verb, http.MethodPost}, {&m.address, tokenURL}, {&m.media, form}, {&m.body, body}} {
		if *part.at == "" {
			*part.at = part.usual
		}
	}
	if m.body == "none" {
		m.body = ""
	}
	return m
}

// TestConstantHeadersOfTokenRequests sends a constant header of the service, which a token
// request may have.
func TestConstantHeadersOfTokenRequests(t *testing.T) {
	for value, want := range map[string][]string{"2": nil, "3": {"token request: has a header X-Version that the sources do not know; methods.m.token"}} {
		server := replay.New(&facts.Source{Headers: map[string]facts.Fact{"X-Version": *said("2")}, Methods: map[string]facts.Method{
			"m": {Type: "OAuth2", Grant: "client_credentials", Token: said(tokenURL), Client: said("body"), Carries: []facts.Carried{{In: "header", Name: "X-Key"}}},
		}}, "m", nil)
		send(t, server, fill(message{change: with("X-Version", value)}, machine))
		only(t, server, value, want...)
	}
}

// TestResponses compares the members of token responses.
func TestResponses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m *facts.Method)
		want   map[string]any
	}{
		"usual":      {func(*facts.Method) {}, map[string]any{"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600.0}},
		"token type": {func(m *facts.Method) { m.TokenType = said("bot") }, map[string]any{"access_token": "access-1", "token_type": "bot", "expires_in": 3600.0}},
		"refresh":    {func(m *facts.Method) { m.Refresh = said("") }, map[string]any{"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600.0, "refresh_token": "refresh-1"}},
		"root": {func(m *facts.Method) { m.Root = said("body") }, map[string]any{"body": map[string]any{
			"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600.0}}},
		"captures": {func(m *facts.Method) {
			m.Captures = map[string]facts.Fact{"site": *said("token where"), "key": *said("callback key")}
		}, map[string]any{"access_token": "access-1", "token_type": "Bearer", "expires_in": 3600.0, "where": "eu"}},
	} {
		method := facts.Method{Type: "OAuth2", Grant: "client_credentials", Token: said(tokenURL), Client: said("body")}
		c.change(&method)
		server := serve(method)
		status, got := send(t, server, fill(message{}, machine))
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, c.want, got, name)
		only(t, server, name)
	}
}

// TestSessions sends logins with one mistake each.
func TestSessions(t *testing.T) {
	const login, good = "https://api.example.com/login?v=1", `{"user": "ann", "password": "open"}`
	for name, c := range map[string]struct {
		m    message
		want []string
	}{
		"as the sources say":  {},
		"GET":                 {message{verb: http.MethodGet}, []string{"login request: want the HTTP method PUT, got GET; methods.m.login"}},
		"another query":       {message{address: "https://api.example.com/login?v=2"}, []string{`login request: want v in the query with "1", got "2"; methods.m.login`}},
		"a query too many":    {message{address: login + "&more=1"}, []string{`login request: has parameters that the sources do not know: "more"; methods.m.login`}},
		"a form":              {message{media: form}, []string{`login request: want a body of the type application/json, got "application/x-www-form-urlencoded"; methods.m.encoding`}},
		"an Authorization":    {message{change: with("Authorization", "Bearer x")}, []string{"login request: has a header Authorization that the sources do not know; methods.m.login"}},
		"another header":      {message{change: with("X-More", "1")}, []string{"login request: has a header X-More that the sources do not know; methods.m.login"}},
		"the token's header":  {message{change: with("X-Token", "1")}, []string{"login request: has a header X-Token that the sources do not know; methods.m.login"}},
		"another password":    {message{body: strings.Replace(good, "open", "shut", 1)}, []string{`login request: want the parameter password=open once, got "shut"; methods.m.fields.password`}},
		"no password":         {message{body: `{"user": "ann"}`}, []string{"login request: want the parameter password=open once, got none; methods.m.fields.password"}},
		"a member of its own": {message{body: strings.Replace(good, "{", `{"more": "1", `, 1)}, []string{`login request: has parameters that the sources do not know: "more"; methods.m.fields`}},
	} {
		server := serve(facts.Method{Type: "Session", Login: said("PUT " + login), TokenPath: said("/data/token"),
			Fields: map[string]string{"user": "{username}", "password": "{password}"}, Carries: []facts.Carried{{In: "header", Name: "X-Token", Fact: *said("{token}")}}})
		m := c.m
		if m.verb == "" {
			m.verb = http.MethodPut
		}
		if m.address == "" {
			m.address = login
		}
		if m.media == "" {
			m.media = text
		}
		status, got := send(t, server, fill(m, good))
		assert.Equal(t, http.StatusOK, status, name)
		assert.Equal(t, map[string]any{"data": map[string]any{"token": "access-1"}}, got, name)
		only(t, server, name, c.want...)
		assert.Equal(t, 1, server.Count("login"), name)
		status, _ = send(t, server, message{verb: http.MethodGet, address: "https://api.example.com" + replay.CallPath, change: with("X-Token", "access-1")})
		assert.Equal(t, http.StatusOK, status, name)
		server.Expire()
		status, _ = send(t, server, message{verb: http.MethodGet, address: "https://api.example.com" + replay.CallPath, change: with("X-Token", "access-1")})
		assert.Equal(t, http.StatusUnauthorized, status, name)
		only(t, server, name, c.want...)
	}
}

// values returns a form after a change, where "" removes a parameter.
func values(good string, pairs ...string) string {
	q, _ := url.ParseQuery(good)
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	return q.Encode()
}

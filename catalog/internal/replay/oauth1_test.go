package replay_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/connectorauth/connectorauth/catalog/internal/facts"
	"github.com/connectorauth/connectorauth/catalog/internal/replay"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBaseStrings compares base strings with published vectors.
func TestBaseStrings(t *testing.T) {
	for name, c := range map[string]struct {
		method, address, params, want string
	}{
		"RFC 5849 section 3.4.1.1": {"POST", "http://example.com/request",
			"b5=%3D%253D&a3=a&c%40=&a2=r%20b&c2&a3=2+q&oauth_consumer_key=9djdj82h48djs9d2&oauth_token=kkk9d7dh3k39sjv7&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&oauth_nonce=7d8f3e4a",
			"POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"},
		"an escaped path":  {"GET", "http://example.com/r%20v/X", "id=123", "GET&http%3A%2F%2Fexample.com%2Fr%2520v%2FX&id%3D123"},
		"a port":           {"GET", "https://www.example.net:8080/", "q=1", "GET&https%3A%2F%2Fwww.example.net%3A8080%2F&q%3D1"},
		"no value":         {"GET", "http://e/", "name", "GET&http%3A%2F%2Fe%2F&name%3D"},
		"order of values":  {"GET", "http://e/", "a=x!y&a=x+y", "GET&http%3A%2F%2Fe%2F&a%3Dx%2520y%26a%3Dx%2521y"},
		"order of names":   {"GET", "http://e/", "x!y=a&x=a", "GET&http%3A%2F%2Fe%2F&x%3Da%26x%2521y%3Da"},
		"percent-encoding": {"GET", "http://e/", url.Values{"a": {"abcABC123-._~%+&=*\n \u007f\u0080\u3001"}}.Encode(), "GET&http%3A%2F%2Fe%2F&a%3DabcABC123-._~%2525%252B%2526%253D%252A%250A%2520%257F%25C2%2580%25E3%2580%2581"},
	} {
		u, err := url.Parse(c.address)
		require.NoError(t, err, name)
		params, err := url.ParseQuery(c.params)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, replay.BaseString(c.method, u, params), name)
	}
}

// TestSignatures compares signatures with published vectors.
func TestSignatures(t *testing.T) {
	const (
		photos = "file=vacation.jpg&size=original&oauth_consumer_key=dpf43f3p2l4k3l03&oauth_nonce=kllo9940pd9333jh&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1191242096&oauth_token=nnch734d00sl2jdk&oauth_version=1.0"
		status = "include_entities=true&oauth_consumer_key=xvz1evFS4wEEPTGEFPHBog&oauth_nonce=kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1318622958&oauth_token=370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb&oauth_version=1.0&status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21"
		update = "/1.1/statuses/update.json"
		secret = "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"
		token  = "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"
	)
	for name, c := range map[string]struct {
		method, address, params, client, token, want string
	}{
		"OAuth Core 1.0a A.5": {"GET", "http://photos.example.net/photos", photos, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00", "tR3+Ty81lMeYAr/Fid0kMTYa/WM="},
		"Twitter":             {"POST", "https://api.twitter.com" + update, status, secret, token, "hCtSmYh+iHYCEqBWrE7C7hYmtUk="},
		"X":                   {"POST", "https://api.x.com" + update, status, secret, token, "Ls93hJiZbQ3akF3HF3x1Bz8/zU4="},
		"spaces in a secret": {"POST", "http://example.com/request", "b5=%3D%253D&a3=a&c%40=&a2=r%20b&c2&a3=2+q&oauth_consumer_key=9djdj82h48djs9d2&oauth_token=kkk9d7dh3k39sjv7&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&oauth_nonce=7d8f3e4a",
			"ECrDNoq1VYzzzzzzzzzyAK7TwZNtPnkqatqZZZZ", "just-a-string    asdasd", "wsdNmjGB7lvis0UJuPAmjvX/PXw="},
	} {
		u, err := url.Parse(c.address)
		require.NoError(t, err, name)
		params, err := url.ParseQuery(c.params)
		require.NoError(t, err, name)
		assert.Equal(t, c.want, replay.Signature(c.method, u, params, c.client, c.token), name)
	}
}

// signed is a method with OAuth 1.0a.
func signed() facts.Method {
	return facts.Method{Type: "OAuth1", Temporary: said("https://id.example.com/temporary"), Token: said(tokenURL), Authorize: said(authorizeURL + "?v=1")}
}

// A signing is a header Authorization: the parameters, and the secret of the token.
type signing struct {
	secret string
	params url.Values
	late   url.Values // come after the signature
	write  func(header string) string
}

// sign signs a message.
func (s signing) sign(t *testing.T, m message, nonce string) message {
	t.Helper()
	params := url.Values{"oauth_consumer_key": {replay.ClientID}, "oauth_signature_method": {"HMAC-SHA1"},
		"oauth_timestamp": {strconv.FormatInt(time.Now().Unix(), 10)}, "oauth_nonce": {nonce}}
	for name, list := range s.params {
		if params[name] = list; list == nil {
			params.Del(name)
		}
	}
	u, err := url.Parse(m.address)
	require.NoError(t, err)
	all := u.Query()
	for name, list := range params {
		all[name] = append(all[name], list...)
	}
	params.Set("oauth_signature", replay.Signature(m.verb, u, all, replay.ClientSecret, s.secret))
	for name, list := range s.late {
		params[name] = list
	}
	header := "OAuth " + strings.NewReplacer("&", `", `, "=", `="`, "+", "%20").Replace(params.Encode()) + `"`
	if s.write != nil {
		header = s.write(header)
	}
	change := m.change
	m.change = func(r *http.Request) {
		r.Header.Set("Authorization", header)
		if change != nil {
			change(r)
		}
	}
	return m
}

// granted is the request for token credentials.
func granted(params url.Values) signing {
	all := url.Values{"oauth_token": {"temporary-1"}, "oauth_verifier": {"verifier-1"}}
	for name, list := range params {
		all[name] = list
	}
	return signing{secret: "temporary-secret-1", params: all}
}

// TestOAuth1 leads through the three steps of RFC 5849 section 2 and a request to the API,
// with one mistake each.
func TestOAuth1(t *testing.T) {
	temporary := message{verb: http.MethodPost, address: "https://id.example.com/temporary"}
	exchange := message{verb: http.MethodPost, address: tokenURL}
	api := message{verb: http.MethodGet, address: "https://api.example.com" + replay.CallPath}
	first := func(params url.Values) signing {
		all := url.Values{"oauth_callback": {replay.Callback}}
		for name, list := range params {
			all[name] = list
		}
		return signing{params: all}
	}
	last := func(params url.Values) signing {
		all := url.Values{"oauth_token": {"access-1"}}
		for name, list := range params {
			all[name] = list
		}
		return signing{secret: "token-secret-1", params: all}
	}
	type life struct {
		temporary, exchange, api message
		first, second, third     signing
		agree                    string
	}
	param := func(kind, name, value, got string) []string {
		return []string{kind + " request: want the parameter " + name + "=" + value + " once, got " + got + "; methods.m.type"}
	}
	for name, c := range map[string]struct {
		change func(l *life)
		want   []string
	}{
		"as the sources say": {func(*life) {}, nil},
		"a version":          {func(l *life) { l.third = last(url.Values{"oauth_version": {"1.0"}}) }, nil},
		"a small scheme": {func(l *life) {
			l.third.write = func(h string) string { return strings.Replace(h, "OAuth ", "oauth ", 1) }
		}, nil},
		"another version":    {func(l *life) { l.third = last(url.Values{"oauth_version": {"2.0"}}) }, param("api", "oauth_version", "1.0", `"2.0"`)},
		"another callback":   {func(l *life) { l.first = first(url.Values{"oauth_callback": {"oob"}}) }, param("temporary", "oauth_callback", replay.Callback, `"oob"`)},
		"a token too early":  {func(l *life) { l.first = first(url.Values{"oauth_token": {"x"}}) }, []string{`temporary request: has parameters that the sources do not know: "oauth_token"; methods.m.type`}},
		"another client":     {func(l *life) { l.third = last(url.Values{"oauth_consumer_key": {"x"}}) }, param("api", "oauth_consumer_key", replay.ClientID, `"x"`)},
		"another method":     {func(l *life) { l.third = last(url.Values{"oauth_signature_method": {"PLAINTEXT"}}) }, param("api", "oauth_signature_method", "HMAC-SHA1", `"PLAINTEXT"`)},
		"another token":      {func(l *life) { l.third = last(url.Values{"oauth_token": {"temporary-1"}}) }, param("api", "oauth_token", "access-1", `"temporary-1"`)},
		"another verifier":   {func(l *life) { l.second = granted(url.Values{"oauth_verifier": {"x"}}) }, param("token", "oauth_verifier", "verifier-1", `"x"`)},
		"a token twice":      {func(l *life) { l.third = last(url.Values{"oauth_token": {"access-1", "access-1"}}) }, param("api", "oauth_token", "access-1", `"access-1", "access-1"`)},
		"one parameter more": {func(l *life) { l.third = last(url.Values{"oauth_more": {"1"}}) }, []string{`api request: has parameters that the sources do not know: "oauth_more"; methods.m.type`}},
		"no nonce":           {func(l *life) { l.third = last(url.Values{"oauth_nonce": nil}) }, []string{`api request: want the parameter oauth_nonce once, got none; methods.m.type`}},
		"a nonce twice":      {func(l *life) { l.third = last(url.Values{"oauth_nonce": {"nonce-2"}}) }, []string{`api request: the nonce has come before; methods.m.type`}},
		"a nonce at other times": {func(l *life) {
			l.third = last(url.Values{"oauth_nonce": {"nonce-2"}, "oauth_timestamp": {"946684801"}})
		}, nil},
		"no timestamp": {func(l *life) { l.third = last(url.Values{"oauth_timestamp": nil}) }, []string{`api request: want the parameter oauth_timestamp once, got none; methods.m.type`,
			`api request: the timestamp "" is not the time in seconds; methods.m.type`}},
		"5 minutes ago":        {func(l *life) { l.third = last(url.Values{"oauth_timestamp": {"946684500"}}) }, nil},
		"over 5 minutes ago":   {func(l *life) { l.third = last(url.Values{"oauth_timestamp": {"946684499"}}) }, []string{`api request: the timestamp "946684499" is not the time in seconds; methods.m.type`}},
		"over 5 minutes ahead": {func(l *life) { l.third = last(url.Values{"oauth_timestamp": {"946685101"}}) }, []string{`api request: the timestamp "946685101" is not the time in seconds; methods.m.type`}},
		"a date":               {func(l *life) { l.third = last(url.Values{"oauth_timestamp": {"2000-01-01"}}) }, []string{`api request: the timestamp "2000-01-01" is not the time in seconds; methods.m.type`}},
		"another signature":    {func(l *life) { l.third.late = url.Values{"oauth_signature": {"x"}} }, []string{"signature"}},
		"another secret":       {func(l *life) { l.third.secret = "x" }, []string{"signature"}},
		"a secret too early":   {func(l *life) { l.second.secret = "" }, []string{"signature"}},
		"no scheme":            {func(l *life) { l.third.write = func(h string) string { return "Token " + h[len("OAuth "):] } }, []string{`api request: want one header Authorization that begins with OAuth, got 1 headers and "Token"; methods.m.type`}},
		"no quotes": {func(l *life) {
			l.third.write = func(h string) string { return strings.Replace(h, `"nonce-3"`, `nonce-3`, 1) }
		}, []string{"api request: want the parameter oauth_nonce percent-encoded in quotes; methods.m.type"}},
		"no encoding": {func(l *life) {
			l.first.write = func(h string) string { return strings.Replace(h, "https%3A%2F%2F", "https://", 1) }
		}, []string{"temporary request: want the parameter oauth_callback percent-encoded in quotes; methods.m.type"}},
		"two headers":            {func(l *life) { l.api.change = more("Authorization", `OAuth oauth_more="1"`) }, []string{`api request: want one header Authorization that begins with OAuth, got 2 headers and "OAuth"; methods.m.type`, `api request: has parameters that the sources do not know: "OAuth oauth_more"; methods.m.type`, "signature"}},
		"temporary by GET":       {func(l *life) { l.temporary.verb = http.MethodGet }, []string{"temporary request: want the HTTP method POST, got GET; methods.m.temporary"}},
		"temporary and a query":  {func(l *life) { l.temporary.address += "?more=1" }, []string{`temporary request: has parameters that the sources do not know: "more"; methods.m.temporary`}},
		"temporary with a body":  {func(l *life) { l.temporary.body = "more" }, []string{"temporary request: has a body that the sources do not know; methods.m.type"}},
		"temporary and a header": {func(l *life) { l.temporary.change = more("X-More", "1") }, []string{"temporary request: has a header X-More that the sources do not know; methods.m.temporary"}},
		"token by GET":           {func(l *life) { l.exchange.verb = http.MethodGet }, []string{"token request: want the HTTP method POST, got GET; methods.m.token"}},
		"token and a query":      {func(l *life) { l.exchange.address += "?more=1" }, []string{`token request: has parameters that the sources do not know: "more"; methods.m.token`}},
		"api and a query":        {func(l *life) { l.api.address += "?more=1" }, []string{`api request: has parameters that the sources do not know: "more"; methods.m.carries`}},
		"consent for another":    {func(l *life) { l.agree = "?v=1&oauth_token=x" }, []string{`authorize request: want the parameter oauth_token=temporary-1 once, got "x"; methods.m.temporary`}},
		"consent and more":       {func(l *life) { l.agree += "&more=1" }, []string{`authorize request: has parameters that the sources do not know: "more"; methods.m.authorizeParams`}},
		"consent, other query":   {func(l *life) { l.agree = "?v=2&oauth_token=temporary-1" }, []string{`authorize request: want v in the query with "1", got "2"; methods.m.authorize`}},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := life{temporary: temporary, exchange: exchange, api: api, first: first(nil), second: granted(nil), third: last(nil), agree: "?v=1&oauth_token=temporary-1"}
			c.change(&l)
			server := serve(signed())
			send(t, server, l.first.sign(t, l.temporary, "nonce-1"))
			callback := server.Agree(authorizeURL + l.agree)
			assert.Equal(t, url.Values{"oauth_token": {"temporary-1"}, "oauth_verifier": {"verifier-1"}}, callback, name)
			send(t, server, l.second.sign(t, l.exchange, "nonce-2"))
			status, _ := send(t, server, l.third.sign(t, l.api, "nonce-3"))
			assert.Equal(t, http.StatusOK, status, name)
			for kind, want := range map[string]int{"temporary": 1, "token": 1, "api": 1} {
				assert.Equal(t, want, server.Count(kind), "%s: %s", name, kind)
			}
			if len(c.want) > 0 && c.want[len(c.want)-1] == "signature" {
				got := server.Complaints()
				require.Len(t, got, len(c.want), name)
				assert.Contains(t, strings.Join(got, "\n"), "want the parameter oauth_signature=", name)
				return
			}
			only(t, server, name, c.want...)
		})
	}
}

// TestOAuth1WithoutAConsent makes requests before their time, and twice.
func TestOAuth1WithoutAConsent(t *testing.T) {
	server := serve(signed())
	assert.Equal(t, url.Values{"oauth_token": {""}, "oauth_verifier": {"verifier-1"}}, server.Agree(authorizeURL+"?v=1&oauth_token="))
	only(t, server, "an empty temporary token", `authorize request: want the parameter oauth_token= once, got ""; methods.m.temporary`)

	server = serve(signed())
	exchange := message{verb: http.MethodPost, address: tokenURL}
	send(t, server, signing{params: url.Values{"oauth_token": {""}, "oauth_verifier": {""}}}.sign(t, exchange, "nonce-1"))
	only(t, server, "no consent", `token request: want the parameter oauth_token= once, got ""; methods.m.type`, `token request: want the parameter oauth_verifier= once, got ""; methods.m.type`)

	server = serve(signed())
	send(t, server, signing{params: url.Values{"oauth_callback": {replay.Callback}}}.sign(t, message{verb: http.MethodPost, address: "https://id.example.com/temporary"}, "nonce-1"))
	server.Agree(authorizeURL + "?v=1&oauth_token=temporary-1")
	send(t, server, granted(nil).sign(t, exchange, "nonce-2"))
	only(t, server, "a consent")
	send(t, server, granted(nil).sign(t, exchange, "nonce-3"))
	assert.Len(t, server.Complaints(), 3, "a verifier twice: signature, token and verifier")
}

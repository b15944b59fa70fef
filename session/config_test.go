package session_test

import (
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const loginURL = "https://login.example.test/session"

// one is a login by one request, whose response is a token.
func one(edit func(*session.Request)) session.Config {
	r := session.Request{URL: loginURL, Capture: map[string]string{"token": "token"}}
	edit(&r)
	return session.Config{
		Login:  []session.Request{r},
		Values: map[string]connectorauth.Secret{"user": "alice", "password": "pass", "value": "v"},
	}
}

func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	_, err := session.New(session.Config{
		Login: []session.Request{
			{
				Method: "G T", URL: "http://login.example.test/{nobody}", Header: map[string]string{"Host": "x", "a b": "y", "X-A": "{usr}", "x-a": "{"},
				Form: map[string]string{"a": "}"}, JSON: func() {}, XML: "<a>{user}", Capture: map[string]string{"a-b": "x", "user": "y", "empty": "a..b", "tilde": "/a~2", "header": "header:a b", "cookies": "header:set-cookie"},
			},
			{Method: "GET", URL: "https://{user}.example.test/", Form: map[string]string{}, Capture: map[string]string{"token": "cookie:"}},
		},
		Renew:      &session.Request{URL: loginURL, Capture: map[string]string{"tokn": "x"}},
		Logout:     &session.Request{URL: "", Capture: map[string]string{"a": "b"}},
		Values:     map[string]connectorauth.Secret{"user": "a\nb", "b c": ""},
		Places:     []session.Place{{Value: "{tokne}"}, {Placement: dialect.Placement{In: dialect.InBody, Name: "x"}}},
		Lifetime:   session.Lifetime{Expiry: "nothing", JWT: "tokeen", Format: "weeks", Fixed: -1, Idle: -1},
		Refusals:   []dialect.Rejection{{}},
		Rejections: []dialect.Rejection{{Status: 401}},
		Store:      new(tokenstore.Memory), Hosts: []string{"*"}, RenewBefore: -1,
	})
	require.Error(t, err)
	for _, want := range []string{
		"session.Config: ", `Login[0]: Method: `, "Login[0]: URL: plain http", "Login[0]: URL: there is no value for {nobody}", `Login[0]: Header: "Host"`, `Login[0]: Header: "a b"`,
		"Login[0]: Header: X-A: there is no value for {usr} at that time; did you mean user?", "Login[0]: Header: x-a: the template is wrong at byte 0", "Login[0]: Header: X-A is there twice",
		`Login[0]: Form: "a": the template is wrong at byte 0: a } stands alone`, "Login[0]: JSON: cannot be written", "Login[0]: XML: is no XML document", "Login[0]: Form, JSON, XML: are the body",
		`Login[0]: Capture: "a-b" is no name`, "Login[0]: Capture: user is the name of another value", "Login[0]: Capture: empty: a step", "Login[0]: Capture: tilde: a ~", `Login[0]: Capture: header: "a b"`, "Login[0]: Capture: cookies: write cookie:",
		"Login[1]: URL: has a value in its scheme, host or port", "Login[1]: Method: a GET has no body", `Login[1]: Capture: token: "" is not the name of a cookie`,
		"Renew: Capture: tokn is the capture of no login request; did you mean token?", "Logout: URL: want an absolute URL", "Logout: Capture: is of no use",
		"Values: user: has a control", `Values: "b c" is no name`, "Places[0]: Value: there is no value for {tokne}", "Places[1]: In: ",
		"Lifetime: Expiry, JWT: exclude", "Lifetime: Expiry: nothing is", "Lifetime: JWT: tokeen is the capture of no login request; did you mean token?", "Lifetime: Format: unknown", "Lifetime: Fixed, Idle: are negative",
		"Refusals[0]: is empty", "Rejections[0]: Status:", "Account: is empty", "Hosts: ", "RenewBefore: is negative",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), "\nb")
	_, err = session.New(session.Config{})
	assert.ErrorContains(t, err, "Login: is empty")
	_, err = session.New(one(func(r *session.Request) { r.Capture = nil }))
	assert.ErrorContains(t, err, "Login: captures nothing")
	_, err = session.New(one(func(r *session.Request) { r.Capture = map[string]string{"id": "id"} }))
	assert.ErrorContains(t, err, "Places[0]: Value: there is no value for {token}")
}

// A token after Bearer has no space (RFC 6750 section 2.1), so a value with a space has a
// scheme of its own.
func TestSchemeAfterBearerIsRefused(t *testing.T) {
	with := func(place session.Place) error {
		config := one(func(*session.Request) {})
		config.Places = []session.Place{place}
		_, err := session.New(config)
		return err
	}
	value := "Basic {base64({user}:{token})}"
	assert.ErrorContains(t, with(session.Place{Value: value}), "Places[0]: Value: has a space after Bearer; ")
	assert.NoError(t, with(session.Place{Placement: dialect.Placement{Name: "Authorization"}, Value: value}))
	assert.NoError(t, with(session.Place{Value: "{base64({user} {token})}"}))
}

func TestMistakesInJSONNameTheMember(t *testing.T) {
	_, err := session.New(one(func(r *session.Request) {
		r.Form, r.XML = nil, ""
		r.JSON = map[string]any{"auth": map[string]any{"list": []any{1, "{user"}}, "name": "{us er}"}
	}))
	assert.ErrorContains(t, err, `Login[0]: JSON: "auth.list.1": the template is wrong at byte 0`)
	assert.ErrorContains(t, err, `Login[0]: JSON: "name": the template is wrong at byte 0`)
}

func TestEveryNameInJSONIsKnown(t *testing.T) {
	_, err := session.New(one(func(r *session.Request) {
		r.Form, r.XML = nil, ""
		r.JSON = map[string]any{"a": "{user}", "b": []any{"{nobody}", "{user} {noone}"}}
	}))
	assert.ErrorContains(t, err, "there is no value for {nobody}")
	assert.ErrorContains(t, err, "there is no value for {noone}")
}

func TestTemplatesThatAreRefused(t *testing.T) {
	for _, template := range []string{
		"{", "}", "{}", "{ user}", "{user", "{user }", "{us-er}", "{upper({user})}", "{base64({user}", "{base64({user)}", "{base64}", strings.Repeat("{lower(", 9) + strings.Repeat(")}", 9),
	} {
		_, err := session.New(one(func(r *session.Request) { r.Header = map[string]string{"X-A": template} }))
		assert.ErrorContains(t, err, "Header: X-A: ", template)
	}
	for _, document := range []string{
		"<a", "<a>{user}</b>", "<{user}/>", "<a {user}/>", "<a b={user}/>", "<a b{user}='x'/>", "<!-- {user} --><a/>", "<a><![CDATA[{user}]]></a>", "<!DOCTYPE a><a/>", "<a><?p {user}?></a>",
		`<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "{user}", " ",
	} {
		_, err := session.New(one(func(r *session.Request) { r.XML = document }))
		assert.ErrorContains(t, err, "XML: ", document)
	}
	for _, u := range []string{
		"https://{user}/", "https://a.example.test{user}/", "https://a.example.test:{user}/", "{user}", "{user}://a.example.test/", "https://{user}@a.example.test/", "https://a.example.test/#{user}", "https://u:{user}@a.example.test/x",
		"https://a.example.test{user}", "https://a.example.test\\{user}/", "//a.example.test/{user}", "https://a.example.test/a/../{user}", "https://a.example.test/%2e/x",
	} {
		_, err := session.New(one(func(r *session.Request) { r.URL = u }))
		assert.ErrorContains(t, err, "Login[0]: URL: ", u)
	}
}

// sent returns the login request of a config whose login has the value v.
func sent(t *testing.T, v string, edit func(*session.Request)) (fakehttp.Request, error) {
	t.Helper()
	base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, `{"token":"t"}`), nil }}
	config := one(edit)
	config.Values["value"] = connectorauth.Secret(v)
	config.HTTPClient = client(base)
	c, err := session.New(config)
	require.NoError(t, err)
	err = c.Renew(t.Context())
	if len(base.Requests()) == 0 {
		require.Error(t, err)
		return fakehttp.Request{}, err
	}
	return base.Requests()[0], err
}

func TestValuesAreSpelledAsTheirPlaceNeeds(t *testing.T) {
	const v = `a/b ?&=#%+"<é>'\` + "{user}"
	got, err := sent(t, v, func(r *session.Request) {
		r.URL = loginURL + "/x{value}/y?a=1&b={value}&c={url({value})}"
		r.Header = map[string]string{"X-V": "v {value} {{}}"}
		r.JSON = map[string]any{
			"text": "{value}!", "number": 12345678901234567, "fraction": 1.50, "yes": true, "nothing": nil, "list": []any{1, "{lower({user})}", map[string]string{"deep": "{value}"}}, "{value}": "{{name}}",
		}
	})
	require.NoError(t, err)
	assert.Equal(t, http.MethodPost, got.Method)
	assert.Equal(t, "/session/x"+v+"/y", got.URL.Path)
	assert.Equal(t, v, got.URL.Query().Get("b"))
	assert.Equal(t, "1", got.URL.Query().Get("a"))
	assert.Contains(t, got.URL.Query().Get("c"), "%2Fb%20%3F%26")
	assert.Equal(t, "v "+v+" {}", got.Header.Get("X-V"))
	assert.Equal(t, "application/json", got.Header.Get("Content-Type"))
	assert.JSONEq(t, `{"text":"a/b ?&=#%+\"<é>'\\{user}!","number":12345678901234567,"fraction":1.5,"yes":true,"nothing":null,"list":[1,"alice",{"deep":"a/b ?&=#%+\"<é>'\\{user}"}],"{value}":"{name}"}`, got.Body)
	assert.Contains(t, got.Body, "12345678901234567")

	got, err = sent(t, v, func(r *session.Request) { r.Form = map[string]string{"a b": "{value}", "c": "x=1&y"} })
	require.NoError(t, err)
	assert.Equal(t, map[string][]string{"a b": {v}, "c": {"x=1&y"}}, map[string][]string(formOf(t, got.Body)))

	got, err = sent(t, v, func(r *session.Request) {
		r.XML = `<?xml version="1.0" encoding="utf-8"?><a b="{value}" c='{value}'>{value}</a>`
		r.Header = map[string]string{"content-type": "application/soap+xml"}
	})
	require.NoError(t, err)
	assert.Equal(t, "application/soap+xml", got.Header.Get("Content-Type"))
	b, c, text := parsedXML(t, got.Body)
	assert.Equal(t, []string{v, v, v}, []string{b, c, text})
}

// A value of the account owner, or of a response, leads to no other place.
func TestValuesDoNotLeadElsewhere(t *testing.T) {
	for _, v := range []string{"", ".", "..", "../x", "x/../y", "..\\x"} {
		_, err := sent(t, v, func(r *session.Request) { r.URL = "https://login.example.test/a/{value}/b" })
		assert.ErrorContains(t, err, "a value would change what the URL leads to", v)
	}
	for _, v := range []string{"/x", "//evil.example.test", "@evil.example.test", "\\evil", "%2e%2e", "%2F..", "x#y", "?z=1", "...", ":80", ";a"} {
		got, err := sent(t, v, func(r *session.Request) { r.URL = "https://login.example.test/a/{value}/b?c={value}" })
		require.NoError(t, err, v)
		assert.Equal(t, "login.example.test", got.URL.Host)
		assert.Equal(t, "/a/"+v+"/b", got.URL.Path)
		assert.Equal(t, 4, len(strings.Split(got.URL.EscapedPath(), "/")))
		assert.Equal(t, map[string][]string{"c": {v}}, map[string][]string(got.URL.Query()))
	}
	for _, v := range []string{" x", "x "} {
		_, err := sent(t, v, func(r *session.Request) { r.Header = map[string]string{"X-A": "{value}"} })
		assert.ErrorContains(t, err, "a value cannot stand in the header X-A")
	}
}

// What a hostile response to the first request says may not move the second request.
func TestCapturedValuesDoNotLeadElsewhere(t *testing.T) {
	for _, ticket := range []string{"..", "../../evil", "@evil.example.test/", "\\r\\nX-Evil: 1", "//evil.example.test/", "a?b#c", "\\u0000"} {
		var seen []*http.Request
		c := must(session.New(session.Config{
			Login: []session.Request{
				{URL: loginURL, Capture: map[string]string{"ticket": "ticket"}},
				{URL: loginURL + "/two/{ticket}/x", Header: map[string]string{"X-Ticket": "{ticket}"}, Capture: map[string]string{"token": "token"}},
			},
			HTTPClient: client(fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
				seen = append(seen, req)
				return fakehttp.Respond(200, `{"ticket":"`+ticket+`","token":"t"}`), nil
			})),
		}))
		c.Renew(t.Context())
		for _, req := range seen {
			assert.Equal(t, "login.example.test", req.URL.Host)
			assert.True(t, strings.HasPrefix(req.URL.EscapedPath(), "/session"), req.URL)
			assert.NotContains(t, req.Header, "X-Evil")
			assert.Len(t, strings.Split(req.URL.EscapedPath(), "/")[1:], map[bool]int{true: 1, false: 4}[req == seen[0]])
		}
	}
}

func TestConfigMayChangeAfterNew(t *testing.T) {
	base := &fakehttp.Base{Answer: func(*http.Request) (*http.Response, error) { return fakehttp.Respond(200, `{"token":"t"}`), nil }}
	members := map[string]any{"a": "{user}"}
	config := one(func(r *session.Request) { r.JSON = members })
	config.HTTPClient = client(base)
	c := must(session.New(config))
	members["a"], config.Values["user"], config.Login[0].URL = "changed", "changed", "changed"
	clear(config.Login[0].Capture)
	require.NoError(t, c.Renew(t.Context()))
	assert.Equal(t, `{"a":"alice"}`, base.Requests()[0].Body)
}

func TestTextsAndNumbersThatAreNone(t *testing.T) {
	_, err := session.New(one(func(r *session.Request) { r.JSON = math.NaN() }))
	assert.ErrorContains(t, err, "JSON: cannot be written")
	_, err = session.New(one(func(r *session.Request) { r.JSON = []string{"\xe6"} }))
	assert.ErrorContains(t, err, "JSON: has a text that is not valid UTF-8")
	_, err = session.New(one(func(r *session.Request) { r.Form = map[string]string{"a": "\xe6"} }))
	assert.ErrorContains(t, err, `Form: "a": is not valid UTF-8`)
	_, err = session.New(one(func(r *session.Request) { r.JSON = (*int)(nil) }))
	assert.ErrorContains(t, err, "JSON: is null")
}

func TestLifetimeListsItsMistakesInTheOrderOfTheFields(t *testing.T) {
	for range 30 {
		_, err := session.New(session.Config{Lifetime: session.Lifetime{Expiry: "expiry", JWT: "jwt"}})
		require.ErrorContains(t, err, "Lifetime")
		require.Regexp(t, `(?s)Lifetime: Expiry: .*Lifetime: JWT: `, err.Error())
	}
}

func TestLoginsListTheirMistakesInOneOrder(t *testing.T) {
	login := session.Request{URL: "https://api.example.com/login", Form: map[string]string{"a": "{", "b": "{"}, Capture: map[string]string{"user": "a", "word": "b"}}
	values := map[string]connectorauth.Secret{"user": "u", "word": "w"}
	for range 30 {
		_, err := session.New(session.Config{Values: values, Login: []session.Request{login}})
		require.ErrorContains(t, err, "Capture")
		require.Regexp(t, `(?s)Form: "a".*Form: "b".*Capture: user.*Capture: word`, err.Error())
	}
}

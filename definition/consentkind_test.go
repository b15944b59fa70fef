package definition_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// found is a Consent whose connector is there once the consent is finished.
type found struct {
	connector *connectorauth.OAuth2
	finished  bool
}

func (f *found) Begin(context.Context, string) (string, connectorauth.Secret, error) {
	return "https://login.example.com", "p", nil
}

func (f *found) Finish(context.Context, connectorauth.Secret, url.Values) error {
	f.finished = true
	return nil
}

func (*found) ConsentLifetime() time.Duration { return time.Hour }

func (f *found) Connector(context.Context) (*connectorauth.OAuth2, error) {
	if !f.finished {
		return nil, connectorauth.ErrNotConnected
	}
	return f.connector, nil
}

func (f *found) Forget(context.Context) error { f.finished = false; return nil }

// finder is a kind whose connector a consent finds, and which makes the test.
func finder() definition.Kind {
	return definition.Kind{
		Name: "Found", Members: []definition.Member{{Name: "at", Required: true}},
		Consent: func(texts map[string]connectorauth.Secret, hosts []string, c definition.Connection) (definition.Consent, error) {
			switch texts["at"] {
			case "nowhere":
				return nil, errors.New("found: at: is nowhere")
			case "nobody":
				return nil, nil
			}
			connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "id", ClientSecret: "s", TokenURL: "https://login.example.com/token", Hosts: hosts,
				Grant: connectorauth.ClientCredentials{}, HTTPClient: c.HTTPClient,
			})
			return &found{connector: connector}, err
		},
		Check: func(ctx context.Context, texts map[string]connectorauth.Secret, send func(*http.Request) (*http.Response, error)) (definition.Identity, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.example.com/test", strings.NewReader("?"))
			if err != nil {
				return definition.Identity{}, err
			}
			resp, err := send(req)
			if err != nil {
				return definition.Identity{}, err
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if len(body) == 0 {
				return definition.Identity{}, &definition.CheckError{Reason: definition.ReasonNotJSON}
			}
			return definition.Identity{ID: string(body), Label: string(texts["at"]) + " " + string(body)}, err
		},
	}
}

const foundDocument = `{"connectorauth": 1, "name": "acme", "title": "Acme", "baseUrl": "https://api.example.com", "headers": {"X-Constant": "c"},
	"inputs": [{"name": "place", "title": "Place"}], "methods": [{"name": "a", "type": "Found", "at": "{place}"}]}`

func TestKindWhoseConsentFindsTheConnector(t *testing.T) {
	options := definition.Options{Kinds: []definition.Kind{finder()}}
	d, err := definition.Parse("acme.json", []byte(foundDocument), options)
	require.NoError(t, err)
	var answer string
	var sent []*http.Request
	status := http.StatusOK
	client := &http.Client{Transport: fakehttp.RoundTripper(func(req *http.Request) (*http.Response, error) {
		body := answer
		if req.URL.Host == "login.example.com" {
			body = `{"access_token": "the-access-token", "token_type": "Bearer"}`
		} else {
			sent = append(sent, req)
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
	})}
	c, err := d.Connect(definition.Connection{Values: values{"place": "here"}, HTTPClient: client})
	require.NoError(t, err)
	require.NotNil(t, c.Consent())
	assert.True(t, d.Methods[0].Scheme.(*definition.Foreign).Consents())
	_, err = connectorauth.NewClient(c.Connector(), client).Get("https://api.example.com/x")
	require.ErrorIs(t, err, connectorauth.ErrNotConnected)
	_, err = c.Open(t.Context())
	require.ErrorIs(t, err, connectorauth.ErrNotConnected)
	_, err = c.Check(t.Context(), client)
	require.ErrorIs(t, err, connectorauth.ErrReauthRequired)
	assert.Empty(t, sent, "nothing was sent")

	require.NoError(t, c.Consent().Finish(t.Context(), "p", nil))
	opened, err := c.Open(t.Context())
	require.NoError(t, err)
	assert.IsType(t, &connectorauth.OAuth2{}, opened.Credential())
	assert.Equal(t, "acme", opened.Definition())
	answer = "user-1"
	id, err := opened.Check(t.Context(), client)
	require.NoError(t, err)
	assert.Equal(t, definition.Identity{ID: "user-1", Label: "here user-1"}, id)
	require.Len(t, sent, 1)
	assert.Equal(t, "Bearer the-access-token", sent[0].Header.Get("Authorization"))
	assert.Equal(t, "c", sent[0].Header.Get("X-Constant"))
	_, err = connectorauth.NewClient(opened.Connector(), client).Get("https://other.example.com")
	assert.ErrorIs(t, err, connectorauth.ErrHostNotAllowed)

	var failed *definition.CheckError
	for _, test := range []struct {
		status int
		answer string
		reason definition.CheckReason
	}{
		{403, "", definition.ReasonForbidden}, {404, "", definition.ReasonNotFound}, {503, "", definition.ReasonUnavailable},
		{418, "", definition.ReasonStatus}, {200, "", definition.ReasonNotJSON},
		{200, "it is the-access-token", definition.ReasonNoMember}, {200, strings.Repeat("x", 2000), definition.ReasonNoMember},
	} {
		status, answer = test.status, test.answer
		_, err = opened.Check(t.Context(), client)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, test.reason, failed.Reason)
		assert.Equal(t, "acme", failed.Definition)
		assert.NotContains(t, err.Error(), "the-access-token")
	}
	findings, err := definition.Lint("acme.json", []byte(foundDocument), options)
	require.NoError(t, err)
	for _, f := range findings {
		assert.NotEqual(t, "test", f.Path, "the kind makes the test")
	}
}

func TestKindsWithAConsentThatAreRefused(t *testing.T) {
	options := definition.Options{Kinds: []definition.Kind{finder()}}
	for from, to := range map[string]string{
		`"at": "{place}"`:                   `"at": "nowhere"|methods[0]: found: at: is nowhere`,
		`"at": "{place}"}`:                  `"at": "nobody"}|methods[0]: the Kind returned no consent`,
		`"type": "Found", "at": "{place}"}`: `"type": "None", "and": [{"type": "Found", "at": "{place}"}]}|and[0]: needs a consent`,
	} {
		to, want, _ := strings.Cut(to, "|")
		_, err := definition.Parse("acme.json", []byte(strings.Replace(foundDocument, from, to, 1)), options)
		assert.ErrorContains(t, err, want)
	}
	_, err := definition.Parse("f", []byte(foundDocument), definition.Options{Kinds: []definition.Kind{{Name: "Found"}}})
	assert.ErrorContains(t, err, "Connect: is nil, and so is Consent")
}

// A value with the format url may have a path, and leads nowhere else than its origin.
func TestFormatURL(t *testing.T) {
	document := `{"connectorauth": 1, "name": "acme", "baseUrl": "{server}", "inputs": [{"name": "server", "format": "url", "anyHost": true}],
		"methods": [{"name": "a", "type": "None"}]}`
	d, err := definition.Parse("acme.json", []byte(document), definition.Options{AnyHost: true})
	require.NoError(t, err)
	for _, good := range []string{"https://example.com", "https://example.com/", "https://example.com:8443/a/b", "https://a.example.com/mcp/", "https://example.com/a%20b;c=1@d"} {
		c, err := d.Connect(definition.Connection{Values: values{"server": connectorauth.Secret(good)}})
		require.NoError(t, err, good)
		base, err := c.BaseURL(t.Context(), "")
		require.NoError(t, err)
		assert.Equal(t, good, base)
	}
	for _, bad := range []string{
		"http://example.com/a", "https://Example.com/a", "https://example.com/a?b", "https://example.com/a#b", "https://u@example.com/a", "https://example.com\\@other.example/a",
		"https://example.com/../a", "https://example.com/%2e%2e/a", "https://example.com/a b", "https://example.com/%zz", "https://127.0.0.1/a", "https://[::1]/a", "https://localhost/a",
		"https://example.com:0/a", "https://example.com:99999/a", "https:///a", "/a", "https://example.com/\u00e4", " https://example.com/a", "https://example.com/{server}", "https://example.com//../a",
	} {
		var input *definition.InputError
		_, err := d.Connect(definition.Connection{Values: values{"server": connectorauth.Secret(bad)}})
		assert.ErrorAs(t, err, &input, bad)
	}
	_, err = definition.Parse("acme.json", []byte(strings.Replace(document, `, "anyHost": true`, "", 1)), definition.Options{AnyHost: true})
	assert.ErrorContains(t, err, "nothing limits where {server} may lead")
	d, err = definition.Parse("acme.json", []byte(strings.Replace(document, `"anyHost": true`, `"suffixes": [".example.com"]`, 1)), definition.Options{})
	require.NoError(t, err)
	_, err = d.Connect(definition.Connection{Values: values{"server": "https://a.example.com/mcp"}})
	require.NoError(t, err)
	_, err = d.Connect(definition.Connection{Values: values{"server": "https://other.example/a.example.com"}})
	assert.ErrorContains(t, err, "must end in .example.com")
}

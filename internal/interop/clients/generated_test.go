package clients_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
)

// What follows has the shape of what oapi-codegen writes for a small API.

// requestEditor may change a request before it is sent.
type requestEditor func(ctx context.Context, req *http.Request) error

// doer is what the generated client wants of an HTTP client.
type doer interface {
	Do(req *http.Request) (*http.Response, error)
}

type generatedClient struct {
	Server         string
	Client         doer
	RequestEditors []requestEditor
}

type order struct {
	Item  string `json:"item"`
	Count int    `json:"count"`
}

// createOrderResponse has the answer's parts ready for the caller.
type createOrderResponse struct {
	Body         []byte
	HTTPResponse *http.Response
	JSON200      *authtest.Identity
}

func newCreateOrderRequest(server, note string, body order) (*http.Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(server)
	if err != nil {
		return nil, err
	}
	u = u.JoinPath("orders")
	u.RawQuery = url.Values{"note": {note}}.Encode()
	req, err := http.NewRequest(http.MethodPost, u.String(), bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Add("Content-Type", "application/json")
	return req, nil
}

func (c *generatedClient) createOrder(ctx context.Context, note string, body order, editors ...requestEditor) (*createOrderResponse, error) {
	req, err := newCreateOrderRequest(c.Server, note, body)
	if err != nil {
		return nil, err
	}
	req = req.WithContext(ctx)
	for _, edit := range append(c.RequestEditors, editors...) {
		if err := edit(ctx, req); err != nil {
			return nil, err
		}
	}
	resp, err := c.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	parsed := &createOrderResponse{HTTPResponse: resp}
	if parsed.Body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") && resp.StatusCode == http.StatusOK {
		parsed.JSON200 = new(authtest.Identity)
		if err := json.Unmarshal(parsed.Body, parsed.JSON200); err != nil {
			return nil, err
		}
	}
	return parsed, nil
}

func TestGeneratedClientWorksWithEveryAuthType(t *testing.T) {
	p := authtest.NewProvider(t)
	token, tokenSecret := p.IssueOAuth1Token()
	apiKey := func(in dialect.Location, name string) connectorauth.Connector {
		return must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: connectorauth.Secret(p.APIKey), In: in, Name: name}))
	}
	var fields []connectorauth.AuthField
	for name, value := range p.Fields {
		field := connectorauth.AuthField{Key: name, Value: connectorauth.Secret(fmt.Sprint(value))}
		switch value.(type) {
		case int:
			field.Type = dialect.FieldInteger
		case bool:
			field.Type = dialect.FieldBoolean
		}
		fields = append(fields, field)
	}
	for _, tc := range []struct {
		name      string
		connector connectorauth.Connector
		server    string
		want      connectorauth.AuthType
	}{
		{"none", connectorauth.None{}, p.OpenURL, connectorauth.AuthTypeNone},
		{"header key", apiKey(dialect.InHeader, "X-Api-Key"), p.KeyHeaderURL, connectorauth.AuthTypeAPIKey},
		{"query key", apiKey(dialect.InQuery, "api_key"), p.KeyQueryURL, connectorauth.AuthTypeAPIKey},
		{"cookie key", apiKey(dialect.InCookie, "api_key"), p.KeyCookieURL, connectorauth.AuthTypeAPIKey},
		{"body key", apiKey(dialect.InBody, "api_key"), p.KeyBodyURL, connectorauth.AuthTypeAPIKey},
		{"Basic", must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: connectorauth.Secret(p.Password)})), p.BasicURL, connectorauth.AuthTypeBasic},
		{"OAuth1", must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), Token: token, TokenSecret: connectorauth.Secret(tokenSecret),
		})), p.OAuth1URL, connectorauth.AuthTypeOAuth1},
		{"OAuth2", forOwner(t, p), p.BearerURL, connectorauth.AuthTypeOAuth2},
		{"AuthFields", must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: fields})), p.FieldsURL, connectorauth.AuthTypeAuthFields},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var edited *http.Request
			client := &generatedClient{Server: tc.server, Client: connectorauth.NewClient(tc.connector, nil), RequestEditors: []requestEditor{
				func(_ context.Context, req *http.Request) error {
					edited = req
					req.Header.Set("X-Request-Id", "7")
					return nil
				},
			}}
			resp, err := client.createOrder(t.Context(), "a b/ü&c", order{Item: "bolt", Count: 3})
			require.NoError(t, err)
			require.NotNil(t, resp.JSON200, "%s: %s", resp.HTTPResponse.Status, resp.Body)
			assert.EqualValues(t, tc.want, resp.JSON200.AuthType)
			assert.Same(t, edited, resp.HTTPResponse.Request, "the generated client sees its own request, without credentials")
			assert.Equal(t, "note=a+b%2F%C3%BC%26c", edited.URL.RawQuery)
			assert.Len(t, edited.Header, 2, "%v", edited.Header)
			requests := p.Requests(tc.server)
			assert.Equal(t, "7", requests[len(requests)-1].Header.Get("X-Request-Id"))
		})
	}
}

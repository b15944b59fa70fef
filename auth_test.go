package connectorauth_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewClientKeepsWhatTheBaseHas(t *testing.T) {
	jar := must(cookiejar.New(nil))
	jar.SetCookies(must(url.Parse(home)), []*http.Cookie{{Name: "session", Value: "s"}, {Name: "api_key", Value: "old"}})
	base := &http.Client{Transport: &fakehttp.Base{}, Timeout: time.Minute, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return errBroken }}
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey, In: dialect.InCookie, Name: "api_key"}))
	client := connectorauth.NewClient(c, base)
	assert.Equal(t, base.Timeout, client.Timeout)
	assert.Same(t, jar, client.Jar)
	assert.ErrorIs(t, client.CheckRedirect(nil, nil), errBroken)

	resp, err := client.Get(home)
	read(t, resp, err)
	assert.Equal(t, "session=s; api_key="+secretKey, base.Transport.(*fakehttp.Base).Requests()[0].Header.Get("Cookie"))
	assert.Empty(t, jar.Cookies(must(url.Parse(foreign))))
}

func TestNonePassesRequestsThrough(t *testing.T) {
	p := authtest.NewProvider(t)
	assert.Equal(t, connectorauth.AuthTypeNone, connectorauth.None{}.AuthType())
	resp, err := connectorauth.NewClient(connectorauth.None{}, p.Client()).Get(p.OpenURL)
	accepted(t, connectorauth.AuthTypeNone, resp, err)

	base := &fakehttp.Base{}
	assert.Same(t, base, connectorauth.None{}.Wrap(base))
	assert.Same(t, http.DefaultTransport, connectorauth.None{}.Wrap(nil))
}

func TestOneConnectorServesManyClients(t *testing.T) {
	c := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey}))
	for range 2 {
		base := &fakehttp.Base{}
		_, err := connectorauth.NewClient(c, &http.Client{Transport: base}).Get(home)
		require.NoError(t, err)
		assert.Len(t, base.Requests(), 1)
	}
}

func TestAuthTypes(t *testing.T) {
	var types []connectorauth.AuthType
	for _, s := range subjects(tokenEndpoint()) {
		types = append(types, s.connector.AuthType())
	}
	assert.Equal(t, []connectorauth.AuthType{"ApiKey", "ApiKey", "ApiKey", "ApiKey", "Basic", "OAuth1", "OAuth2", "AuthFields", "Custom"}, types)
}

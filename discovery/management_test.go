package discovery_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A secret that a server does not repeat expires when it did (RFC 7592 section 3).
func TestSecretThatIsNotRepeatedExpires(t *testing.T) {
	p := authtest.NewProvider(t)
	finder, server := found(t, p)
	p.Inject(p.RegisterURL, 1, authtest.EditAnswer(func(r map[string]any) { r["client_secret_expires_at"] = 4102444800 }))
	r, err := finder.Register(t.Context(), server, registering("https://app.example/callback"))
	require.NoError(t, err)
	require.Equal(t, 2100, r.SecretExpires.UTC().Year())
	p.Inject(p.RegisterURL, 1, authtest.EditAnswer(func(r map[string]any) {
		delete(r, "client_secret")
		delete(r, "client_secret_expires_at")
	}))
	read, err := finder.Read(t.Context(), r)
	require.NoError(t, err)
	assert.True(t, read.ClientSecret == r.ClientSecret)
	assert.Equal(t, r.SecretExpires, read.SecretExpires)
	p.Inject(p.RegisterURL, 1, authtest.EditAnswer(func(r map[string]any) {
		r["client_secret"], r["client_secret_expires_at"] = "next", 0
	}))
	read, err = finder.Read(t.Context(), r)
	require.NoError(t, err)
	assert.True(t, read.ClientSecret == "next")
	assert.Zero(t, read.SecretExpires, "a new secret has an expiry of its own")
}

// Only a status of success says that the client is removed, whatever the body is.
func TestRemoveNeedsAStatusOfSuccess(t *testing.T) {
	p := authtest.NewProvider(t)
	finder, server := found(t, p)
	r, err := finder.Register(t.Context(), server, registering("https://app.example/callback"))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		fault authtest.Fault
		fine  bool
	}{
		"nothing":  {authtest.Answer(204, nil, ""), true},
		"page":     {authtest.Answer(200, http.Header{"Content-Type": {"text/html"}}, "<p>removed"), true},
		"accepted": {authtest.Answer(202, nil, ""), true},
		"lost":     {authtest.DropBefore(), false},
		"redirect": {authtest.Answer(302, http.Header{"Location": {p.OpenURL}}, ""), false},
		"choices":  {authtest.Answer(300, nil, ""), false},
		"refused":  {authtest.Answer(403, nil, ""), false},
		"outage":   {authtest.Answer(503, nil, ""), false},
	} {
		p.Inject(p.RegisterURL, 1, test.fault)
		err := finder.Remove(t.Context(), r)
		assert.Equal(t, test.fine, err == nil, "%s: %v", name, err)
	}
}

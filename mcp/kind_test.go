package mcp_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An account whose requests are guarded takes no Finder that reaches private networks.
func TestKindWantsAGuardedFinder(t *testing.T) {
	guarded, open := &http.Client{Transport: must(egress.New(egress.Config{}))}, &http.Client{Transport: http.DefaultTransport}
	for name, test := range map[string]struct {
		finder, account *http.Client
		fine            bool
	}{
		"both guarded":       {guarded, guarded, true},
		"the Finder alone":   {guarded, open, true},
		"neither":            {open, open, true},
		"no client":          {open, nil, true},
		"the account, alone": {open, guarded, false},
	} {
		kind := mcp.Kind(mcp.KindConfig{Finder: must(discovery.New(discovery.Config{HTTPClient: test.finder}))})
		_, err := kind.Consent(map[string]connectorauth.Secret{"url": "https://mcp.example.com/mcp"}, nil, definition.Connection{HTTPClient: test.account})
		if test.fine {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorContains(t, err, "Finder: has no transport of package egress", name)
		}
	}
}

// With a Registrar, a client serves that is a document, or that the issuer of the definition
// knows. Another client is one of another service.
func TestKindChoosesTheClient(t *testing.T) {
	const document = "https://app.example.com/client.json"
	w := newWorld(t)
	finder := w.over(func(req *http.Request) *http.Response {
		if req.URL.Path != "/.well-known/oauth-authorization-server" {
			return nil
		}
		resp := must(w.Client().Transport.RoundTrip(req))
		defer resp.Body.Close()
		var metadata map[string]any
		require.NoError(t, json.Unmarshal(must(io.ReadAll(resp.Body)), &metadata))
		metadata["client_id_metadata_document_supported"] = true
		return respond(http.StatusOK, string(must(json.Marshal(metadata))))
	})
	for name, test := range map[string]struct {
		issuer, client string
		registered     bool
	}{
		"a document":               {"", document, false},
		"a document and an issuer": {w.old.URL, document, false},
		"a client of the issuer":   {w.old.URL, w.old.ClientID, false},
		"a client of another":      {"", w.old.ClientID, true},
	} {
		store := new(tokenstore.Memory)
		kind := mcp.Kind(mcp.KindConfig{Finder: finder, Registrar: must(discovery.NewRegistrar(discovery.RegistrarConfig{
			Finder: finder, Store: store, Keys: []tokenstore.Key{{ID: "1", Secret: []byte("0123456789abcdef0123456789abcdef")}},
		}))})
		texts := map[string]connectorauth.Secret{"url": connectorauth.Secret(w.URL + "/mcp"), "issuer": connectorauth.Secret(test.issuer)}
		before := w.old.Stats().Registrations
		account, err := kind.Consent(texts, nil, definition.Connection{Store: store, Account: "alice", Client: definition.Client{ID: test.client}})
		require.NoError(t, err, name)
		authURL, _, err := account.Begin(t.Context(), callbackURL)
		require.NoError(t, err, name)
		require.True(t, strings.HasPrefix(authURL, w.old.AuthURL), authURL)
		client := must(url.Parse(authURL)).Query().Get("client_id")
		if test.registered {
			assert.NotEqual(t, test.client, client, name)
			assert.Equal(t, before+1, w.old.Stats().Registrations, name)
		} else {
			assert.Equal(t, test.client, client, name)
			assert.Equal(t, before, w.old.Stats().Registrations, name)
		}
	}
}

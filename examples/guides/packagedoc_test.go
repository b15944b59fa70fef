package guides

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/session"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The functions below are the first blocks in the documentation of packages: connectorauth,
// definition, accounts and session. That of migrate is in moving_test.go.

func firstOfConnectorauth(answer func(*http.Response)) error {
	connector, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{
		Key:    "the key",
		Prefix: "Bearer ",
		Hosts:  []string{"api.example.com"},
	})
	if err != nil {
		return err
	}
	client := connectorauth.NewClient(connector, http.DefaultClient)
	resp, err := client.Get("https://api.example.com/v1/orders")
	if err != nil {
		return err
	}
	answer(resp)
	return nil
}

func firstOfDefinition(text []byte, use func(*http.Client)) error {
	d, err := definition.Parse("acme.json", text, definition.Options{})
	if err != nil {
		return err // every mistake, with line and column
	}
	account, err := d.Connect(definition.Connection{
		Method: "key",
		Values: map[string]connectorauth.Secret{"subdomain": "mycompany", "apiKey": "..."},
	})
	if err != nil {
		return err // every mistake of the values, in words for the account owner
	}
	client := connectorauth.NewClient(account.Connector(), nil)
	use(client)
	return nil
}

func firstOfAccounts(ctx context.Context, folder *definition.Folder, store tokenstore.SharedStore, secret []byte, typed connectorauth.Secret, use func(*http.Client)) error {
	registry, err := accounts.New(accounts.Config{
		Definitions: folder.Set, // of a *definition.Folder
		Index:       new(accounts.Memory),
		Store:       store,
		Keys:        []tokenstore.Key{{ID: "2026", Secret: secret}},
	})
	if err != nil {
		return err
	}
	account, err := registry.Connect(ctx, accounts.Request{
		Owner: "user-17", Definition: "acme", Values: map[string]connectorauth.Secret{"apiKey": typed},
	})
	if err != nil {
		return err // a *definition.InputError or *definition.CheckError says what to do
	}
	client, err := registry.Client(ctx, account.ID)
	if err != nil {
		return err
	}
	use(client)
	return nil
}

func firstOfSession(user, password connectorauth.Secret, store connectorauth.TokenStore, use func(*http.Client)) error {
	connector, err := session.New(session.Config{
		Login: []session.Request{{
			URL:     "https://api.example.com/session",
			JSON:    map[string]any{"username": "{user}", "password": "{password}"},
			Capture: map[string]string{"token": "session.id"},
		}},
		Values: map[string]connectorauth.Secret{"user": user, "password": password},
		Places: []session.Place{{Placement: dialect.Placement{Name: "X-Session"}}},
		Store:  store, Account: "alice",
	})
	if err != nil {
		return err
	}
	use(connectorauth.NewClient(connector, nil))
	return nil
}

// api makes hosts exist whose every path answers with the value of a header of the request.
func api(t *testing.T, header string, hosts ...string) {
	t.Helper()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get(header))
	}))
	t.Cleanup(echo.Close)
	patterns := map[string]string{}
	for _, host := range hosts {
		patterns[host+"/"] = echo.URL
	}
	internet(t, patterns)
}

// sent returns what a service of api has received.
func sent(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	return string(must(io.ReadAll(resp.Body)))
}

func TestFirstBlockOfConnectorauth(t *testing.T) {
	api(t, "Authorization", "api.example.com")
	var got string
	require.NoError(t, firstOfConnectorauth(func(resp *http.Response) {
		defer resp.Body.Close()
		got = string(must(io.ReadAll(resp.Body)))
	}))
	assert.Equal(t, "Bearer the key", got)
}

func TestFirstBlockOfDefinition(t *testing.T) {
	api(t, "X-Api-Key", "mycompany.acme.example")
	var got string
	use := func(client *http.Client) { got = sent(t, client, "https://mycompany.acme.example/orders") }
	require.NoError(t, firstOfDefinition([]byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://{subdomain}.acme.example",
		"inputs": [{"name": "subdomain", "format": "label"}],
		"methods": [{"name": "key", "type": "ApiKey", "inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}",
			"placement": {"name": "X-Api-Key"}}]}`), use))
	assert.Equal(t, "...", got)
	assert.ErrorContains(t, firstOfDefinition([]byte("{}"), use), "acme.json")
}

func TestFirstBlockOfAccounts(t *testing.T) {
	p := authtest.NewProvider(t)
	file := fmt.Sprintf(`{"connectorauth": 1, "name": "acme", "baseUrl": %q, "methods": [{"name": "key", "type": "ApiKey",
		"inputs": [{"name": "apiKey", "secret": true}], "key": "{apiKey}", "placement": {"name": "X-Api-Key"}}],
		"test": {"request": "GET /me", "id": "/user"}}`, p.KeyHeaderURL)
	folder := must(definition.NewFolder(definition.FolderConfig{
		Files: fstest.MapFS{"acme.json": {Data: []byte(file)}}, Patterns: []string{"*.json"},
	}))
	status := 0
	use := func(client *http.Client) {
		resp, err := client.Get(p.KeyHeaderURL)
		require.NoError(t, err)
		resp.Body.Close()
		status = resp.StatusCode
	}
	connect := func(key string) error {
		return firstOfAccounts(t.Context(), folder, new(tokenstore.Memory), bytes.Repeat([]byte{7}, 32), connectorauth.Secret(key), use)
	}
	require.NoError(t, connect(p.APIKey))
	assert.Equal(t, http.StatusOK, status)
	var refused *definition.CheckError
	assert.ErrorAs(t, connect("wrong"), &refused)
}

func TestFirstBlockOfSession(t *testing.T) {
	logins := 0
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var login struct{ Username, Password string }
		if json.NewDecoder(r.Body).Decode(&login) == nil && login.Username == "alice" && login.Password == "open sesame" {
			logins++
			io.WriteString(w, `{"session": {"id": "s-17"}}`)
			return
		}
		io.WriteString(w, r.Header.Get("X-Session"))
	}))
	t.Cleanup(service.Close)
	internet(t, map[string]string{"api.example.com/": service.URL})
	var got string
	require.NoError(t, firstOfSession("alice", "open sesame", new(tokenstore.Memory), func(client *http.Client) {
		got = sent(t, client, "https://api.example.com/orders") + sent(t, client, "https://api.example.com/orders")
	}))
	assert.Equal(t, "s-17s-17", got)
	assert.Equal(t, 1, logins)
}

package connectorauth_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// importerProgram uses every connector from outside the module.
const importerProgram = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/connectorauth/connectorauth/authtest"
)

func main() {
	p := authtest.New(authtest.Config{TLS: true})
	defer p.Close()
	key, secret, password := connectorauth.Secret(p.APIKey), connectorauth.Secret(p.ClientSecret), connectorauth.Secret(p.Password)

	call(p, must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: key, Prefix: "ApiKey "})), p.KeyAuthorizationURL)
	call(p, must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: password})), p.BasicURL)
	var fields []connectorauth.AuthField
	for name, value := range p.Fields {
		fields = append(fields, connectorauth.AuthField{Key: name, Value: connectorauth.Secret(fmt.Sprint(value))})
	}
	call(p, must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: fields})), p.FieldsURL)

	store := new(tokenstore.Memory)
	oauth1 := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: p.ClientID, ClientSecret: secret,
		RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
		Store: store, Account: "oauth1", HTTPClient: p.Client(),
	}))
	consent(p, oauth1)
	call(p, oauth1, p.OAuth1URL)

	for _, grant := range []connectorauth.Grant{
		connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
		connectorauth.ClientCredentials{},
		connectorauth.PasswordCredentials{Username: p.Username, Password: password},
	} {
		oauth2 := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: secret, TokenURL: p.TokenURL, Grant: grant,
			Store: store, Account: fmt.Sprintf("%T", grant), HTTPClient: p.Client(),
		}))
		if _, ok := grant.(connectorauth.AuthorizationCode); ok {
			consent(p, oauth2)
		}
		call(p, oauth2, p.BearerURL)
	}

	call(p, must(connectorauth.NewCustom(connectorauth.CustomConfig{Authenticate: func(r *http.Request, _ connectorauth.CustomCredential) error {
		r.Header.Set("X-Api-Key", p.APIKey)
		return nil
	}})), p.KeyHeaderURL)
	call(p, connectorauth.None{}, p.OpenURL)
}

func must[C any](c C, err error) C {
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func consent(p *authtest.Provider, c interface {
	Begin(context.Context, string) (string, connectorauth.Secret, error)
	Finish(context.Context, connectorauth.Secret, url.Values) error
}) {
	authURL, pending, err := c.Begin(context.Background(), "http://127.0.0.1/callback")
	if err != nil {
		log.Fatal(err)
	}
	callback := must(p.Authorize(authURL)) // in place of the account owner's browser
	if err := c.Finish(context.Background(), pending, callback.Query()); err != nil {
		log.Fatal(err)
	}
}

func call(p *authtest.Provider, c connectorauth.Connector, url string) {
	resp, err := connectorauth.NewClient(c, p.Client()).Post(url, "application/x-www-form-urlencoded", strings.NewReader("a=b"))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var who authtest.Identity
	if err := json.NewDecoder(resp.Body).Decode(&who); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.AuthType(), resp.StatusCode, who.AuthType, who.Grant)
}
`

func TestAModuleOutsideImportsTheLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	root, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	sums, err := os.ReadFile("go.sum")
	require.NoError(t, err)
	write("go.sum", string(sums))
	write("main.go", importerProgram)
	write("go.mod", `module example.test/importer

go 1.25.0

require github.com/connectorauth/connectorauth v0.0.0

replace github.com/connectorauth/connectorauth => `+root+"\n")

	cmd := exec.CommandContext(t.Context(), "go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOTOOLCHAIN=local")
	var progress strings.Builder // tells of the modules that are downloaded
	cmd.Stderr = &progress
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &progress)
	assert.Equal(t, `ApiKey 200 ApiKey 
Basic 200 Basic 
AuthFields 200 AuthFields 
OAuth1 200 OAuth1 
OAuth2 200 OAuth2 authorization_code
OAuth2 200 OAuth2 client_credentials
OAuth2 200 OAuth2 password
Custom 200 ApiKey 
None 200 None 
`, string(out))
}

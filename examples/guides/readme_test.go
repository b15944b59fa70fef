package guides

import (
	"errors"
	"net/http"
	"os"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// use is the block of "Auth types". The first block is in the module catalog.
func use() error {
	connector, err := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID:     "client",
		ClientSecret: connectorauth.Secret(os.Getenv("CLIENT_SECRET")),
		TokenURL:     "https://provider.example/oauth2/token",
		Grant:        connectorauth.ClientCredentials{},
		Hosts:        []string{"api.provider.example"},
	})
	if err != nil {
		return err // names the field and the fix
	}
	client := connectorauth.NewClient(connector, http.DefaultClient)
	resp, err := client.Get("https://api.provider.example/v1/orders")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func TestUse(t *testing.T) {
	p := authtest.NewProvider(t)
	internet(t, map[string]string{"provider.example/oauth2/token": p.TokenURL, "api.provider.example/v1/orders": p.BearerURL})

	require.ErrorContains(t, use(), "ClientSecret", "the error names the field")
	t.Setenv("CLIENT_SECRET", p.ClientSecret)
	require.NoError(t, use())
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

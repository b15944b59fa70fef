package connectorauth_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestErrorOfAHookQuotesNoCredential(t *testing.T) {
	quote := func(e *connectorauth.Exchange) error {
		return fmt.Errorf("%w: %s", connectorauth.ErrCredentialRejected, text(e.Auth))
	}
	for name, hooks := range map[string]connectorauth.Hooks{"before": {BeforeRequest: quote}, "after": {AfterResponse: quote}} {
		key := must(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: secretKey}))
		_, err := connectorauth.WithHooks(key, hooks).Wrap(&fakehttp.Base{}).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
		require.ErrorIs(t, err, connectorauth.ErrCredentialRejected, name)
		assert.Empty(t, canary.Found(fmt.Sprintf("%v %+v %#v", err, err, err), secretKey), name)
	}
}

// An error of a hook quotes no part of a credential either: the fields of a body, the
// password behind base64, and the credentials beside the hook's own in a Join.
func TestHooksThatQuotePartsOfCredentials(t *testing.T) {
	const field, password = "f1eld-value/1", "passw0rd of Basic"
	hooks := func(quote string) connectorauth.Hooks {
		return connectorauth.Hooks{BeforeRequest: func(*connectorauth.Exchange) error { return fmt.Errorf("cannot use %s", quote) }}
	}
	fields := must(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Fields: []connectorauth.AuthField{{Key: "licence", Value: field}}}))
	basic := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "Aladdin", Password: password}))
	for _, c := range []struct {
		connectorauth.Connector
		quote string
	}{
		{connectorauth.WithHooks(fields, hooks(field)), field},
		{connectorauth.WithHooks(fields, hooks(url.QueryEscape(field))), url.QueryEscape(field)},
		{connectorauth.WithHooks(fields, hooks(hex.EncodeToString([]byte(field)))), hex.EncodeToString([]byte(field))},
		{connectorauth.WithHooks(fields, hooks(base64.StdEncoding.EncodeToString([]byte(field)))), base64.StdEncoding.EncodeToString([]byte(field))},
		{connectorauth.WithHooks(basic, hooks(password)), password},
		{must(connectorauth.Join(connectorauth.WithHooks(basic, hooks(field)), fields)), field},
		{connectorauth.WithHooks(must(connectorauth.Join(basic, fields)), hooks(password)), password},
	} {
		_, err := connectorauth.NewClient(c.Connector, nil).Post("http://127.0.0.1/", "application/json", strings.NewReader("{}"))
		require.ErrorContains(t, err, "withheld")
		assert.NotContains(t, err.Error(), c.quote)
	}
}

package assertion_test

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/assertion"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parameters returns what a grant sends.
func parameters(t *testing.T, grant connectorauth.Grant) (url.Values, error) {
	t.Helper()
	r := &connectorauth.TokenRequest{Params: url.Values{}}
	err := grant.Parameters(t.Context(), r)
	return r.Params, err
}

func TestFileIsReadAnewAndWithoutItsLineBreak(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	grant := must(assertion.NewJWTBearer(assertion.JWTBearerConfig{Assertion: assertion.FromFile(path), Subject: "pod"}))
	_, err := parameters(t, grant)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, path)
	for written, want := range map[string]string{"one.a.b\n": "one.a.b", "\ufefftwo.a.b\r\n": "two.a.b", "three.a.b": "three.a.b"} {
		require.NoError(t, os.WriteFile(path, []byte(written), 0o600))
		sent, err := parameters(t, grant)
		require.NoError(t, err)
		assert.Equal(t, want, sent.Get("assertion"))
	}
	for written, problem := range map[string]string{" \n": "empty", "one\ntwo": "control character", strings.Repeat("a", 2<<20): "longer than"} {
		require.NoError(t, os.WriteFile(path, []byte(written), 0o600))
		_, err := parameters(t, grant)
		require.ErrorContains(t, err, problem)
	}
}

func TestFileAsTheTokenToExchange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(path, []byte("a.b.c\n"), 0o600))
	grant := must(assertion.NewTokenExchange(assertion.TokenExchangeConfig{
		Subject: assertion.AsToken(assertion.TypeJWT, assertion.FromFile(path)),
		Actor:   assertion.AsToken(assertion.TypeAccessToken, fixedAssertion),
	}))
	sent, err := parameters(t, grant)
	require.NoError(t, err)
	assert.Equal(t, url.Values{
		"subject_token": {"a.b.c"}, "subject_token_type": {assertion.TypeJWT},
		"actor_token": {"a.b.c"}, "actor_token_type": {assertion.TypeAccessToken},
	}, sent)
}

func TestAsTokenPassesErrorsOn(t *testing.T) {
	down := errors.New("down")
	_, err := assertion.AsToken(assertion.TypeJWT, func(context.Context) (connectorauth.Secret, error) { return "", down })(t.Context())
	require.ErrorIs(t, err, down)
	_, err = assertion.AsToken(assertion.TypeJWT, nil)(t.Context())
	require.ErrorContains(t, err, "nil")
}

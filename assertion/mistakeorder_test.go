package assertion_test

import (
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth/assertion"
	"github.com/stretchr/testify/require"
)

func TestClaimsListTheirMistakesInTheOrderOfTheFields(t *testing.T) {
	further := map[string]any{"f": func() {}}
	config := assertion.JWTConfig{Claims: assertion.Claims{Issuer: "\n", Subject: "\n", Audience: "\n", More: further, Header: further}}
	for range 30 {
		_, err := assertion.NewJWT(config)
		require.ErrorContains(t, err, "Issuer")
		require.Regexp(t, `(?s)Claims.Issuer: .*Claims.Subject: .*Claims.Audience: .*Claims.More: .*Claims.Header: `, err.Error())
	}
}

func TestHeadersListTheirMistakesInOneOrder(t *testing.T) {
	config := assertion.JWTConfig{Further: http.Header{"A": {"\n"}, "B": {"\n"}}}
	for range 30 {
		_, err := assertion.NewJWT(config)
		require.ErrorContains(t, err, "Further")
		require.Regexp(t, `(?s)Further: the value of "A".*Further: the value of "B"`, err.Error())
	}
}

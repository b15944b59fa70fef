package definition_test

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/stretchr/testify/assert"
)

const signed = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "methods": [{"name": "a", "type": "OAuth1",
	"inputs": [{"name": "key", "title": "Private key", "secret": true, "format": "key"}], "signatureMethod": "RSA-SHA256", "private": "{key}"}]}`

func TestSignaturesByAKeyOfTheAccount(t *testing.T) {
	_, forECDSA := signing()
	for key, want := range map[connectorauth.Secret]string{
		"SECRET":           "the key: the key is neither PEM, which begins with -----BEGIN, nor a JSON Web Key",
		pemOf(t, forECDSA): "PrivateKey: RSA-SHA256 needs an RSA key",
		`{"kty":"oct","k":"U0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVUU0VDUkVU"}`: "PrivateKey: is empty; RSA-SHA256 needs an RSA key",
	} {
		_, err := parse(t, signed).Connect(definition.Connection{Values: values{"key": key}, Client: definition.Client{ID: "id"}})
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "SECRET")
	}
	const both = "methods[0].private: the RSA methods need a key, and the others have none"
	assert.Contains(t, mistakes(strings.Replace(signed, `, "private": "{key}"`, "", 1)), both)
	assert.Contains(t, mistakes(strings.Replace(signed, "RSA-SHA256", "HMAC-SHA256", 1)), both)
	assert.Contains(t, mistakes(strings.Replace(signed, `, "signatureMethod": "RSA-SHA256"`, "", 1)), both)
}

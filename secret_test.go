package connectorauth_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"
	"text/template"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretNeverPrintsItself(t *testing.T) {
	secret := connectorauth.Secret(secretKey)
	type holder struct {
		Secret connectorauth.Secret
		List   []connectorauth.Secret
		Map    map[string]connectorauth.Secret
		Ptr    *connectorauth.Secret
	}
	h := holder{secret, []connectorauth.Secret{secret}, map[string]connectorauth.Secret{"key": secret}, &secret}
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "U", "10.3s", "-20v", "#q", "t", "c", "o", "b", "e"} {
		text := fmt.Sprintf("%"+verb+" %"+verb+" %"+verb, secret, h, &h)
		assert.Empty(t, canary.Found(text, secretKey), verb)
		assert.Contains(t, text, "[redacted]", verb)
	}
	assert.Equal(t, "[redacted]", fmt.Sprint(secret))
	assert.Equal(t, "[redacted]", secret.String())
	assert.Equal(t, `"[redacted]"`, fmt.Sprintf("%#v", secret))
	assert.Equal(t, `"[redacted]"`, fmt.Sprintf("%q", secret))

	encoded, err := json.Marshal(h)
	require.NoError(t, err)
	assert.Equal(t, `{"Secret":"[redacted]","List":["[redacted]"],"Map":{"key":"[redacted]"},"Ptr":"[redacted]"}`, string(encoded))
	encoded, err = xml.Marshal(secret)
	require.NoError(t, err)
	assert.Equal(t, "<Secret>[redacted]</Secret>", string(encoded))

	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "secret", secret, "holder", h, slog.Group("g", "secret", secret))
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "secret", secret, "holder", h, slog.Group("g", "secret", secret))
	require.NoError(t, template.Must(template.New("").Parse("{{.Secret}} {{printf \"%s\" .Secret}}")).Execute(&out, h))
	assert.Empty(t, canary.Found(out.String(), secretKey))
}

func TestEmptySecretIsVisible(t *testing.T) {
	var empty connectorauth.Secret
	assert.Equal(t, ``, fmt.Sprint(empty))
	assert.Equal(t, `""`, fmt.Sprintf("%#v", empty))
	encoded, err := json.Marshal(empty)
	require.NoError(t, err)
	assert.Equal(t, `""`, string(encoded))
}

func TestSecretIsAStringToRead(t *testing.T) {
	var secret connectorauth.Secret
	require.NoError(t, json.Unmarshal([]byte(`"value"`), &secret))
	assert.Equal(t, "value", string(secret))
}

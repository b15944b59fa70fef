package scrub_test

import (
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/stretchr/testify/assert"
)

func TestPartsOfSecrets(t *testing.T) {
	const secret = "0123456789abcdefghijklmnopqrstuvwxyz"
	for text, want := range map[string]string{
		"":                                   "",
		secret[:15]:                          "",
		secret[:16]:                          secret[:16],
		"property '" + secret[3:20] + "' of": secret[3:19],
		secret[20:]:                          secret[20:],
		strings.ToUpper(secret):              "",
	} {
		assert.Equal(t, want, scrub.Part(text, "short", "", secret), text)
	}
	assert.Empty(t, scrub.Part(secret))
}

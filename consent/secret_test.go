package consent_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/internal/test/canary"
	"github.com/stretchr/testify/require"
)

func TestNothingPrintsAKey(t *testing.T) {
	const secret = "the-32-random-bytes-of-a-key-abc"
	key := connectorauth.Secret(secret)
	a := newApp(t, authtest.Config{}, func(a *app) { a.config.Keys = []connectorauth.Secret{key} })
	handler := a.handler.(*consent.Handler)
	type program struct { // as a program keeps the values
		Config  consent.Config
		handler *consent.Handler
		Handler *consent.Handler
	}
	values := []any{a.config, &a.config, handler, *handler, program{a.config, handler, handler}, &program{a.config, handler, handler}, consent.LoopbackOptions{}}
	var out bytes.Buffer
	for _, v := range values {
		for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "t", "c", "o", "b", "e"} {
			fmt.Fprintf(&out, "%"+verb+"\n", v)
		}
		encoded, _ := json.Marshal(v) // fails for functions
		out.Write(encoded)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "value", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "value", v)
	}
	require.Contains(t, out.String(), "[redacted]")
	require.Contains(t, out.String(), "consent.Handler")
	require.Empty(t, canary.Found(out.String(), secret))
}

func TestReflectionReachesNoKeyBehindAHandler(t *testing.T) {
	const secret = "the-32-random-bytes-of-a-key-abc"
	a := newApp(t, authtest.Config{}, func(a *app) { a.config.Keys = []connectorauth.Secret{secret} })
	reached := canary.Reached(a.handler.(*consent.Handler))
	require.NotEmpty(t, reached)
	require.Empty(t, canary.Found(reached, secret))
	for i := 0; i+4 <= len(secret); i += 4 { // a key schedule has the words of the key, in one order of bytes or the other
		swapped := string([]byte{secret[i+3], secret[i+2], secret[i+1], secret[i]})
		require.NotContains(t, reached, secret[i:i+4])
		require.NotContains(t, reached, swapped)
	}
}

package discovery

import (
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What decode reads of any text is what package json reads, and each name is there once.
func FuzzMetadata(f *testing.F) {
	for _, text := range []string{
		`{"issuer": "https://a.example", "token_endpoint": "https://a.example/token", "scopes_supported": ["a", "b"]}`,
		`{"issuer": "a", "issuer": "b"}`, `{"Issuer": "a"}`, `{"issuer": null, "x": {"y": [1, {"z": 2, "z": 3}]}}`, `[]`, `null`, `{"a": "\ud800"}`,
		`{"mtls_endpoint_aliases": {"token_endpoint": "https://127.0.0.1"}, "require_pushed_authorization_requests": true}`,
		`{"resource": "https://a.example", "authorization_servers": ["https://b.example"]}`,
	} {
		f.Add([]byte(text), "https://a.example")
	}
	f.Fuzz(func(t *testing.T, text []byte, issuer string) {
		s := new(Server)
		if err := decode(text, s); err != nil {
			return
		}
		var other Server
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &members))
		exact := map[string]json.RawMessage{}
		for _, field := range reflect.VisibleFields(reflect.TypeFor[Server]()) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if raw, ok := members[name]; ok {
				exact[name] = raw
			}
		}
		again, err := json.Marshal(exact)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(again, &other))
		require.Equal(t, &other, s)
		if s.check(issuer) != nil {
			return
		}
		from, err := url.Parse(s.Issuer)
		require.NoError(t, err)
		require.Equal(t, strings.TrimSuffix(issuer, "/"), strings.TrimSuffix(s.Issuer, "/"))
		for _, endpoint := range []string{s.AuthorizationEndpoint, s.TokenEndpoint, s.RegistrationEndpoint, s.RevocationEndpoint, s.MTLSEndpointAliases["token_endpoint"]} {
			if endpoint == "" {
				continue
			}
			u, err := url.Parse(endpoint)
			require.NoError(t, err)
			require.True(t, u.Scheme == "https" || loopback(u) && loopback(from))
			require.True(t, u.Fragment == "" && u.User == nil && u.Hostname() != "")
		}
		places, err := serverPlaces(s.Issuer)
		require.NoError(t, err)
		for _, place := range places {
			u, err := url.Parse(place)
			require.NoError(t, err)
			require.Equal(t, from.Scheme+"://"+from.Host, u.Scheme+"://"+u.Host, "metadata are at the host of the issuer")
		}
	})
}

package oidcprovider_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth"
)

// kinds are what requests are for, by path, and by grant type at the token endpoint.
var kinds = map[string]string{
	"/.well-known/oauth-authorization-server": "metadata",
	"/reg":                            "registration",
	"/request":                        "pushed authorization request",
	"/auth":                           "authorization request",
	"/device/auth":                    "device authorization request",
	"/token authorization_code":       "token request, code",
	"/token refresh_token":            "token request, refresh",
	"/token " + deviceGrant:           "token request, device",
	"/token/revocation refresh_token": "revocation, refresh token",
	"/token/revocation access_token":  "revocation, access token",
	"/api":                            "API request",
	"/me":                             "API request",
	"/orders":                         "API request",
	"/transfers":                      "API request",
}

var deviceGrant = connectorauth.DeviceCode{}.GrantType()

// kind says what a request is for.
func (m *message) kind(t *testing.T) string {
	t.Helper()
	kind, ok := kinds[strings.TrimSpace(m.path+" "+m.params.Get("grant_type")+m.params.Get("token_type_hint"))]
	require.True(t, ok, "an unknown request: %s %s", m.path, m.params)
	if m.response["error"] == "use_dpop_nonce" {
		kind += ", refused for want of a nonce"
	}
	return kind
}

// quiet are headers that say nothing of OAuth: those of net/http, and of fetch.
var quiet = []string{"Accept-Encoding", "Accept-Language", "Connection", "Content-Length", "Sec-Fetch-Mode", "User-Agent"}

// unique are parameters whose values differ from one request to the next. Their shape is
// compared.
var unique = []string{
	"state", "code", "code_verifier", "code_challenge", "dpop_jkt", "request_uri", "refresh_token", "token", "device_code",
}

// parts returns what a request consists of.
func (m *message) parts(t *testing.T, f flow) map[string]string {
	t.Helper()
	all := map[string]string{"method": m.method, "path": m.path}
	for name, values := range m.params {
		value := strings.Join(values, " and ")
		switch {
		case name == "client_assertion":
			explode(t, all, "assertion", value, "iss", "sub", "aud")
			continue
		case slices.Contains(unique, name), name == "client_id" && f.Register:
			value = shape(value)
		}
		all[name] = value
	}
	for name, value := range m.members {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		all[name] = string(text)
	}
	for name, values := range m.header {
		value := strings.Join(values, " and ")
		switch {
		case slices.Contains(quiet, name):
			continue
		case name == "Dpop":
			explode(t, all, "proof", value, "htm", "htu")
			continue
		case name == "Authorization":
			scheme, credential, _ := strings.Cut(value, " ")
			value = scheme + " " + shape(credential)
			if scheme == "Basic" {
				value = scheme + " " + basic(t, credential, f)
			}
		}
		all["header "+name] = value
	}
	return all
}

// explode adds the header and the claims of a JWT, whose values are compared for the claims
// called equal.
func explode(t *testing.T, all map[string]string, prefix, jwt string, equal ...string) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	require.Len(t, parts, 3)
	var header, claims map[string]any
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, into))
	}
	if jwk, ok := header["jwk"].(map[string]any); ok {
		header["jwk"] = strings.Join(slices.Sorted(maps.Keys(jwk)), ", ")
	}
	for name, value := range header {
		all[prefix+" header "+name] = fmt.Sprint(value)
	}
	for name, value := range claims {
		if all[prefix+" "+name] = "present"; slices.Contains(equal, name) {
			all[prefix+" "+name] = fmt.Sprint(value)
		}
	}
	if expires, ok := claims["exp"].(float64); ok {
		all[prefix+" exp"] = fmt.Sprintf("%v s after iat", expires-claims["iat"].(float64))
	}
}

// shape says what a value looks like.
func shape(value string) string {
	rest, kind := strings.CutPrefix(value, "urn:ietf:params:oauth:request_uri:")
	text := fmt.Sprintf("%d characters", len(rest))
	if kind {
		text = "urn:ietf:params:oauth:request_uri: and " + text
	}
	if strings.IndexFunc(rest, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", r)
	}) >= 0 {
		text += ", not all of base64url"
	}
	return text
}

// basic decodes a client ID and a secret (RFC 6749 section 2.3.1). The secret of a client
// that has registered itself is another each time.
func basic(t *testing.T, credential string, f flow) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(credential)
	require.NoError(t, err)
	id, password, ok := strings.Cut(string(text), ":")
	require.True(t, ok)
	id, err = url.QueryUnescape(id)
	require.NoError(t, err)
	password, err = url.QueryUnescape(password)
	require.NoError(t, err)
	if f.Register {
		return shape(id) + ":" + shape(password)
	}
	return id + ":" + password
}

// A row is a request of a flow, and what of it is the same with the reference client.
type row struct {
	flow, request string
	same          []string
	differences   []int // of known
}

// compare lists the requests of a flow, in the order in which ours were sent.
func compare(t *testing.T, f flow, ours, theirs []*message) (rows []row) {
	t.Helper()
	sort := func(list []*message) (names []string, by map[string]*message) {
		by = map[string]*message{}
		for _, m := range list {
			name := m.kind(t)
			for n := 2; by[name] != nil; n++ {
				name = fmt.Sprintf("%s (%d)", m.kind(t), n)
			}
			names, by[name] = append(names, name), m
		}
		return names, by
	}
	names, of := sort(ours)
	others, by := sort(theirs)
	assert.ElementsMatch(t, others, names, "the requests")
	for _, name := range names {
		if by[name] == nil {
			continue
		}
		r := row{flow: f.Name, request: name}
		a, b := of[name].parts(t, f), by[name].parts(t, f)
		assert.Equal(t, by[name].status, of[name].status)
		everything := maps.Clone(a)
		maps.Copy(everything, b)
		for _, part := range slices.Sorted(maps.Keys(everything)) {
			if a[part] == b[part] {
				if part != "method" && part != "path" { // the same in each request
					r.same = append(r.same, part)
				}
				continue
			}
			i := slices.IndexFunc(known, func(d difference) bool { return d.explains(name, part, a[part], b[part]) })
			if assert.GreaterOrEqual(t, i, 0, "%s: %s: %q and %q", name, part, a[part], b[part]) {
				r.differences = append(r.differences, i)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// An account goes through each flow with the library, and with the reference client. Both
// send the same requests, apart from what is known to differ.
func TestFlowsAreThoseOfTheReferenceClient(t *testing.T) {
	s := start(t)
	r := s.reference(t)
	var rows []row
	played := 0
	for _, f := range flows {
		t.Run(f.Name, func(t *testing.T) {
			played++
			s.take()
			s.goThrough(t, f)
			ours := s.take()
			r.goThrough(t, s, f)
			rows = append(rows, compare(t, f, ours, s.take())...)
		})
	}
	if played == len(flows) && !t.Failed() { // not with -run
		keep(t, rows)
	}
}

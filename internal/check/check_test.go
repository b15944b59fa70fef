package check_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestListReportsEverythingUnderItsField(t *testing.T) {
	var l check.List
	require.NoError(t, l.Err("Config"))
	l.Field("A", nil)
	l.Join(nil)
	require.NoError(t, l.Joined())
	broken := errors.New("is broken")
	l.Add("Key: is empty")
	l.Field("Hosts", broken)
	l.Field("Dialect", errors.Join(errors.New("X: first"), errors.New("Y: second")))
	l.Join(errors.Join(errors.New("P: third"), nil))
	err := l.Err("Config")
	assert.EqualError(t, err, "connectorauth: Config: Key: is empty\nHosts: is broken\nDialect: X: first\nDialect: Y: second\nP: third")
	assert.ErrorIs(t, err, broken)
}

func TestTokenPlace(t *testing.T) {
	for name, test := range map[string]struct {
		placement            dialect.Placement
		place, prefix, wants string
	}{
		"empty":                {dialect.Placement{}, `header "Authorization"`, "Bearer ", ""},
		"another prefix":       {dialect.Placement{Prefix: "token "}, `header "Authorization"`, "token ", ""},
		"a header":             {dialect.Placement{Name: "x-token"}, `header "X-Token"`, "", ""},
		"a query parameter":    {dialect.Placement{In: dialect.InQuery, Name: "t"}, `query parameter "t"`, "", ""},
		"a cookie":             {dialect.Placement{In: dialect.InCookie, Name: "t"}, `cookie "t"`, "", ""},
		"the body":             {dialect.Placement{In: dialect.InBody, Name: "t"}, "", "", "cannot go into the body"},
		"two mistakes at once": {dialect.Placement{In: dialect.InQuery, Prefix: "a\n"}, "", "", "Prefix: has a control character\nName: "},
	} {
		place, prefix, err := check.TokenPlace(test.placement)
		if test.wants != "" {
			assert.ErrorContains(t, err, test.wants, name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, test.place, place.String(), name)
		assert.Equal(t, test.prefix, prefix, name)
	}
}

func TestNames(t *testing.T) {
	names := map[string]string{"client_id": "client_key", "scope": ""}
	assert.Equal(t, "client_key", check.Rename("client_id", names))
	assert.Equal(t, "", check.Rename("scope", names))
	assert.Equal(t, "state", check.Rename("state", names))
	assert.Equal(t, []string{"state", "client_key"}, check.SentNames([]string{"scope", "state", "client_id"}, names))
}

func TestAuthRequest(t *testing.T) {
	require.NoError(t, check.AuthRequest("https://p.example/auth?tenant=1", url.Values{"prompt": {"consent"}}, nil))
	err := check.AuthRequest("https://p.example/auth?state=1", url.Values{"client_key": {"x"}}, map[string]string{"client_id": "client_key"})
	assert.ErrorContains(t, err, "state is set by the library")
	assert.ErrorContains(t, err, "client_key is set by the library")
	assert.ErrorContains(t, check.AuthRequest("http://p.example/auth", nil, nil), "AuthURL: ")
}

// What a dialect says must fit the client.
func TestDialectAgainstItsClient(t *testing.T) {
	refresh := dialect.OAuth2{RefreshURL: "https://p.example/r"}
	consent := dialect.OAuth2{CodeName: "c"}
	header := dialect.OAuth2{TokenHeader: map[string][]string{"Authorization": {"x"}}}
	for name, test := range map[string]struct {
		d     dialect.OAuth2
		c     check.Client
		wants string
	}{
		"refresh without refreshing":    {refresh, check.Client{}, "never refreshes"},
		"refresh":                       {refresh, check.Client{Refreshes: true}, ""},
		"consent without a consent":     {consent, check.Client{Refreshes: true}, "AuthorizationCode"},
		"consent":                       {consent, check.Client{Consent: true, Refreshes: true}, ""},
		"two Authorization headers":     {header, check.Client{Header: true}, "ClientSecretPost"},
		"one Authorization header":      {header, check.Client{}, ""},
		"a parameter of the grant":      {dialect.OAuth2{TokenParams: url.Values{"username": {"x"}}}, check.Client{Params: []string{"username"}}, "username is set"},
		"the same without such a grant": {dialect.OAuth2{TokenParams: url.Values{"username": {"x"}}}, check.Client{}, ""},
		"separator within a scope":      {dialect.OAuth2{ScopeSeparator: ","}, check.Client{Scopes: []string{"a,b"}}, "ScopeSeparator"},
	} {
		err := check.Dialect(&test.d, test.c)
		if test.wants == "" {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorContains(t, err, test.wants, name)
		}
	}
}

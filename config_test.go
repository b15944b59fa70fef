package connectorauth_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// problems returns the lines of a constructor's error.
func problems(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestConstructorsReportAllProblemsAtOnce(t *testing.T) {
	badHosts := []string{"https://a.example/path", "*.com"}
	for _, test := range []struct {
		config string
		err    error
		fields []string // each begins a problem
	}{
		{"APIKeyConfig", second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{In: dialect.InQuery, Hosts: badHosts})),
			[]string{"Key: ", "Name: ", "Hosts: host \"https://a.example...\"", "Hosts: host \"*.com\""}},
		{"APIKeyConfig", second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "a\nb", Prefix: "\r", Name: "X Y", Hosts: badHosts})),
			[]string{"Name: ", "Prefix and Key: ", "Hosts: host \"https://a.example...\"", "Hosts: host \"*.com\""}},
		{"APIKeyConfig", second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "\xff", In: dialect.InBody, Prefix: "Bearer", Hosts: badHosts})),
			[]string{"Name: ", "Prefix and Key: ", "Hosts: host \"https://a.example...\"", "Hosts: host \"*.com\""}},
		{"APIKeyConfig", second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "a", Prefix: "Bearer", Name: "Host", Hosts: badHosts})),
			[]string{"Name: ", "Prefix: ", "Hosts: "}},
		{"APIKeyConfig", second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Prefix: "a\n ", Name: "Host", Hosts: badHosts})),
			[]string{"Key: ", "Name: ", "Prefix: has a control", "Hosts: "}},
		{"BasicConfig", second(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "a:\nb", Password: "\xff", Hosts: badHosts})),
			[]string{"Username: has a control", "Username: has a colon", "Password: ", "Hosts: "}},
		{"AuthFieldsConfig", second(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
			Fields:  []connectorauth.AuthField{{Key: ""}, {Key: "n", Type: dialect.FieldInteger, Value: "x"}},
			Methods: []string{"HEAD", "a b"}, MaxBody: -1, Hosts: badHosts,
		})), []string{"Fields: field \"\": ", "Fields: field \"n\": ", "MaxBody: ", "Methods: \"HEAD\"", "Methods: \"a b\"", "Hosts: "}},
		{"AuthFieldsConfig", second(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{Body: "yaml"})), []string{"Fields: ", "Body: "}},
		{"OAuth1Config", second(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			RequestTokenURL: "http://a.example/", AuthorizeURL: "ftp://a.example/", In: dialect.InCookie, MaxBody: -1, SignatureMethod: "HMAC-MD5", Hosts: badHosts,
		})), []string{"RequestTokenURL: ", "AuthorizeURL: ", "RequestTokenURL, AuthorizeURL, AccessTokenURL: ", "ClientID: ", "ClientSecret: ", "In: ", "MaxBody: ", "SignatureMethod: ", "Hosts: "}},
		{"OAuth1Config", second(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: "a\n", ClientSecret: "b\n", Realm: "c\n", TokenSecret: "d\n", SignatureMethod: dialect.RSASHA1, Store: new(tokenstore.Memory),
		})), []string{"ClientID: ", "ClientSecret: ", "Realm: ", "TokenSecret: has a control", "TokenSecret: is given without", "PrivateKey: ", "Store: ", "Account: "}},
		{"OAuth2Config", second(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			TokenURL: "http://a.example/", Scopes: []string{"a b", ""}, ClientAuth: connectorauth.ClientAuthMethod("x"), Grant: connectorauth.PasswordCredentials{},
			Store: new(tokenstore.Memory), RenewBefore: -1, Hosts: badHosts,
			Dialect: dialect.OAuth2{TokenEncoding: "xml", Response: dialect.Response{Lifetime: -1}},
		})), []string{"ClientID: ", "TokenURL: ", "Scopes: \"a b\"", "Scopes: \"\"", "ClientAuth: ", "Account: ", "RenewBefore: ", "Grant: ", "Dialect: TokenEncoding: ", "Dialect: Response: Lifetime: ", "Hosts: "}},
		{"OAuth2Config", second(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "a\n", ClientSecret: "\u00fc", TokenURL: "https://a.example/ ", FormerTokenURL: "http://a.example/", RevokeURL: "x",
			Grant: connectorauth.PasswordCredentials{Username: "u\n", Password: "p\n"}, Dialect: dialect.OAuth2{TokenEncoding: "xml"},
		})), []string{"ClientID: ", "ClientSecret: ", "TokenURL: ", "FormerTokenURL: ", "RevokeURL: ", "Grant: Username: ", "Grant: Password: ", "Dialect: TokenEncoding: "}},
		{"OAuth2Config", second(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "c", TokenURL: "https://a.example/", Dialect: dialect.OAuth2{TokenEncoding: "xml", Response: dialect.Response{Lifetime: -1}},
		})), []string{"Grant: is empty", "Dialect: TokenEncoding: ", "Dialect: Response: Lifetime: "}},
		{"OAuth2Config", second(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "c", TokenURL: "https://a.example/", Grant: connectorauth.AuthorizationCode{AuthURL: "x"}, Dialect: dialect.OAuth2{TokenEncoding: "xml"},
		})), []string{"Grant: AuthURL: ", "Dialect: TokenEncoding: "}},
		{"OAuth2Config", second(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: "c", TokenURL: "http://a.example/", Grant: connectorauth.AuthorizationCode{AuthURL: "https://a.example/"},
			Dialect: dialect.OAuth2{TokenEncoding: "xml", Response: dialect.Response{Lifetime: -1}, InvalidGrantCodes: []string{""}},
		})), []string{"TokenURL: ", "Dialect: TokenEncoding: ", "Dialect: Response: Lifetime: ", "Dialect: InvalidGrantCodes, CallbackValues: "}},
		{"CustomConfig", second(connectorauth.NewCustom(connectorauth.CustomConfig{Store: new(tokenstore.Memory), RenewBefore: -1, Hosts: badHosts})),
			[]string{"Authenticate: ", "Store: ", "Account: ", "RenewBefore: ", "Hosts: "}},
		{"Join", second(connectorauth.Join(queryKey(), queryKey(), stranger{}, nil)),
			[]string{"connector 2: ", "connector 3: ", "two credentials for the query parameter"}},
	} {
		require.Error(t, test.err, test.config)
		assert.True(t, strings.HasPrefix(test.err.Error(), "connectorauth: "+test.config+": "), test.err)
		seen := map[string]bool{}
		for _, problem := range problems(errors.New(strings.TrimPrefix(test.err.Error(), "connectorauth: "+test.config+": "))) {
			assert.Regexp(t, `^([A-Z][A-Za-z0-9]*(\[\d+\])?(, | and )?)+: |^connector \d|^two credentials`, problem, "a problem begins with the field")
			assert.False(t, seen[problem], "twice: %s", problem)
			seen[problem] = true
		}
		list := problems(errors.New(strings.TrimPrefix(test.err.Error(), "connectorauth: "+test.config+": ")))
		for _, field := range test.fields {
			begins := 0
			for _, problem := range list {
				if strings.HasPrefix(problem, field) {
					begins++
				}
			}
			assert.NotZero(t, begins, "%s: no problem begins with %q:\n%s", test.config, field, strings.Join(list, "\n"))
		}
	}
}

// second drops the connector of a constructor.
func second[C any](_ C, err error) error { return err }

func TestConnectorsNameTheirTypeOnly(t *testing.T) {
	names := map[string]bool{}
	list := subjects(tokenEndpoint())
	list = append(list, subject{name: "Join", connector: must(connectorauth.Join(queryKey(), list[4].connector))})
	for _, s := range list {
		names[fmt.Sprintf("%T %v", s.connector, s.connector)] = true
		assert.Equal(t, fmt.Sprint(s.connector), fmt.Sprintf("%s", s.connector), s.name)
	}
	assert.Equal(t, map[string]bool{
		"*connectorauth.APIKey connectorauth.APIKey": true, "*connectorauth.Basic connectorauth.Basic": true,
		"*connectorauth.OAuth1 connectorauth.OAuth1": true, "*connectorauth.OAuth2 connectorauth.OAuth2": true,
		"*connectorauth.AuthFields connectorauth.AuthFields": true, "*connectorauth.Custom connectorauth.Custom": true,
		"*connectorauth.joined connectorauth.Join": true,
	}, names)
}

// Prefix and value are sent without anything between them, so a scheme needs its
// space. A prefix may also end in another separator.
func TestPrefixWithoutASeparatorIsRefused(t *testing.T) {
	for prefix, right := range map[string]bool{
		"": true, "Bearer ": true, "Token token=": true, "key-": true, `Token token="`: true, "SharedAccessSignature sr=": true, "OAuth:": true,
		"Bearer": false, "bearer": false, "Basic": false, "Token": false, "SSWS": false, "GoogleLogin auth": false, "v1": false,
	} {
		for _, name := range []string{"", "X-Key"} {
			_, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", Name: name, Prefix: prefix})
			_, dialectErr := connectorauth.NewOAuth2(connectorauth.OAuth2Config{
				ClientID: "c", ClientSecret: "s", TokenURL: "https://a.example/", Grant: connectorauth.ClientCredentials{},
				Dialect: dialect.OAuth2{Placement: dialect.Placement{In: dialect.InHeader, Name: name, Prefix: prefix}},
			})
			if right {
				assert.NoError(t, err, prefix)
				assert.NoError(t, dialectErr, prefix)
				continue
			}
			assert.ErrorContains(t, err, `Prefix: "`+prefix+`" needs a space at its end`)
			assert.ErrorContains(t, dialectErr, `Dialect: Placement: Prefix: "`+prefix+`" needs a space at its end`)
		}
	}
	_, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "k", In: dialect.InQuery, Name: "key", Prefix: "v1"})
	assert.NoError(t, err, "a query has no schemes")
}

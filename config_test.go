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
			[]string{"Key: ", "Name: ", "Hosts: "}},
		{"APIKeyConfig", second(connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "a\nb", Prefix: "\r", Name: "X", Hosts: badHosts})),
			[]string{"Prefix and Key: ", "Hosts: "}},
		{"BasicConfig", second(connectorauth.NewBasic(connectorauth.BasicConfig{Username: "a:\nb", Password: "\xff", Hosts: badHosts})),
			[]string{"Username: has a control", "Username: has a colon", "Password: ", "Hosts: "}},
		{"AuthFieldsConfig", second(connectorauth.NewAuthFields(connectorauth.AuthFieldsConfig{
			Fields:  []connectorauth.AuthField{{Key: ""}, {Key: "n", Type: dialect.FieldInteger, Value: "x"}},
			Methods: []string{"HEAD", "a b"}, MaxBody: -1, Hosts: badHosts,
		})), []string{"Fields, Body, MaxBody: ", "Methods: \"HEAD\"", "Methods: \"a b\"", "Hosts: "}},
		{"OAuth1Config", second(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			RequestTokenURL: "http://a.example/", AuthorizeURL: "ftp://a.example/", In: dialect.InCookie, MaxBody: -1, SignatureMethod: "HMAC-MD5", Hosts: badHosts,
		})), []string{"RequestTokenURL: ", "AuthorizeURL: ", "RequestTokenURL, AuthorizeURL, AccessTokenURL: ", "OAuth1 needs a consumer key", "ClientSecret: ", "In: ", "MaxBody: ", "OAuth1 does not know the signature method", "Hosts: "}},
		{"OAuth2Config", second(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			TokenURL: "http://a.example/", Scopes: []string{"a b", ""}, ClientAuth: connectorauth.ClientAuthMethod("x"), Grant: connectorauth.PasswordCredentials{},
			Store: new(tokenstore.Memory), RenewBefore: -1, Hosts: badHosts,
			Dialect: dialect.OAuth2{TokenEncoding: "xml", Response: dialect.Response{Lifetime: -1}},
		})), []string{"ClientID: ", "TokenURL: ", "Scopes: \"a b\"", "Scopes: \"\"", "ClientAuth: ", "Account: ", "RenewBefore: ", "Grant: ", "Hosts: "}},
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

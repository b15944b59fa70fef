package definition_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What the program gives must not go where account owners choose. Each method stands beside
// three inputs: a host that the account owner chooses, a host of the service, and a secret
// that the program gives.
func TestAdviceForASecretOfTheProgramAtAnyHost(t *testing.T) {
	const (
		code   = `"type": "OAuth2", "grant": {"authorizationCode": {"authUrl": "https://{any}/a"}}, "revokeUrl": "https://login.example.com/r", `
		device = `"type": "OAuth2", "grant": {"deviceCode": {"deviceUrl": "https://{any}/d"}}, `
		told   = `{"private": "{key}", "claims": {"issuer": "i", "audience": "https://a.example.com", "more": {"k": "{partner}"}}}`
		ours   = "account owners choose the host, which would get the client secret of the program"
		hidden = "carries {partner}, which the program gives, to a host that account owners choose"
	)
	for method, want := range map[string]string{
		code + `"tokenUrl": "https://{any}/t"`:                                                                                                                "tokenUrl: " + ours,
		code + `"tokenUrl": "https://login.example.com/t"`:                                                                                                    "",
		code + `"tokenUrl": "https://{some}/t"`:                                                                                                               "",
		code + `"tokenUrl": "https://login.example.com/{any}"`:                                                                                                "",
		code + `"tokenUrl": "https://{any}/t", "clientAuth": "none"`:                                                                                          "",
		code + `"tokenUrl": "https://{any}/t", "clientAuth": "tls_client_auth"`:                                                                               "",
		code + `"tokenUrl": "https://{any}/t", "clientId": "{id}", "clientSecret": "{own}"`:                                                                   "",
		code + `"tokenUrl": "https://{any}/t", "clientId": "{id}", "clientSecret": "{partner}"`:                                                               "clientSecret: " + hidden,
		code + `"tokenUrl": "https://{any}/t", "clientAssertion": {"private": "{key}", "claims": {"audience": "https://a.example.com"}}`:                      "",
		code + `"tokenUrl": "https://login.example.com/t", "dialect": {"refreshUrl": "https://{any}/t"}`:                                                      "dialect.refreshUrl: " + ours,
		code + `"tokenUrl": "https://login.example.com/t", "formerTokenUrl": "https://{any}/t"`:                                                               "",
		code + `"tokenUrl": "https://login.example.com/t", "dialect": {"extend": {"grantType": "g", "url": "https://{any}/t"}}`:                               "dialect.extend.url: " + ours,
		code + `"tokenUrl": "https://login.example.com/t", "dialect": {"longLived": {"grantType": "g", "url": "https://{any}/t"}}`:                            "dialect.longLived.url: " + ours,
		code + `"tokenUrl": "https://login.example.com/t", "dialect": {"regions": {"callback": "c", "origins": {"us": "https://{any}"}}}`:                     "dialect.regions.origins.us: " + ours,
		code + `"tokenUrl": "https://{any}/t", "clientAuth": "none", "dialect": {"tokenParams": {"k": ["{partner}"]}}`:                                        "dialect.tokenParams: " + hidden,
		code + `"tokenUrl": "https://{any}/t", "clientAuth": "none", "dialect": {"refreshParams": {"k": ["{partner}"]}}`:                                      "dialect.refreshParams: " + hidden,
		code + `"tokenUrl": "https://{any}/t", "clientAuth": "none", "dialect": {"tokenHeader": {"K": ["{partner}"]}}`:                                        "dialect.tokenHeader: " + hidden,
		strings.Replace(code, "https://login.example.com/r", "https://{any}/r", 1) + `"tokenUrl": "https://login.example.com/t"`:                              "revokeUrl: " + ours,
		`"type": "OAuth2", "tokenUrl": "https://{any}/t", "clientAuth": "none", "grant": {"passwordCredentials": {"username": "u", "password": "{partner}"}}`: "grant.passwordCredentials: " + hidden,

		`"type": "OAuth1", "requestTokenUrl": "https://{any}/r", "authorizeUrl": "https://{any}/a", "accessTokenUrl": "https://{any}/t"`:                                                                                                 "",
		`"type": "OAuth1", "requestTokenUrl": "https://{any}/r", "authorizeUrl": "https://{any}/a", "accessTokenUrl": "https://login.example.com/t", "signatureMethod": "PLAINTEXT"`:                                                     "requestTokenUrl: " + ours,
		`"type": "OAuth1", "requestTokenUrl": "https://login.example.com/r", "authorizeUrl": "https://{any}/a", "accessTokenUrl": "https://{any}/t", "signatureMethod": "PLAINTEXT"`:                                                     "accessTokenUrl: " + ours,
		`"type": "OAuth1", "baseUrl": "https://{any}", "requestTokenUrl": "https://login.example.com/r", "authorizeUrl": "https://login.example.com/a", "accessTokenUrl": "https://login.example.com/t", "signatureMethod": "PLAINTEXT"`: "baseUrl: " + ours,
		`"type": "OAuth1", "baseUrl": "https://{any}", "clientId": "{id}", "clientSecret": "{partner}", "token": "t", "tokenSecret": "{own}", "signatureMethod": "PLAINTEXT"`:                                                            "clientSecret: " + hidden,

		device + `"tokenUrl": "https://login.example.com/t"`:                                                                                         "grant.deviceCode.deviceUrl: " + ours,
		device + `"tokenUrl": "https://login.example.com/t", "clientId": "{id}", "clientSecret": "{own}"`:                                            "",
		strings.Replace(device, "https://{any}/d", "https://login.example.com/d", 1) + `"tokenUrl": "https://login.example.com/t"`:                   "",
		strings.Replace(device, `/d"`, `/d", "params": {"k": ["{partner}"]}`, 1) + `"tokenUrl": "https://login.example.com/t", "clientAuth": "none"`: "grant.deviceCode.params: " + hidden,
		code + `"issuer": "https://{any}"`:                                                                                        "issuer: " + ours,
		code + `"issuer": "https://{any}", "clientAuth": "none"`:                                                                  "",
		code + `"issuer": "https://{any}", "tokenUrl": "https://login.example.com/t"`:                                             "issuer: " + ours,
		code + `"issuer": {"url": "https://login.example.com", "origins": ["https://a.example.com", "https://{any}"]}`:            "issuer.origins[1]: " + ours,
		code + `"issuer": {"url": "https://login.example.com", "origins": ["https://{some}"]}`:                                    "",
		code + `"issuer": "https://{any}", "clientAuth": "none", "dialect": {"tokenParams": {"k": ["{partner}"]}}`:                "dialect.tokenParams: " + hidden,
		`"type": "OAuth2", "tokenUrl": "https://{any}/t", "clientAuth": "none", "grant": {"jwtBearer": ` + told + `}`:             "grant.jwtBearer.claims.more: " + hidden,
		code + `"tokenUrl": "https://{any}/t", "clientAssertion": ` + strings.Replace(told, `"issuer": "i", `, "", 1):             "clientAssertion.claims.more: " + hidden,
		code + `"tokenUrl": "https://login.example.com/t", "clientAssertion": ` + strings.Replace(told, `"issuer": "i", `, "", 1): "",
		`"baseUrl": "https://{any}", "type": "JWT", ` + told[1:len(told)-1]:                                                       "claims.more: " + hidden,

		`"type": "ApiKey", "key": "{partner}"`:                                                                                                        "",
		`"baseUrl": "https://{any}", "type": "ApiKey", "key": "{own}"`:                                                                                "",
		`"baseUrl": "https://{any}", "type": "ApiKey", "key": "{base64({own}:{partner})}"`:                                                            "key: " + hidden,
		`"baseUrl": "https://{any}", "type": "Basic", "username": "{partner}", "password": "{own}"`:                                                   "username: " + hidden,
		`"baseUrl": "https://{any}", "type": "Basic", "username": "a", "password": "{partner}"`:                                                       "password: " + hidden,
		`"baseUrl": "https://{any}", "type": "AuthFields", "fields": [{"key": "k", "value": "{partner}"}]`:                                            "fields[0].value: " + hidden,
		`"baseUrl": "https://{any}", "type": "ApiKey", "key": "{own}", "and": [{"type": "ApiKey", "key": "{partner}", "placement": {"name": "X-K"}}]`: "and[0].key: " + hidden,
		`"baseUrl": "https://{any}", "type": "JWT", "private": "{partner}", "claims": {"issuer": "a"}`:                                                "",

		`"type": "Session", "login": [{"url": "https://{any}/l", "json": {"a": [{"b": "{partner}"}]}, "capture": {"token": "t"}}]`:                                                                     "login[0]: " + hidden,
		`"type": "Session", "login": [{"url": "https://{any}/l", "form": {"k": "{own}"}, "capture": {"token": "t"}}]`:                                                                                  "",
		`"type": "Session", "login": [{"url": "https://login.example.com/l", "form": {"k": "{partner}"}, "capture": {"token": "t"}}]`:                                                                  "",
		`"type": "Session", "login": [{"url": "https://{any}/l", "header": {"K": "{partner}"}, "capture": {"token": "t"}}]`:                                                                            "login[0]: " + hidden,
		`"type": "Session", "login": [{"url": "https://{any}/l?k={partner}", "capture": {"token": "t"}}]`:                                                                                              "login[0]: " + hidden,
		`"type": "Session", "login": [{"url": "https://{any}/l", "xml": "<a>{partner}</a>", "capture": {"token": "t"}}]`:                                                                               "login[0]: " + hidden,
		`"type": "Session", "login": [{"url": "https://a.example.com/l", "capture": {"token": "t"}}], "renew": {"url": "https://{any}/l", "form": {"k": "{partner}"}, "capture": {"token": "t"}}`:      "renew: " + hidden,
		`"type": "Session", "login": [{"url": "https://a.example.com/l", "capture": {"token": "t"}}], "logout": {"url": "https://{any}/l", "form": {"k": "{partner}"}}`:                                "logout: " + hidden,
		`"type": "Session", "login": [{"url": "https://{any}/l", "capture": {"token": "t"}}], "auth": {"type": "Basic", "username": "a", "password": "{partner}"}`:                                     "auth.password: " + hidden,
		`"type": "Session", "login": [{"url": "https://a.example.com/l", "capture": {"token": "t"}}], "auth": {"type": "Basic", "username": "a", "password": "{partner}"}`:                             "",
		`"baseUrl": "https://{any}", "type": "Session", "login": [{"url": "https://a.example.com/l", "capture": {"token": "t"}}], "auth": {"type": "Basic", "username": "a", "password": "{partner}"}`: "",
		`"baseUrl": "https://{any}", "type": "Session", "login": [{"url": "https://a.example.com/l", "capture": {"token": "t"}}], "places": [{"name": "X-K", "value": "{token}{partner}"}]`:            "places[0].value: " + hidden,
	} {
		document := `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "inputs": [
			{"name": "any", "format": "host", "anyHost": true}, {"name": "some", "format": "host", "suffixes": [".example.com"]},
			{"name": "partner", "secret": true, "hidden": true}, {"name": "own", "secret": true}, {"name": "key", "secret": true, "format": "key"}, {"name": "id"}],
			"methods": [{"name": "m", ` + method + `}]}`
		var got []string
		for _, line := range lint(t, "acme.json", document) {
			if strings.Contains(line, "account owners choose") {
				got = append(got, strings.TrimPrefix(strings.SplitN(line, ": ", 2)[1], "methods[0]."))
			}
		}
		if want == "" {
			assert.Empty(t, got, method)
		} else if assert.Len(t, got, 1, method) {
			assert.True(t, strings.HasPrefix(got[0], want), "%s: %s", method, got[0])
		}
	}
}

// A header of the definition goes to each base URL, and a host that the program gives is no
// choice of the account owner.
func TestAdviceForASecretOfTheProgramInAHeader(t *testing.T) {
	const document = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com", "baseUrls": {"upload": "https://{any}"},
		"inputs": [{"name": "any", "format": "host", "anyHost": true}, {"name": "partner", "secret": true, "hidden": true}],
		"headers": {"X-Partner": "{partner}"}, "params": {"p": "{partner}"}, "methods": [{"name": "open", "type": "None"}, {"name": "more", "type": "None"}]}`
	got := strings.Join(lint(t, "acme.json", document), "\n")
	assert.Equal(t, 1, strings.Count(got, "headers.X-Partner: carries {partner}, which the program gives, to a host that account owners choose"), got)
	assert.Equal(t, 1, strings.Count(got, "params.p: carries {partner}, which"), got)
	got = strings.Join(lint(t, "acme.json", strings.Replace(document, `"anyHost": true`, `"anyHost": true, "hidden": true`, 1)), "\n")
	assert.NotContains(t, got, "account owners choose")
}

package definition_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/egress"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// registered has a method for each thing that a program may have to give.
const registered = `{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
	"methods": [
		{"name": "key", "type": "ApiKey", "key": "{apiKey}", "inputs": [{"name": "apiKey", "secret": true, "pattern": "[0-9]{20}"}]},
		{"name": "code", "type": "OAuth2", "tokenUrl": "https://{team}.example.com/token", "inputs": [{"name": "team", "format": "label"}],
			"grant": {"authorizationCode": {"authUrl": "https://login.example.com/a"}}},
		{"name": "public", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "clientAuth": "none", "grant": {"deviceCode": {"deviceUrl": "https://login.example.com/d"}}},
		{"name": "raw", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "clientAuth": "client_secret_basic_raw", "grant": {"clientCredentials": {}}},
		{"name": "user", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "clientAuth": "client_secret_user", "grant": {"clientCredentials": {}}},
		{"name": "own", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "clientId": "{id}", "clientSecret": "{secret}",
			"clientAuth": "client_secret_user", "inputs": [{"name": "id"}, {"name": "secret", "secret": true}], "grant": {"clientCredentials": {}}},
		{"name": "tls", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "clientAuth": "tls_client_auth", "grant": {"clientCredentials": {}}},
		{"name": "own-tls", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "clientId": "{id}", "clientAuth": "self_signed_tls_client_auth",
			"inputs": [{"name": "id"}], "grant": {"clientCredentials": {}}},
		{"name": "signed", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "inputs": [{"name": "key", "format": "key", "secret": true}],
			"clientAssertion": {"private": "{key}", "claims": {"audience": "https://login.example.com"}}, "grant": {"clientCredentials": {}}},
		{"name": "hidden-key", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "inputs": [{"name": "key", "was": ["pem"], "format": "key", "secret": true, "hidden": true}],
			"clientAssertion": {"private": "{key}", "claims": {"audience": "https://login.example.com"}}, "grant": {"authorizationCode": {"authUrl": "https://login.example.com/a"}}},
		{"name": "app", "type": "OAuth2", "tokenUrl": "https://login.example.com/token", "grant": {"clientCredentials": {}}},
		{"name": "hidden", "type": "ApiKey", "key": "{apiKey}{app}{plan}", "inputs": [{"name": "apiKey", "secret": true}, {"name": "app", "hidden": true, "pattern": "[a-z]+"},
			{"name": "plan", "hidden": true, "default": "free"}, {"name": "mark", "hidden": true, "optional": true}]},
		{"name": "oauth1", "type": "OAuth1", "token": "{token}", "tokenSecret": "{token}", "inputs": [{"name": "token", "secret": true}]},
		{"name": "rsa", "type": "OAuth1", "signatureMethod": "RSA-SHA1", "private": "{key}", "inputs": [{"name": "key", "format": "key", "secret": true, "hidden": true}]},
		{"name": "both", "type": "ApiKey", "key": "{apiKey}", "inputs": [{"name": "apiKey", "secret": true}], "placement": {"name": "X-Api-Key"},
			"and": [{"type": "OAuth2", "tokenUrl": "https://login.example.com/token", "grant": {"clientCredentials": {}}}]},
		{"name": "issuer", "type": "OAuth2", "issuer": "https://login.example.com", "grant": {"authorizationCode": {}}}]}`

// What a program must give is known before an account owner has given anything.
func TestReady(t *testing.T) {
	d := parse(t, registered)
	finder, err := discovery.New(discovery.Config{})
	require.NoError(t, err)
	generated, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key := pemOf(t, generated)
	type connection = definition.Connection
	id := definition.Client{ID: "id"}
	both := definition.Client{ID: "id", Secret: "CANARY"}
	noID := "Connection.Client: ID is missing; register the program with the service, and give its client ID there"
	noSecret := "Connection.Client: Secret is missing; the method takes no client without a secret"
	presents := &http.Client{Transport: &http.Transport{}}
	const noCertificate = "ClientAuth: %s needs an HTTPClient whose Transport presents the certificate, such as assertion.NewCertificateTransport"
	for _, test := range []struct {
		method string
		given  connection
		want   string // empty means ready
	}{
		{"key", connection{}, ""},
		{"key", connection{Values: values{"apiKey": "no digits"}, Scopes: []string{"none"}}, ""},
		{"key", connection{Values: values{"app": "CANARY", "pem": "CANARY"}}, ""}, // of other methods, and hidden
		{"key", connection{Values: values{"team": "CANARY"}}, `Values: "team" is no input of method key`},
		{"key", connection{HTTPClient: http.DefaultClient, Client: both}, ""},
		{"code", connection{}, noID},
		{"code", connection{Client: definition.Client{Secret: "CANARY"}}, noID},
		{"code", connection{Client: id}, ""},
		{"code", connection{Client: both}, ""},
		{"code", connection{Client: id, RenewBefore: -1}, "RenewBefore: is negative; 0 means 5 minutes"},
		{"public", connection{}, noID},
		{"public", connection{Client: id}, ""},
		{"raw", connection{}, noSecret + "\n" + noID},
		{"raw", connection{Client: id}, noSecret},
		{"raw", connection{Client: both}, ""},
		{"user", connection{Client: id}, noSecret},
		{"user", connection{Client: both}, ""},
		{"own", connection{}, ""},
		{"tls", connection{}, fmt.Sprintf("%s\n"+noCertificate, noID, "tls_client_auth")},
		{"tls", connection{Client: id}, fmt.Sprintf(noCertificate, "tls_client_auth")},
		{"tls", connection{Client: id, HTTPClient: &http.Client{}}, fmt.Sprintf(noCertificate, "tls_client_auth")},
		{"tls", connection{Client: both, HTTPClient: presents}, "ClientAuth: tls_client_auth sends no ClientSecret; remove the ClientSecret"},
		{"tls", connection{Client: id, HTTPClient: presents}, ""},
		{"own-tls", connection{}, fmt.Sprintf(noCertificate, "self_signed_tls_client_auth")},
		{"own-tls", connection{HTTPClient: presents}, ""},
		{"signed", connection{}, noID},
		{"signed", connection{Client: id}, ""},
		{"signed", connection{Client: id, Values: values{"key": "no key"}}, ""},
		{"hidden-key", connection{Client: id}, "Values: key: is missing; the input is hidden, so the program gives the value"},
		{"hidden-key", connection{Client: id, Values: values{"key": "CANARY"}}, "Values: key: the key is neither PEM, which begins with -----BEGIN, nor a JSON Web Key; the input is hidden, so the program gives the value"},
		{"hidden-key", connection{Client: id, Values: values{"key": key}}, ""},
		{"hidden-key", connection{Client: id, Values: values{"pem": key}}, ""},
		{"hidden", connection{}, "Values: app: is missing; the input is hidden, so the program gives the value"},
		{"hidden", connection{Values: values{"app": "CANARY"}}, "Values: app: does not look as the service writes it; the input is hidden, so the program gives the value"},
		{"hidden", connection{Values: values{"app": "us"}}, ""},
		{"oauth1", connection{}, noSecret + "\n" + noID},
		{"oauth1", connection{Client: id}, noSecret},
		{"oauth1", connection{Client: both}, ""},
		{"rsa", connection{Client: id}, "Values: key: is missing; the input is hidden, so the program gives the value"},
		{"rsa", connection{Client: id, Values: values{"key": key}}, "Values: key: is no RSA key; the input is hidden, so the program gives the value"},
		{"both", connection{}, noSecret + "\n" + noID},
		{"both", connection{Client: id}, noSecret},
		{"app", connection{Client: id}, noSecret},
		{"app", connection{Client: both}, ""},
		{"both", connection{Client: both}, ""},
		{"issuer", connection{Client: both}, "the method has an issuer, and there is no Finder to read its metadata; package accounts has Config.Finder"},
	} {
		test.given.Method = test.method
		err := d.Ready(nil, test.given)
		if test.want == "" {
			assert.NoError(t, err, "%s: %v", test.method, test.given)
			continue
		}
		var lacks *definition.NotReadyError
		require.ErrorAs(t, err, &lacks, "%s: %v", test.method, test.given)
		assert.Equal(t, "acme", lacks.Definition)
		assert.Equal(t, test.method, lacks.Method)
		assert.EqualError(t, lacks.Err, test.want, test.method)
		assert.Equal(t, "definition: acme: method "+test.method+": "+test.want, err.Error())
	}
	assert.NoError(t, d.Ready(finder, connection{Method: "issuer", Client: both}))
	assert.ErrorContains(t, d.Ready(finder, connection{Method: "issuer"}), noID)

	err = d.Ready(finder, connection{Method: "kye"})
	assert.EqualError(t, err, `definition: acme has no method "kye"; did you mean key?`)
	assert.False(t, errors.As(err, new(*definition.NotReadyError)), "no program can help")
	assert.ErrorContains(t, d.Ready(finder, connection{}), "several methods and no default")
}

// The values of a stored account count as in a Connect: those of hidden inputs, and surplus ones
// are no mistake.
func TestReadyOfAStoredAccount(t *testing.T) {
	set, err := definition.NewSet(parse(t, registered))
	require.NoError(t, err)
	a := definition.Account{Definition: "acme", Method: "hidden", Values: map[string]string{"app": "us", "gone": "x", "apiKey": "no digits"}}
	require.NoError(t, set.Ready(nil, a, definition.Connection{}))
	require.NoError(t, set.Ready(nil, a, definition.Connection{Values: values{"old": "CANARY"}}))
	require.EqualError(t, set.Ready(nil, a, definition.Connection{Values: values{"app": "CANARY"}}),
		"definition: acme: method hidden: Values: app: does not look as the service writes it; the input is hidden, so the program gives the value")
	a.Values = nil
	require.ErrorAs(t, set.Ready(nil, a, definition.Connection{}), new(*definition.NotReadyError))
	a.Method = "gone"
	require.ErrorContains(t, set.Ready(nil, a, definition.Connection{}), "revision 1 of acme has no method")
	a.Definition = "acne"
	require.ErrorContains(t, set.Ready(nil, a, definition.Connection{}), "there is no definition")
}

// A transport that reaches private addresses is a mistake of the program, with any value.
func TestReadyWhereAnInputLeadsToAnyHost(t *testing.T) {
	d, err := definition.Parse("acme.json", []byte(strings.NewReplacer(`"https://{team}.example.com/token"`, `"{team}/token"`, `"format": "label"`, `"format": "origin", "anyHost": true`,
		`"issuer": "https://login.example.com"`, `"inputs": [{"name": "team", "format": "origin", "anyHost": true}], "issuer": "{team}"`).Replace(registered)), definition.Options{AnyHost: true})
	require.NoError(t, err)
	given := definition.Connection{Method: "code", Client: definition.Client{ID: "id"}}
	require.NoError(t, d.Ready(nil, given))
	given.HTTPClient = &http.Client{Transport: http.DefaultTransport}
	require.ErrorContains(t, d.Ready(nil, given), "HTTPClient: definition: the account may lead to any host")
	guarded, err := egress.New(egress.Config{})
	require.NoError(t, err)
	given.HTTPClient = &http.Client{Transport: guarded}
	require.NoError(t, d.Ready(nil, given))

	given.Method = "issuer"
	for client, want := range map[*http.Client]string{{Transport: http.DefaultTransport}: "the Finder: definition: the account may lead to any host", given.HTTPClient: ""} {
		finder, err := discovery.New(discovery.Config{HTTPClient: client})
		require.NoError(t, err)
		if err = d.Ready(finder, given); want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
}

// A Kind says itself which client the program must give, and looks at no sample.
func TestReadyAsksAKind(t *testing.T) {
	type call struct {
		trial, store bool
		key          connectorauth.Secret
		client       string
	}
	var calls []call
	errNoClient, errNoKey := errors.New("Client: is for this Kind"), errors.New("key: has less than 20 digits")
	ask := func(texts map[string]connectorauth.Secret, c definition.Connection) error {
		calls = append(calls, call{c.Trial(), c.Store != nil, texts["key"], c.Client.ID})
		switch {
		case c.Client.ID == "":
			return errNoClient
		case !c.Trial() && len(texts["key"]) < 20:
			return errNoKey
		}
		return nil
	}
	for name, kind := range map[string]definition.Kind{
		"Connect": {Connect: func(texts map[string]connectorauth.Secret, _ []string, c definition.Connection) (connectorauth.Connector, error) {
			return connectorauth.None{}, ask(texts, c)
		}},
		"Consent": {Consent: func(texts map[string]connectorauth.Secret, _ []string, c definition.Connection) (definition.Consent, error) {
			return new(found), ask(texts, c)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			calls = nil
			kind.Name, kind.Members = "Own", []definition.Member{{Name: "key", Secret: true}}
			d, err := definition.Parse("acme.json", []byte(`{"connectorauth": 1, "name": "acme", "baseUrl": "https://api.example.com",
				"methods": [{"name": "own", "type": "Own", "key": "{key}", "inputs": [{"name": "key", "secret": true}]}]}`), definition.Options{Kinds: []definition.Kind{kind}})
			require.NoError(t, err)
			err = d.Ready(nil, definition.Connection{})
			require.ErrorAs(t, err, new(*definition.NotReadyError))
			require.ErrorIs(t, err, errNoClient)
			require.ErrorContains(t, err, "definition: acme: method own: Client: is for this Kind")
			given := definition.Connection{Client: definition.Client{ID: "id"}}
			require.NoError(t, d.Ready(nil, given))

			given.Values = values{"key": "short"}
			_, err = d.Connect(given)
			require.ErrorIs(t, err, errNoKey)
			assert.False(t, errors.As(err, new(*definition.NotReadyError)))
			require.ErrorIs(t, d.Validate("own", given.Values), errNoKey)
			assert.Equal(t, []call{
				{true, false, "x", "x"}, {true, true, "x", ""}, {true, true, "x", "id"}, // of Parse and Ready
				{false, false, "short", "id"}, {false, false, "short", "x"}, // of Connect and Validate
			}, calls)
		})
	}
}

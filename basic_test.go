package connectorauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBasicMatchesRFC7617(t *testing.T) {
	tests := []struct {
		name, username, password, want string
		charset                        dialect.Charset
	}{
		{name: "section 2", username: "Aladdin", password: "open sesame", want: "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{name: "section 2.1", username: "test", password: "123\u00a3", want: "Basic dGVzdDoxMjPCow=="},
		{name: "UTF-8 by name", username: "test", password: "123\u00a3", want: "Basic dGVzdDoxMjPCow==", charset: dialect.UTF8},
		{name: "ISO-8859-1", username: "test", password: "123\u00a3", want: "Basic dGVzdDoxMjOj", charset: dialect.Latin1},
		{name: "ISO-8859-1, both ends", username: "\u0080\u00ff", password: "~", want: "Basic gP86fg==", charset: dialect.Latin1},
		{name: "empty password", username: "user", password: "", want: "Basic dXNlcjo="},
		{name: "empty user name", username: "", password: "pass", want: "Basic OnBhc3M="},
		{name: "colon in the password", username: "user", password: "a:b", want: "Basic dXNlcjphOmI="},
		{name: "composed, as a server wants it", username: "\u00e9", password: "x", want: "Basic w6k6eA=="},
		{name: "decomposed, as it was given", username: "e\u0301", password: "x", want: "Basic ZcyBOng="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := &fakehttp.Base{}
			c, err := connectorauth.NewBasic(connectorauth.BasicConfig{Username: test.username, Password: connectorauth.Secret(test.password), Charset: test.charset})
			require.NoError(t, err)
			assert.Equal(t, connectorauth.AuthTypeBasic, c.AuthType())
			_, err = c.Wrap(base).RoundTrip(must(http.NewRequest(http.MethodGet, home, nil)))
			require.NoError(t, err)
			assert.Equal(t, []string{test.want}, base.Requests()[0].Header["Authorization"])
		})
	}
}

func TestBasicIsAccepted(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true, Username: "Zoë", Password: "pass word+/%&=:£日本"})
	t.Cleanup(p.Close)
	c := must(connectorauth.NewBasic(connectorauth.BasicConfig{Username: p.Username, Password: connectorauth.Secret(p.Password)}))
	resp, err := connectorauth.NewClient(c, p.Client()).Post(p.BasicURL, "text/plain", strings.NewReader("hello"))
	assert.Equal(t, "Zoë", accepted(t, connectorauth.AuthTypeBasic, resp, err).User)
}

func TestBasicIsAcceptedInLatin1(t *testing.T) {
	p := authtest.New(authtest.Config{TLS: true, Username: "Zo\xeb", Password: "\xa3:1"})
	t.Cleanup(p.Close)
	config := connectorauth.BasicConfig{Username: "Zo\u00eb", Password: "\u00a3:1", Charset: dialect.Latin1}
	resp, err := connectorauth.NewClient(must(connectorauth.NewBasic(config)), p.Client()).Get(p.BasicURL)
	accepted(t, connectorauth.AuthTypeBasic, resp, err)
	config.Charset = ""
	resp, err = connectorauth.NewClient(must(connectorauth.NewBasic(config)), p.Client()).Get(p.BasicURL)
	status, _ := read(t, resp, err)
	assert.Equal(t, 401, status, "UTF-8 unless asked for")
}

func TestBasicConfigIsChecked(t *testing.T) {
	type config = connectorauth.BasicConfig
	tests := []badConfig[config]{
		{"nothing", config{}, "Username, Password: both are empty; use None"},
		{"colon in the user name", config{Username: "te:st", Password: password}, "Username: has a colon"},
		{"line break in the user name", config{Username: "test\n", Password: password}, "Username: has a control character; look for a line break"},
		{"line break in the password", config{Username: "test", Password: password + "\n"}, "Password: has a control character; look for a line break"},
		{"DEL in the password", config{Username: "test", Password: password + "\x7f"}, "Password: has a control character"},
		{"NUL in the user name", config{Username: "\x00", Password: password}, "Username: has a control character"},
		{"user name not UTF-8", config{Username: "\xff", Password: password}, "Username: is not valid UTF-8"},
		{"user name outside ISO-8859-1", config{Username: "\u0142", Password: password, Charset: dialect.Latin1}, "Username: has a character that ISO-8859-1 does not have"},
		{"password outside ISO-8859-1", config{Username: "test", Password: password + "\u20ac", Charset: dialect.Latin1}, "Password: has a character that ISO-8859-1 does not have"},
		{"replacement character", config{Username: "test", Password: password + "\ufffd", Charset: dialect.Latin1}, "Password: has a character that ISO-8859-1"},
		{"password in the bytes of ISO-8859-1", config{Username: "test", Password: password + "\xa3", Charset: dialect.Latin1}, "Password: is not valid UTF-8"},
		{"unknown charset", config{Username: "test", Password: password, Charset: "latin1"}, `Charset: is "latin1"; use UTF-8 or ISO-8859-1`},
		{"password not UTF-8", config{Username: "test", Password: password + "\xff"}, "Password: is not valid UTF-8"},
	}
	for _, host := range badHosts {
		tests = append(tests, badConfig[config]{"host " + host, config{Username: "test", Hosts: []string{host}}, "Hosts: host"})
	}
	checkBadConfigs(t, "BasicConfig", tests, func(c config) error {
		_, err := connectorauth.NewBasic(c)
		return err
	})

	_, err := connectorauth.NewBasic(config{Username: "a:b\n", Password: password + "\n"})
	for _, problem := range []string{"Username: has a control character", "Password: has a control character", "has a colon"} {
		assert.ErrorContains(t, err, problem, "all problems are told at once")
	}
}

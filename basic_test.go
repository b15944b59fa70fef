package connectorauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBasicMatchesRFC7617(t *testing.T) {
	tests := []struct{ name, username, password, want string }{
		{"section 2", "Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
		{"section 2.1", "test", "123\u00a3", "Basic dGVzdDoxMjPCow=="},
		{"empty password", "user", "", "Basic dXNlcjo="},
		{"empty user name", "", "pass", "Basic OnBhc3M="},
		{"colon in the password", "user", "a:b", "Basic dXNlcjphOmI="},
		{"composed, as a server wants it", "\u00e9", "x", "Basic w6k6eA=="},
		{"decomposed, as it was given", "e\u0301", "x", "Basic ZcyBOng="},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base := &fakehttp.Base{}
			c, err := connectorauth.NewBasic(connectorauth.BasicConfig{Username: test.username, Password: connectorauth.Secret(test.password)})
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

package connectorauth

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/inject"
)

// BasicConfig holds a user name and password (RFC 7617).
type BasicConfig struct {
	// Username must not contain a colon. Username may be empty if Password is not:
	// some services take a key as the password.
	Username string
	// Password may be empty if Username is not: some services take a key as the user
	// name.
	Password Secret
	// Charset encodes Username and Password. Empty means dialect.UTF8 (RFC 7617
	// section 2.1). With dialect.Latin1, other characters are refused.
	Charset dialect.Charset
	// Hosts are the places that may see the credentials: see [APIKeyConfig].
	Hosts []string
}

// Basic is the [Connector] for HTTP Basic authentication.
type Basic struct{ core hidden }

// NewBasic returns a connector that sends user name and password with each
// request, without waiting for a challenge (RFC 7617 section 2). Username and
// Password are UTF-8 in the config, whatever the Charset. Control characters are
// refused. The characters are sent unchanged: a server that wants Unicode
// normalization form C needs a config in that form.
func NewBasic(config BasicConfig) (*Basic, error) {
	var problems check.List
	problems.Field("Username", checkBasic(config.Username, config.Charset))
	problems.Field("Password", checkBasic(string(config.Password), config.Charset))
	if !config.Charset.Valid() {
		problems.Add("Charset: is %q; use UTF-8 or ISO-8859-1", config.Charset)
	}
	if strings.Contains(config.Username, ":") {
		problems.Add("Username: has a colon, which ends a user name in HTTP Basic")
	}
	if config.Username == "" && config.Password == "" {
		problems.Add("Username, Password: both are empty; use None for a service without credentials")
	}
	userinfo := config.Username + ":" + string(config.Password)
	if config.Charset == dialect.Latin1 {
		userinfo = latin1(userinfo)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(userinfo))
	place, _ := inject.NewPlace(dialect.InHeader, "Authorization") // a valid place
	hosts := parseHosts(&problems, config.Hosts)
	if err := problems.Err("BasicConfig"); err != nil {
		return nil, err
	}
	return &Basic{newCore(&fixedValue{place, place.Encode("Basic " + encoded), &composed{fixed{Secret(encoded)}, []string{string(config.Password)}}}, hosts)}, nil
}

// checkBasic reports what RFC 7617 section 2 does not allow in a user name or
// password, and what the charset cannot spell.
func checkBasic(value string, charset dialect.Charset) error {
	err := check.Text(value)
	if err == nil && charset == dialect.Latin1 && strings.ContainsFunc(value, func(r rune) bool { return r > 0xff }) {
		return errors.New("has a character that ISO-8859-1 does not have; use UTF-8, if the service takes it")
	}
	return err
}

// latin1 returns text in ISO-8859-1, which must have all characters of text.
func latin1(text string) string {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		out = append(out, byte(r))
	}
	return string(out)
}

// AuthType returns AuthTypeBasic.
func (*Basic) AuthType() AuthType { return AuthTypeBasic }

// String names the type. A connector prints nothing of its credentials.
func (*Basic) String() string { return "connectorauth.Basic" }

// Wrap returns a RoundTripper that adds user name and password and sends through
// base. A nil base means http.DefaultTransport.
func (c *Basic) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *Basic) inner() *core             { return c.core.get() }
func (*Basic) with(inner *core) Connector { return &Basic{inner.hide()} }

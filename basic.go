package connectorauth

import (
	"encoding/base64"
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
	// Hosts are the places that may see the credentials: see [APIKeyConfig].
	Hosts []string
}

// Basic is the [Connector] for HTTP Basic authentication.
type Basic struct{ core *core }

// NewBasic returns a connector that sends user name and password with each
// request, encoded as UTF-8, without waiting for a challenge (RFC 7617 sections 2
// and 2.1). Control characters are refused. The bytes are sent unchanged: a
// server that wants Unicode normalization form C needs a config in that form.
func NewBasic(config BasicConfig) (*Basic, error) {
	var problems check.List
	problems.Field("Username", check.Text(config.Username))
	problems.Field("Password", check.Text(string(config.Password)))
	if strings.Contains(config.Username, ":") {
		problems.Add("Username: has a colon, which ends a user name in HTTP Basic")
	}
	if config.Username == "" && config.Password == "" {
		problems.Add("Username, Password: both are empty; use None for a service without credentials")
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(config.Username + ":" + string(config.Password)))
	place, _ := inject.NewPlace(dialect.InHeader, "Authorization") // a valid place
	hosts := parseHosts(&problems, config.Hosts)
	if err := problems.Err("BasicConfig"); err != nil {
		return nil, err
	}
	return &Basic{newCore(&fixedValue{place, "Basic " + encoded, &fixed{Secret(encoded)}}, hosts)}, nil
}

// AuthType returns AuthTypeBasic.
func (*Basic) AuthType() AuthType { return AuthTypeBasic }

// String names the type. A connector prints nothing of its credentials.
func (*Basic) String() string { return "connectorauth.Basic" }

// Wrap returns a RoundTripper that adds user name and password and sends through
// base. A nil base means http.DefaultTransport.
func (c *Basic) Wrap(base http.RoundTripper) http.RoundTripper { return c.core.wrap(base) }

func (c *Basic) inner() *core             { return c.core }
func (*Basic) with(inner *core) Connector { return &Basic{inner} }

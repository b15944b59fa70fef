package connectorauth

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"
)

// BasicConfig holds a user name and password (RFC 7617).
type BasicConfig struct {
	// Username must not have a colon. It may be empty if Password is not: some
	// services take a key as the password alone.
	Username string
	// Password may be empty if Username is not: other services take a key as the
	// user name alone.
	Password Secret
	// Hosts are the places that may see the credentials: see [APIKeyConfig].
	Hosts []string
}

// Basic is the [Connector] for HTTP Basic authentication.
type Basic struct{ *guarded }

// NewBasic returns a connector that sends user name and password with each
// request, encoded as UTF-8, without waiting to be asked (RFC 7617 sections 2
// and 2.1). Control characters are refused. Bytes are sent as given: a server
// that wants Unicode normalization form C must be given it.
func NewBasic(config BasicConfig) (*Basic, error) {
	err := configError("BasicConfig", checkBasic("Username", config.Username), checkBasic("Password", string(config.Password)), func() error {
		switch {
		case strings.Contains(config.Username, ":"):
			return errors.New("Username: has a colon, which ends a user name on the wire")
		case config.Username == "" && config.Password == "":
			return errors.New("Username, Password: both are empty; use None for a service without credentials")
		}
		return nil
	}())
	if err != nil {
		return nil, err
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(config.Username + ":" + string(config.Password)))
	place := placement{InHeader, "Authorization"}
	g, err := newFixed(&fixedValue{place, []string{"Basic " + encoded}}, place.header(), config.Hosts, Secret(encoded))
	if err := configError("BasicConfig", err); err != nil {
		return nil, err
	}
	return &Basic{g}, nil
}

// checkBasic reports what RFC 7617 section 2 does not allow in a user name or
// password.
func checkBasic(field, value string) error {
	switch {
	case hasControl(value):
		return errors.New(field + ": has a control character; look for a line break at its end")
	case !utf8.ValidString(value):
		return errors.New(field + ": is not valid UTF-8")
	}
	return nil
}

// AuthType returns AuthTypeBasic.
func (*Basic) AuthType() AuthType { return AuthTypeBasic }

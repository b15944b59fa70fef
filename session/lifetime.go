package session

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
)

// checkLifetime lists what is wrong with the lifetime.
func (s *service) checkLifetime(problems *check.List) {
	l := s.lifetime
	if l.Expiry != "" && l.JWT != "" {
		problems.Add("Lifetime: Expiry, JWT: exclude each other; remove one")
	}
	for _, capture := range []struct{ field, name string }{{"Expiry", l.Expiry}, {"JWT", l.JWT}} {
		if capture.name != "" && !slices.Contains(s.names, capture.name) {
			problems.Add("Lifetime: %s: %s is the capture of no login request%s", capture.field, capture.name, hint(capture.name, s.names))
		}
	}
	if !l.Format.Valid() {
		problems.Add("Lifetime: Format: unknown value %q: use seconds, milliseconds, unix or rfc3339", l.Format)
	}
	if l.Format != "" && l.Expiry == "" {
		problems.Add("Lifetime: Format: is for Expiry")
	}
	if l.Fixed < 0 || l.Idle < 0 {
		problems.Add("Lifetime: Fixed, Idle: are negative; 0 means until the API rejects the session")
	}
}

// errLifetime does not quote what the service wrote, which may be anything.
var errLifetime = errors.New("session: the expiry in a response cannot be read, is absent, or has passed already; see Lifetime")

// end returns when a session ends that a request at issued began. The note says that the
// response does not tell.
func (l Lifetime) end(values map[string]string, issued time.Time) (expiry time.Time, note error) {
	if l.Expiry != "" {
		expiry, note = endpoint.Ends(values[l.Expiry], l.Format, issued)
	}
	if l.JWT != "" {
		expiry, note = endOfJWT(values[l.JWT], issued)
	}
	if note != nil {
		note = errLifetime
	}
	if expiry.IsZero() && l.Fixed > 0 {
		expiry = issued.Add(l.Fixed)
	}
	if !expiry.IsZero() && !expiry.After(time.Now()) { // or each request would log in
		expiry, note = time.Time{}, errLifetime
	}
	return expiry, note
}

// endOfJWT reads the claim exp of a JWT.
func endOfJWT(token string, issued time.Time) (time.Time, error) {
	parts := strings.SplitN(token, ".", 4) // no more, whatever the token is
	if len(parts) != 3 {
		return time.Time{}, errLifetime
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}, errLifetime
	}
	var claims struct {
		Exp json.Number `json:"exp"`
	}
	if json.Unmarshal(text, &claims) != nil || claims.Exp == "" {
		return time.Time{}, errLifetime
	}
	return endpoint.Ends(claims.Exp, dialect.ExpiryUnix, issued)
}

package assertion

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/connectorauth/connectorauth/internal/check"
)

const (
	backdated   = 10 * time.Second // how long ago an assertion was issued, for clocks that are late
	lifetime    = 3 * time.Minute  // of an assertion that is used at once
	maxLifetime = 24 * time.Hour
)

// Claims are what an assertion says (RFC 7519 section 4.1). The times and the
// identifier of an assertion (iat, exp and jti) are made anew for each assertion.
type Claims struct {
	// Issuer is who signs: the claim iss.
	Issuer string
	// Subject is whom the assertion is about: the claim sub. Empty means none.
	Subject string
	// Audience is the provider, as the provider names itself: the claim aud, as a text
	// and not as a list. Some providers want their issuer identifier, others their
	// token URL, so the library never guesses.
	Audience string
	// Lifetime is how long an assertion is valid. 0 means the default of the
	// constructor. At most a day; providers often refuse more than a few minutes.
	Lifetime time.Duration
	// More are further claims, such as "scope". Values are what encoding/json takes. More
	// cannot have iss, sub and aud, which other fields set, and iat, exp, nbf and jti.
	// Empty means none.
	More map[string]any
	// Header are further members of the header (RFC 7515 section 4.1), such as "typ",
	// which otherwise is "JWT". Header cannot set alg, kid and x5t#S256, which come from
	// the Key. Empty means none.
	Header map[string]any
}

// reserved are the claims that a program cannot set by More, and what sets them.
var reserved = map[string]string{
	"iss": "use Claims.Issuer", "sub": "use Claims.Subject", "aud": "use Claims.Audience, which is a text",
	"exp": "use Claims.Lifetime", "iat": "each assertion has the time at which the key signs",
	"nbf": "an assertion is valid from its iat", "jti": "each assertion that is sent once has a new one, and NewJWT has none",
}

// check lists what is wrong with the claims.
func (c *Claims) check(problems *check.List) {
	if c.Lifetime < 0 || c.Lifetime > maxLifetime {
		problems.Add("Claims.Lifetime: is %v; use up to 24h, or 0 for the default", c.Lifetime)
	}
	if c.Lifetime > 0 && c.Lifetime < 2*backdated {
		problems.Add("Claims.Lifetime: is %v; use at least %v, because clocks differ", c.Lifetime, 2*backdated)
	}
	for _, claim := range []struct{ field, text string }{{"Issuer", c.Issuer}, {"Subject", c.Subject}, {"Audience", c.Audience}} {
		if isNoText(claim.text) {
			problems.Add("Claims.%s: contains a control character, or is not UTF-8", claim.field)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(reserved)) {
		if _, ok := c.More[name]; ok {
			problems.Add("Claims.More: contains %q; %s", name, reserved[name])
		}
	}
	for _, name := range []string{"alg", "kid", "x5t#S256"} {
		if _, ok := c.Header[name]; ok {
			problems.Add("Claims.Header: contains %q, which comes from the Key", name)
		}
	}
	if _, ok := c.Header["b64"]; ok {
		problems.Add(`Claims.Header: contains "b64", and assertions are always encoded (RFC 7797 section 7)`)
	}
	for _, further := range []struct {
		field  string
		values map[string]any
	}{{"Claims.More", c.More}, {"Claims.Header", c.Header}} {
		if _, err := json.Marshal(further.values); err != nil {
			problems.Add("%s: cannot be written as JSON: %w", further.field, err)
		}
	}
}

// clone returns a copy that shares nothing with c, however deep.
func (c Claims) clone() Claims {
	c.More, c.Header = snapshot(c.More), snapshot(c.Header)
	return c
}

// snapshot returns members as JSON. A value that cannot be JSON, which check reports, is
// left out.
func snapshot(members map[string]any) map[string]any {
	texts := make(map[string]any, len(members))
	for name, value := range members {
		if text, err := json.Marshal(value); err == nil {
			texts[name] = json.RawMessage(text)
		}
	}
	return texts
}

// sign returns an assertion that is issued at now. An assertion that is sent several
// times has no jti, because a provider may refuse to see a jti twice.
func (k *Key) sign(c *Claims, now time.Time, once bool) (string, error) {
	issued := now.Add(-backdated)
	claims := make(map[string]any, len(c.More)+6)
	maps.Copy(claims, c.More)
	for name, value := range map[string]string{"iss": c.Issuer, "sub": c.Subject, "aud": c.Audience} {
		if value != "" {
			claims[name] = value
		}
	}
	claims["iat"], claims["exp"] = issued.Unix(), issued.Unix()+int64(c.Lifetime/time.Second) // never longer than a provider allows
	if once {
		claims["jti"] = rand.Text()
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("assertion: the claims cannot be written as JSON: %w", err)
	}
	header := make(map[string]any, len(c.Header)+4)
	header["typ"] = "JWT"
	maps.Copy(header, c.Header)
	if k.id != "" {
		header["kid"] = k.id
	}
	if k.thumbprint != "" {
		header["x5t#S256"] = k.thumbprint
	}
	signed, err := k.key().Sign(header, payload)
	if err != nil {
		return "", fmt.Errorf("assertion: %w", err)
	}
	return signed, nil
}

package assertion

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// maxAssertion is the length in bytes of the longest assertion that is sent.
const maxAssertion = 256 << 10

// A source makes assertions: with a key, or by a function.
type source struct {
	key    *Key
	claims Claims
	get    func(context.Context) (connectorauth.Secret, error)
}

// newSource returns a source, and lists what is wrong.
func newSource(problems *check.List, key *Key, claims Claims, get func(context.Context) (connectorauth.Secret, error)) source {
	switch {
	case key == nil && get == nil:
		problems.Field("Key", errNoKey)
	case key != nil && get != nil:
		problems.Add("Key: give either Key or Assertion")
	case get == nil:
		checkKey(problems, key)
		claims.check(problems)
	case claims.Issuer+claims.Subject+claims.Audience != "" || claims.Lifetime != 0 || claims.More != nil || claims.Header != nil:
		problems.Add("Claims: are for a Key; Assertion brings its own")
	}
	claims = claims.clone()
	claims.Lifetime = cmp.Or(claims.Lifetime, lifetime)
	return source{key, claims, get}
}

// assertion returns an assertion for one request.
func (s *source) assertion(ctx context.Context, r *connectorauth.TokenRequest) (string, error) {
	if s.get == nil {
		return s.key.sign(&s.claims, r.Now(), true)
	}
	secret, err := s.get(ctx)
	if err != nil {
		return "", fmt.Errorf("assertion: the function Assertion: %w", withhold(err, secret))
	}
	return string(secret), checkToken(string(secret))
}

// withhold returns err, which no longer quotes what came beside err.
func withhold(err error, secret connectorauth.Secret) error {
	return scrub.Withhold(err, scrub.Spellings(string(secret))...)
}

// checkToken reports what is wrong with a token from elsewhere.
func checkToken(token string) error {
	switch {
	case token == "":
		return errors.New("assertion: the function returned an empty token")
	case len(token) > maxAssertion:
		return fmt.Errorf("assertion: the function returned a token of %d bytes; at most %d are sent", len(token), maxAssertion)
	case wire.HasControl(token):
		return errors.New("assertion: the function returned a token with a control character, such as the line break at the end of a file")
	}
	return nil
}

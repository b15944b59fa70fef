package connectorauth

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/endpoint"
)

// A Proof proves with each request that the client holds a key, so a stolen
// token is useless: see assertion.DPoP (RFC 9449). A Proof serves several accounts and is
// safe for concurrent use.
type Proof interface {
	// TokenTypes returns each token_type that token responses may have, such as "DPoP".
	// The type of a token is also the scheme of the Authorization header. "Bearer" is for
	// tokens that are not bound to a key. TokenTypes must not be empty, and never changes.
	TokenTypes() []string
	// NewKey returns a new key as text. The account's record keeps the key together
	// with the token. Empty means that the account needs no key of its own.
	NewKey() (Secret, error)
	// Bind returns the parameters of an authorization request that bind the code to key,
	// such as dpop_jkt (RFC 9449 section 10). Empty means none.
	Bind(key Secret) (url.Values, error)
	// Prove adds a proof to req, right before req is sent. token is the access token
	// that req carries; empty in a request to the provider: a token request, a pushed
	// authorization request or a device authorization request. A revocation has no proof.
	Prove(req *http.Request, key, token Secret) error
	// Again sees each response to a request with a proof. Again reports whether
	// the response asks for the same request with another proof. Such a request is
	// sent again once, and Again sees the second response too. The Request of the response
	// is a copy of the request as the request was sent. Again may read the body of the
	// provider's response; the body of an API's response is the caller's, and empty here.
	Again(resp *http.Response) bool
}

// A binding is what a Proof knows of a token.
type binding struct {
	Key  string `json:"key,omitempty"`        // of the account; empty: the Proof has a key for all accounts
	Type string `json:"token_type,omitempty"` // empty: Bearer
}

// key returns the key of t, which may be nil.
func (t *token) key() string {
	if t == nil || t.Bound == nil {
		return ""
	}
	return t.Bound.Key
}

// boundTo returns the binding of t with a key, which the account may not have had so far.
func (t *token) boundTo(key string) *binding {
	if key == t.key() {
		return t.Bound
	}
	b := &binding{Key: key}
	if t.Bound != nil {
		b.Type = t.Bound.Type
	}
	return b
}

// kind returns the type of t.
func (t *token) kind() string {
	if t.Bound == nil || t.Bound.Type == "" {
		return bearerType
	}
	return t.Bound.Type
}

// bindTo notes what a response says about the type of t, whose request had a proof with
// key, and reports whether requests can carry t.
func (s *oauth2Scheme) bindTo(t *token, key, named string) error {
	kind, err := s.typeOf(named)
	if kind == bearerType {
		kind = ""
	}
	if t.Bound = nil; key+kind != "" {
		t.Bound = &binding{key, kind}
	}
	return errors.Join(err, s.checkAccess(t))
}

// bindForeign is bindTo for a token from elsewhere, whose key stayed there.
func (s *oauth2Scheme) bindForeign(t *token, named string) error {
	if err := s.bindTo(t, "", named); err != nil || s.proof == nil || t.kind() == bearerType {
		return err
	}
	key, err := s.newProofKey(s.Secrets(t)...)
	if err == nil && key != "" {
		err = errors.New("the token is bound to a key that the account does not have; give a refresh token too, or begin a consent")
	}
	return err
}

// newProofKey returns a new key, or "" without a Proof.
func (s *oauth2Scheme) newProofKey(secrets ...string) (string, error) {
	if s.proof == nil {
		return "", nil
	}
	var key Secret
	err := foreign("the key for the proof of possession", func() (err error) {
		if key, err = s.proof.NewKey(); err != nil {
			err = fmt.Errorf("connectorauth: the key for the proof of possession: %w", err)
		}
		return err
	}, append(secrets, string(s.clientSecret))...)
	return string(key), withhold(err, string(key))
}

// proofKey returns the key of the account, new if the account has none.
func (s *oauth2Scheme) proofKey(old *token) (string, error) {
	if key := old.key(); key != "" {
		return key, nil
	}
	return s.newProofKey(s.Secrets(old)...)
}

// errUnproven is the error of a refresh token whose key the config does not have.
var errUnproven = fmt.Errorf("%w, or the config must get back its Proof: the refresh token is bound to a key", ErrReauthRequired)

// canProve reports whether the account has the key of its refresh token. The refresh token
// of a client that does not authenticate is bound (RFC 9449 section 5): without the key, the
// provider would refuse the refresh token, and the account would be lost.
func (s *oauth2Scheme) canProve(old *token) error {
	method, ok := s.clientAuth.(ClientAuthMethod)
	public := ok && !method.byCertificate() && (method == ClientAuthNone || s.clientSecret == "")
	if !public || old.kind() == bearerType {
		return nil
	}
	if s.proof == nil {
		return errUnproven
	}
	if old.key() != "" || !s.takes(old) {
		return nil
	}
	if key, err := s.newProofKey(s.Secrets(old)...); err != nil || key != "" {
		return cmp.Or(err, errUnproven)
	}
	return nil
}

// bind returns what the authorization request says about key.
func (s *oauth2Scheme) bind(key string) (params url.Values, err error) {
	if s.proof == nil {
		return nil, nil
	}
	err = foreign("the proof of possession", func() error {
		if params, err = s.proof.Bind(Secret(key)); err != nil {
			return fmt.Errorf("connectorauth: the proof of possession: %w", err)
		}
		return nil
	}, key)
	return params, err
}

// prove adds a proof of possession to req, which carries the access token or is a
// request to the provider.
func (s *oauth2Scheme) prove(req *http.Request, key, token string) error {
	return foreign("the proof of possession", func() error {
		if err := s.proof.Prove(req, Secret(key), Secret(token)); err != nil {
			return fmt.Errorf("connectorauth: the proof of possession: %w", err)
		}
		return nil
	}, key, token)
}

// wantsProof reports whether the provider's response to sent asks for another proof of
// possession.
func (s *oauth2Scheme) wantsProof(sent *http.Request, resp *endpoint.Response) (again bool) {
	of := *resp.Response
	of.Request = sent
	seen := withoutBody(&of)
	seen.Body = io.NopCloser(bytes.NewReader(resp.Body))
	foreign("Again", func() error { again = s.proof.Again(seen); return nil })
	return again
}

// bearerType is the token_type of RFC 6750.
const bearerType = "Bearer"

// tokenTypes returns the types of tokens that requests can carry.
func (s *oauth2Scheme) tokenTypes() []string {
	if s.proof == nil {
		return []string{bearerType}
	}
	return s.proof.TokenTypes()
}

// typeOf returns the type of a token from the token_type of a response, as
// s.tokenTypes spells the type. Many providers leave the type of Bearer tokens out. An
// error refuses tokens of other types (RFC 6749 section 7.1).
func (s *oauth2Scheme) typeOf(named string) (string, error) {
	takes := s.tokenTypes()
	i := slices.IndexFunc(takes, func(t string) bool { return strings.EqualFold(t, cmp.Or(named, bearerType)) })
	notForAPI := strings.EqualFold(named, "N_A") // RFC 8693 section 2.2.1
	switch {
	case i >= 0:
		return takes[i], nil
	case s.proof == nil && (s.dialect.Response.AnyTokenType || notForAPI && s.traits.NoAccessToken):
		return bearerType, nil
	case notForAPI:
		return "", errors.New("the token type is N_A: the token is no access token, and the grant asked for one")
	case len(named) > 16: // not a type, but something that the provider put in its place
		return "", fmt.Errorf("the token type is not %s", takes[0])
	}
	return "", fmt.Errorf("the token type is %q, not %s", named, takes[0])
}

// takes reports whether requests can carry t. A Proof that is new in the config, or that
// takes other types now, does not fit the tokens of before.
func (s *oauth2Scheme) takes(t *token) bool {
	return slices.Contains(s.tokenTypes(), t.kind())
}

// carried returns t as requests carry t: with its prefix.
func (s *oauth2Scheme) carried(t *token) string {
	if s.proof == nil {
		return s.place.prefix + t.Access
	}
	return t.kind() + " " + t.Access
}

// provenCredential is an access token with a proof, in one request.
type provenCredential struct {
	*oauth2Credential
	out   *http.Request // the request with the proof; nil before prove
	again bool          // the response asks for another proof, not for another token
}

// prove adds the proof of sent, if sent has one, to the request that is about to be sent:
// after the hooks and after all other credentials, which may change the request.
func prove(req *http.Request, sent credential) error {
	switch c := sent.(type) { // faster than an interface
	case *provenCredential:
		return c.prove(req)
	case *joinedCredential:
		return c.prove(req)
	}
	return nil
}

// prove adds a proof to req.
func (c *provenCredential) prove(req *http.Request) error {
	c.out = req
	host := req.URL.Host
	if err := c.s.prove(req, c.from.Value.key(), c.from.Value.Access); err != nil {
		return err
	}
	return complete(req, host)
}

func (c *provenCredential) rejected(resp *http.Response) bool {
	of := *resp
	of.Request = c.out
	seen := withoutBody(&of)
	foreign("Again", func() error { c.again = c.s.proof.Again(seen); return nil })
	return c.again || c.oauth2Credential.rejected(resp)
}

func (c *provenCredential) asksProof() bool { return c.again }

func (c *provenCredential) replace(ctx context.Context) error {
	if c.again {
		return nil
	}
	return c.oauth2Credential.replace(ctx)
}

func (c *provenCredential) replaceLater(ctx context.Context) error {
	if c.again {
		return errProofAgain
	}
	return c.oauth2Credential.replaceLater(ctx)
}

func (c *provenCredential) rejectedAgain() error {
	if !c.again && c.from.Young(c.from.Value.Issued) {
		return c.oauth2Credential.rejectedAgain()
	}
	return errProofAgain
}

// asksProof reports whether a response rejects the proof of possession, and not the token.
func asksProof(sent credential) bool {
	c, ok := sent.(interface{ asksProof() bool })
	return ok && c.asksProof()
}

// errProofAgain is why a request with a proof was not sent once more.
var errProofAgain = errors.New("connectorauth: the API asks for another proof of possession; a new request has one")

package assertion

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/jws"
)

// DPoPConfig says with which keys a [DPoP] proves.
type DPoPConfig struct {
	// Key proves for all accounts. A Key whose Signer is remote, such as in a KMS, is asked
	// for every request to the API. Key must not be a secret. Nil means a new key for each
	// account, which the account's record keeps together with the token. Whoever reads the
	// Store can use both, so seal the Store: see tokenstore.NewSealed. An account that has a
	// key of its own keeps that key until the next consent, because a refresh token may be
	// bound to the key (RFC 9449 section 5).
	Key *Key
	// Algorithm is that of new keys: ES256, ES384, ES512 or EdDSA. Empty means ES256, which
	// most providers take. Must be empty with Key.
	Algorithm Algorithm
	// AllowBearer accepts Bearer tokens of a provider that ignores proofs (RFC 9449 section
	// 5). Requests with a Bearer token have no proof, and whoever steals the token can use
	// the token. Otherwise a Bearer token is refused.
	AllowBearer bool
}

// DPoP proves with each request that the client holds a private key (RFC 9449), so a
// stolen token is of no use. Use a DPoP as Proof of a connectorauth.OAuth2Config. Token
// requests, pushed authorization requests, device authorization requests and requests to the
// API carry a proof, each a new one. The code of a consent is bound to the key (section 10).
// A revocation has no proof, so an account can end without its key.
//
// One DPoP serves all accounts of a program, and is safe for concurrent use: a DPoP
// remembers the newest nonce of each origin (section 8.2), of 4,096 origins at most. When
// a server asks for a nonce, the request is sent once more, with the nonce and nothing
// else that was used before; no token is renewed. When the Date of a refusal of the proof
// shows that the clock of this machine is wrong, later proofs have the server's time.
type DPoP struct{ state func() *dpopState } // reflection reaches nothing behind a function

// dpopState is what a DPoP keeps.
type dpopState struct {
	fixed       *prover // of DPoPConfig.Key, for accounts without a key; nil: each account has a key
	algorithm   Algorithm
	allowBearer bool
	provers     limited[connectorauth.Secret, *prover]
	servers     limited[string, *dpopServer] // by origin
}

// NewDPoP returns a DPoP.
func NewDPoP(config DPoPConfig) (*DPoP, error) {
	var problems check.List
	state := &dpopState{algorithm: cmp.Or(config.Algorithm, ES256), allowBearer: config.AllowBearer}
	if config.Key != nil {
		checkKey(&problems, config.Key)
		if config.Algorithm != "" {
			problems.Add("Algorithm: is for new keys; leave Algorithm empty, because Key has its own")
		}
		if key := config.Key.key(); key.Public() != nil {
			state.fixed = newProver(key)
		} else if problems.Len() == 0 {
			problems.Add("Key: is a secret; a proof needs a private key (RFC 9449 section 4.2)")
		}
	} else if _, err := newDPoPKey(state.algorithm); err != nil {
		problems.Field("Algorithm", err)
	}
	if err := problems.Err("DPoPConfig"); err != nil {
		return nil, err
	}
	return &DPoP{func() *dpopState { return state }}, nil
}

// newDPoPKey returns a new private key.
func newDPoPKey(a Algorithm) (key crypto.Signer, err error) {
	switch a {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case ES512:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("is %.20q; new keys are for ES256, ES384, ES512 or EdDSA", string(a))
}

// A prover signs proofs with one key.
type prover struct {
	key        *jws.Key
	header     string // of all proofs, encoded
	thumbprint string
}

func newProver(key *jws.Key) *prover {
	header, _ := key.Header(map[string]any{"typ": "dpop+jwt", "jwk": key.PublicJWK()}) // jws wrote the JWK
	return &prover{key, header, key.Thumbprint()}
}

// prover returns what signs with an account's key, a result of NewKey.
func (s *dpopState) prover(text connectorauth.Secret) (*prover, error) {
	if text == "" && s.fixed != nil {
		return s.fixed, nil
	}
	if text == "" {
		return nil, fmt.Errorf("%w: the account has no DPoP key; a token from elsewhere is bound to a key that stayed there", connectorauth.ErrReauthRequired)
	}
	if known, ok := s.provers.get(text); ok {
		return known, nil
	}
	damaged := fmt.Errorf("%w: the account's DPoP key is damaged", connectorauth.ErrReauthRequired)
	der, err := base64.RawStdEncoding.DecodeString(string(text))
	if err != nil {
		return nil, damaged
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, damaged
	}
	signer, _ := private.(crypto.Signer)
	key, err := jws.New(signer, "")
	if err != nil {
		return nil, damaged
	}
	return s.provers.add(text, newProver(key)), nil
}

// TokenTypes returns "DPoP", and "Bearer" with DPoPConfig.AllowBearer.
func (d *DPoP) TokenTypes() []string {
	if d.state().allowBearer {
		return []string{"DPoP", "Bearer"}
	}
	return []string{"DPoP"}
}

// NewKey returns a new key: PKCS#8 in base64. The result is empty with DPoPConfig.Key.
func (d *DPoP) NewKey() (connectorauth.Secret, error) {
	s := d.state()
	if s.fixed != nil {
		return "", nil
	}
	key, err := newDPoPKey(s.algorithm)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return connectorauth.Secret(base64.RawStdEncoding.EncodeToString(der)), err
}

// Bind returns dpop_jkt, the thumbprint of the key (RFC 9449 section 10).
func (d *DPoP) Bind(key connectorauth.Secret) (url.Values, error) {
	p, err := d.state().prover(key)
	if err != nil {
		return nil, err
	}
	return url.Values{"dpop_jkt": {p.thumbprint}}, nil
}

// dpopClaims are the claims of a proof (RFC 9449 section 4.2).
type dpopClaims struct {
	ID     string `json:"jti"`
	Method string `json:"htm"`
	URL    string `json:"htu"`
	Issued int64  `json:"iat"`
	Access string `json:"ath,omitempty"`
	Nonce  string `json:"nonce,omitempty"`
}

// Prove adds a new proof to req. A request with a Bearer token gets none.
func (d *DPoP) Prove(req *http.Request, key, token connectorauth.Secret) error {
	maps.DeleteFunc(req.Header, func(name string, _ []string) bool { return strings.EqualFold(name, "DPoP") }) // the caller's, in any spelling
	if token != "" && strings.HasPrefix(req.Header.Get("Authorization"), "Bearer ") {
		return nil
	}
	s := d.state()
	p, err := s.prover(key)
	if err != nil {
		return err
	}
	claims := dpopClaims{ID: rand.Text(), Method: cmp.Or(req.Method, http.MethodGet), URL: target(req)}
	now := time.Now()
	if server, ok := s.servers.get(originOf(req.URL)); ok {
		claims.Nonce = *server.nonce.Load()
		now = now.Add(time.Duration(server.clock.Ahead()) * time.Second)
	}
	claims.Issued = now.Unix()
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims.Access = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	payload, err := json.Marshal(&claims)
	if err != nil {
		return errors.New("assertion: the proof cannot be written as JSON")
	}
	proof, err := p.key.SignWith(p.header, payload)
	if err != nil {
		return fmt.Errorf("assertion: %w", err)
	}
	req.Header.Set("DPoP", proof)
	return nil
}

// target returns htu: the URL of req without query and fragment. A server knows its host
// from the Host header (RFC 9110 section 7.1), and the path as the request line has it.
func target(req *http.Request) string {
	u := url.URL{Scheme: req.URL.Scheme, Host: cmp.Or(req.Host, req.URL.Host), Path: req.URL.Path, RawPath: req.URL.RawPath}
	if opaque := req.URL.Opaque; opaque != "" {
		opaque, _, _ = strings.Cut(opaque, "?")
		if rest, absolute := strings.CutPrefix(opaque, "//"); absolute {
			_, opaque, _ = strings.Cut(rest, "/")
		}
		return u.Scheme + "://" + u.Host + "/" + strings.TrimPrefix(opaque, "/")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}

// String names the type. A DPoP prints nothing of its keys.
func (*DPoP) String() string { return "assertion.DPoP" }

// GoString is String, for the verb %#v.
func (d *DPoP) GoString() string { return d.String() }

// Format prints String under every verb.
func (d *DPoP) Format(s fmt.State, _ rune) { s.Write([]byte(d.String())) }

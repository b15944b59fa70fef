package doors

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
)

// DPoP proves the possession of a key with each request (RFC 9449), so a
// stolen access token is of no use. Use a DPoP as Proof of a
// connectorauth.OAuth2Config. One DPoP serves all accounts of a program: the keys
// are in the accounts' records, and DPoP keeps only the nonces of the servers.
type DPoP struct {
	mu     sync.Mutex
	nonces map[string]string // by origin (RFC 9449 sections 8 and 9)
}

// NewDPoP returns a DPoP.
func NewDPoP() *DPoP { return &DPoP{nonces: make(map[string]string)} }

// maxOrigins bounds the memory for nonces. A forgotten nonce costs one request.
const maxOrigins = 1000

// TokenTypes returns the token type of RFC 9449 section 5.
func (*DPoP) TokenTypes() []string { return []string{"DPoP"} }

// Bind returns nothing: PKCE protects the code.
func (*DPoP) Bind(connectorauth.Secret) (url.Values, error) { return nil, nil }

// NewKey returns a new key of the curve P-256 as text.
func (*DPoP) NewKey() (connectorauth.Secret, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	raw, err := private.Bytes()
	return connectorauth.Secret(encode(raw)), err
}

// parseProofKey reads a key from NewKey. The errors of the decoders may quote the
// key.
func parseProofKey(text connectorauth.Secret) (*Key, error) {
	raw, err := base64.RawURLEncoding.DecodeString(string(text))
	if err != nil || len(raw) == 0 {
		return nil, fmt.Errorf("%w: the account has no DPoP key", connectorauth.ErrReauthRequired)
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, errors.New("doors: the account's DPoP key is damaged")
	}
	return NewKey(private, "")
}

// Prove adds a proof to req (RFC 9449 section 4.2). The library calls Prove for
// each request that it sends, so each proof has its own jti.
func (d *DPoP) Prove(req *http.Request, key, token connectorauth.Secret) error {
	k, err := parseProofKey(key)
	if err != nil {
		return err
	}
	jwk, err := k.jwk()
	if err != nil {
		return err
	}
	claims := map[string]any{
		"jti": rand.Text(), "htm": cmp.Or(req.Method, http.MethodGet), "htu": target(req.URL), "iat": time.Now().Unix(),
	}
	if nonce := d.nonce(req.URL); nonce != "" {
		claims["nonce"] = nonce
	}
	if token != "" {
		hash := sha256.Sum256([]byte(token))
		claims["ath"] = encode(hash[:])
	}
	proof, err := k.sign(map[string]any{"typ": "dpop+jwt", "jwk": jwk}, claims)
	if err != nil {
		return err
	}
	req.Header.Set("DPoP", proof)
	return nil
}

// Again keeps the nonce that a response brings, and reports whether the server
// wants the request with that nonce, or refuses the proof: net/http repeats a GET
// whose response was lost, with the proof that the server has seen.
func (d *DPoP) Again(resp *http.Response) bool {
	if nonce := resp.Header.Get("DPoP-Nonce"); nonce != "" {
		d.keep(resp.Request.URL, nonce)
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized: // section 9
		for _, c := range challenges(resp.Header) {
			if c.scheme == "dpop" && (c.params["error"] == "use_dpop_nonce" || c.params["error"] == "invalid_dpop_proof") {
				return true
			}
		}
	case http.StatusBadRequest: // section 8, at the token endpoint
		var refusal struct {
			Error string `json:"error"`
		}
		json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&refusal)
		return refusal.Error == "use_dpop_nonce"
	}
	return false
}

func (d *DPoP) nonce(u *url.URL) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.nonces[origin(u)]
}

func (d *DPoP) keep(u *url.URL, nonce string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.nonces) >= maxOrigins {
		clear(d.nonces)
	}
	d.nonces[origin(u)] = nonce
}

// origin returns scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// target returns htu: the URL without query and fragment.
func target(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: cmp.Or(u.Path, "/"), RawPath: u.RawPath}).String()
}

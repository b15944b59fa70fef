package authtest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// proofLifetime is how far the time of a proof may be from the provider's time.
const proofLifetime = time.Minute

// proofState is what the provider keeps for DPoP (RFC 9449). Provider.mu guards
// proofState.
type proofState struct {
	nonce string               // that proofs must carry; empty before the first
	seen  map[string]time.Time // the jti of proofs, and when they are forgotten
}

// RotateNonces makes the nonces of proofs invalid that the provider has given so far. The
// next response with a nonce has a new nonce. RotateNonces is for Config.DPoPNonce.
func (p *Provider) RotateNonces() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proofs.nonce = rand.Text()
}

// giveNonce adds the present nonce to a response (RFC 9449 section 8.2), and returns the
// nonce. Without Config.DPoPNonce, there is none. The caller holds p.mu.
func (p *Provider) giveNonce(w http.ResponseWriter) string {
	if !p.config.DPoPNonce {
		return ""
	}
	if p.proofs.nonce == "" {
		p.proofs.nonce = rand.Text()
	}
	w.Header().Set("DPoP-Nonce", p.proofs.nonce)
	return p.proofs.nonce
}

// proof checks the proof of a request (RFC 9449 section 4.3), and returns the thumbprint
// of the key. access is the access token in the request, or empty. A request without a
// proof has no thumbprint. The caller holds p.mu.
func (p *Provider) proof(w http.ResponseWriter, r *http.Request, access string) (thumbprint string, problem *oauth2Error) {
	refuse := func(description string) (string, *oauth2Error) {
		return "", &oauth2Error{http.StatusBadRequest, "invalid_dpop_proof", "DPoP: " + description}
	}
	nonce := p.giveNonce(w)
	headers := r.Header.Values("DPoP")
	switch {
	case len(headers) == 0:
		return "", nil
	case len(headers) > 1:
		return refuse("the request has more than one proof")
	}
	parts := strings.Split(headers[0], ".")
	if len(parts) != 3 {
		return refuse("a proof has three parts (RFC 7515 section 7.1)")
	}
	var header struct {
		Typ, Alg string
		JWK      map[string]any
	}
	var claims struct {
		Jti, Htm, Htu, Ath, Nonce string
		Iat                       json.Number
	}
	if decodePart(parts[0], &header) != nil || decodePart(parts[1], &claims) != nil {
		return refuse("header or claims are not JSON in base64url")
	}
	key, thumbprint, description := publicKey(header.JWK)
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	issued, notNumber := claims.Iat.Int64()
	sum := sha256.Sum256([]byte(access))
	off := time.Now().Add(p.config.ClockSkew).Sub(time.Unix(issued, 0))
	scheme, _, _ := strings.Cut(p.URL, "//")
	target := scheme + "//" + r.Host + r.URL.EscapedPath()
	switch {
	case header.Typ != "dpop+jwt":
		return refuse("typ must be dpop+jwt")
	case description != "":
		return refuse(description)
	case strings.HasPrefix(header.Alg, "HS"):
		return refuse("alg must be asymmetric")
	case err != nil || !verify(header.Alg, key, parts[0]+"."+parts[1], signature):
		return refuse("the signature is wrong")
	case claims.Htm != r.Method:
		return refuse("htm must be " + r.Method)
	case claims.Htu != target:
		return refuse("htu must be " + target + ", without query and fragment")
	case access != "" && claims.Ath != base64.RawURLEncoding.EncodeToString(sum[:]):
		return refuse("ath must be the hash of the access token")
	case access == "" && claims.Ath != "":
		return refuse("ath is for requests with an access token")
	case nonce != "" && claims.Nonce != nonce:
		p.stats.NoncesDemanded++
		return "", &oauth2Error{http.StatusBadRequest, "use_dpop_nonce", "the proof must have the nonce of DPoP-Nonce (RFC 9449 section 8)"}
	case notNumber != nil || off.Abs() > proofLifetime && nonce == "":
		return refuse(fmt.Sprintf("iat is more than %v away from the provider's clock", proofLifetime))
	}
	for id, until := range p.proofs.seen {
		if time.Now().After(until) {
			delete(p.proofs.seen, id)
		}
	}
	if _, again := p.proofs.seen[claims.Jti]; again || claims.Jti == "" {
		return refuse("jti must be there, and new")
	}
	p.proofs.seen[claims.Jti] = time.Now().Add(2 * proofLifetime)
	p.stats.Proofs++
	return thumbprint, nil
}

// publicKey reads a public JSON Web Key (RFC 7517), and returns the thumbprint (RFC 7638).
func publicKey(jwk map[string]any) (key crypto.PublicKey, thumbprint, problem string) {
	member := func(name string) []byte {
		text, _ := jwk[name].(string)
		b, _ := base64.RawURLEncoding.Strict().DecodeString(text)
		return b
	}
	if jwk["d"] != nil || jwk["k"] != nil || jwk["p"] != nil {
		return nil, "", "jwk must be the public key alone"
	}
	var names []string
	switch jwk["kty"] {
	case "EC":
		names = []string{"crv", "kty", "x", "y"}
		for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
			if public, err := ecdsa.ParseUncompressedPublicKey(curve, append([]byte{4}, append(member("x"), member("y")...)...)); err == nil && jwk["crv"] == curve.Params().Name {
				key = public
			}
		}
	case "OKP":
		names = []string{"crv", "kty", "x"}
		if x := member("x"); jwk["crv"] == "Ed25519" && len(x) == ed25519.PublicKeySize {
			key = ed25519.PublicKey(x)
		}
	case "RSA":
		names = []string{"e", "kty", "n"}
		e := new(big.Int).SetBytes(member("e"))
		if n := new(big.Int).SetBytes(member("n")); n.BitLen() >= 2048 && e.IsInt64() && e.Int64() < 1<<31 {
			key = &rsa.PublicKey{N: n, E: int(e.Int64())}
		}
	}
	if key == nil {
		return nil, "", "jwk must be a key of the kind EC, OKP or RSA"
	}
	var text bytes.Buffer
	for i, name := range names {
		text.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		fmt.Fprintf(&text, "%q:%q", name, jwk[name])
	}
	text.WriteString("}")
	sum := sha256.Sum256(text.Bytes())
	return key, base64.RawURLEncoding.EncodeToString(sum[:]), ""
}

// checkKey reports whether a token request may have a proof of that key. The caller holds
// p.mu.
func (p *Provider) checkKey(form url.Values, thumbprint string) *oauth2Error {
	if p.config.RequireDPoP && thumbprint == "" {
		return &oauth2Error{http.StatusBadRequest, "invalid_dpop_proof", "DPoP: a proof is required (RFC 9449 section 5)"}
	}
	bound := ""
	if code := p.oauth2.codes[form.Get("code")]; code != nil {
		bound = code.thumbprint
	}
	if token := p.oauth2.refresh[form.Get("refresh_token")]; token != nil {
		bound = token.thumbprint
	}
	if bound != "" && bound != thumbprint {
		return invalidGrant("the code or refresh token is bound to another key (RFC 9449 sections 5 and 10)")
	}
	return nil
}

// bind binds the tokens of a response to the key of the request's proof. A refresh token
// of a client that authenticates is not bound (RFC 9449 section 5). The caller holds p.mu.
func (p *Provider) bind(response map[string]any, thumbprint string) {
	if thumbprint == "" {
		return
	}
	response["token_type"] = "DPoP"
	access, _ := response["access_token"].(string)
	p.oauth2.access[access].thumbprint = thumbprint
	if refresh, ok := response["refresh_token"].(string); ok && p.config.PublicClient {
		p.oauth2.refresh[refresh].thumbprint = thumbprint
	}
}

// proven checks that the API request with token has a proof of the key of token.
func (p *Provider) proven(w http.ResponseWriter, r *http.Request, token *accessToken) *refusal {
	_, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	p.mu.Lock()
	defer p.mu.Unlock()
	thumbprint, problem := p.proof(w, r, access)
	switch {
	case problem != nil:
	case thumbprint == "":
		problem = &oauth2Error{code: "invalid_dpop_proof", description: "DPoP: a proof is required (RFC 9449 section 7.1)"}
	case thumbprint != token.thumbprint:
		problem = &oauth2Error{code: "invalid_token", description: "the access token is bound to another key"}
	default:
		return nil
	}
	return dpopRefusal(problem.code, problem.description)
}

// dpopRefusal is the refusal of an API request with the scheme DPoP (RFC 9449 section 7.1).
func dpopRefusal(code, description string) *refusal {
	challenge := fmt.Sprintf(`DPoP realm="authtest", algs="ES256 ES384 ES512 EdDSA RS256 PS256", error=%q, error_description=%q`, code, description)
	return &refusal{http.StatusUnauthorized, challenge, code, description}
}

package doors_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// verified returns header and claims of a JWT that key signed with ES256. A nil
// key means the one in the header.
func verified(token string, key *ecdsa.PublicKey) (header, claims map[string]any, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, nil, errors.New("not three parts")
	}
	var raw [3][]byte
	for i, part := range parts {
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return nil, nil, err
		}
	}
	if err := errors.Join(json.Unmarshal(raw[0], &header), json.Unmarshal(raw[1], &claims)); err != nil {
		return nil, nil, err
	}
	if key == nil {
		jwk, _ := header["jwk"].(map[string]any)
		x, _ := base64.RawURLEncoding.DecodeString(fmt.Sprint(jwk["x"]))
		y, _ := base64.RawURLEncoding.DecodeString(fmt.Sprint(jwk["y"]))
		if len(jwk) != 4 || jwk["kty"] != "EC" || jwk["crv"] != "P-256" {
			return nil, nil, errors.New("not a public key of P-256")
		}
		if key, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...)); err != nil {
			return nil, nil, err
		}
	}
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if header["alg"] != "ES256" || len(raw[2]) != 64 ||
		!ecdsa.Verify(key, hash[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) {
		return nil, nil, errors.New("the signature is wrong")
	}
	return header, claims, nil
}

// grantedToken is an access token.
type grantedToken struct {
	expiry     time.Time
	thumbprint string // of the key that the token is bound to
}

// oauth is an authorization server and an API, strict about assertions and
// proofs.
type oauth struct {
	*world
	life      time.Duration
	jtis      map[string]bool
	tokens    map[string]grantedToken
	refresh   map[string]string // the thumbprint, by refresh token
	challenge string            // of PKCE, for the code "the code"
	nonces    map[string]string // that proofs must carry, by path; empty means none
	answer    func(http.ResponseWriter, *http.Request) bool
}

func newOAuth(w *world) http.Handler { return newOAuthServer(w) }

func newOAuthServer(w *world) *oauth {
	s := &oauth{
		world: w, life: time.Hour, jtis: map[string]bool{}, tokens: map[string]grantedToken{}, refresh: map[string]string{},
		nonces: map[string]string{},
	}
	if s.proves() {
		s.nonces["/obtain"], s.nonces["/api"] = rand.Text(), rand.Text()
	}
	w.revoke = func() { locked(w, func() (none struct{}) { clear(s.tokens); return }) }
	return s
}

func (s *oauth) proves() bool { return strings.HasPrefix(s.Door, "DPoP") }

func (s *oauth) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.answer != nil && s.answer(w, r) {
		return
	}
	var thumbprint string
	if s.proves() {
		var refusal string
		if thumbprint, refusal = s.checkProof(r); refusal != "" {
			w.Header().Set("DPoP-Nonce", s.nonces[area(r)])
			s.refuse(w, r, refusal)
			return
		}
	}
	if r.URL.Path == "/obtain" {
		s.token(w, r, thumbprint)
		return
	}
	scheme, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if want := map[bool]string{false: "Bearer", true: "DPoP"}[s.proves()]; scheme != want {
		s.complain("the scheme is %q, not %s", scheme, want)
	}
	t, ok := s.tokens[access]
	if ok && t.thumbprint != thumbprint {
		s.complain("the proof has another key than the token")
	}
	if !ok || !time.Now().Before(t.expiry) {
		s.refuse(w, r, "invalid_token")
		return
	}
	s.accept(w, r)
}

// area returns which of the two servers a request is for.
func area(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/api") {
		return "/api"
	}
	return "/obtain"
}

// refuse responds with an error, as an API or a token endpoint does.
func (s *oauth) refuse(w http.ResponseWriter, r *http.Request, code string) {
	if area(r) == "/api" {
		w.Header().Set("WWW-Authenticate", map[bool]string{false: "Bearer", true: "DPoP"}[s.proves()]+` realm="a, b", error="`+code+`"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"error":%q}`, code)
}

// checkProof verifies the DPoP proof of a request (RFC 9449 section 4.3).
func (s *oauth) checkProof(r *http.Request) (thumbprint, refusal string) {
	if len(r.Header.Values("DPoP")) != 1 {
		s.complain("%d proofs", len(r.Header.Values("DPoP")))
		return "", "invalid_dpop_proof"
	}
	header, claims, err := verified(r.Header.Get("DPoP"), nil)
	if err != nil {
		s.complain("the proof: %v", err)
		return "", "invalid_dpop_proof"
	}
	scheme, _, _ := strings.Cut(s.API, "//")
	_, access, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	hash := sha256.Sum256([]byte(access))
	want := map[string]any{"htm": r.Method, "htu": scheme + "//" + r.Host + r.URL.EscapedPath(), "ath": base64.RawURLEncoding.EncodeToString(hash[:])}
	if r.URL.Path == "/obtain" {
		delete(want, "ath")
		if claims["ath"] != nil {
			s.complain("a proof for the token endpoint has ath")
		}
	}
	for name, value := range want {
		if claims[name] != value {
			s.complain("%s of the proof is %v, not %v", name, claims[name], value)
		}
	}
	if iat, _ := claims["iat"].(float64); header["typ"] != "dpop+jwt" || time.Since(time.Unix(int64(iat), 0)).Abs() > time.Minute {
		s.complain("typ or iat of the proof are wrong")
	}
	if !s.once("proof", claims["jti"]) {
		return "", "invalid_dpop_proof"
	}
	if nonce := s.nonces[area(r)]; nonce != "" && claims["nonce"] != nonce {
		return "", "use_dpop_nonce"
	}
	jwk := header["jwk"].(map[string]any)
	point := sha256.Sum256(fmt.Appendf(nil, "%v.%v", jwk["x"], jwk["y"]))
	return base64.RawURLEncoding.EncodeToString(point[:]), ""
}

// once reports whether a jti is new.
func (s *oauth) once(what string, jti any) bool {
	id, _ := jti.(string)
	if id == "" || s.jtis[id] {
		s.complain("a repeated jti of a %s", what)
		return false
	}
	s.jtis[id] = true
	return true
}

// assertion verifies an assertion of RFC 7523 section 3.
func (s *oauth) assertion(what, token, issuer, subject string) bool {
	header, claims, err := verified(token, &s.key.PublicKey)
	if err != nil {
		s.complain("the %s: %v", what, err)
		return false
	}
	exp, _ := claims["exp"].(float64)
	iat, _ := claims["iat"].(float64)
	left := time.Until(time.Unix(int64(exp), 0))
	if header["kid"] != "k1" || claims["iss"] != issuer || claims["sub"] != subject || claims["aud"] != s.Obtain ||
		left <= 0 || left > 5*time.Minute || time.Since(time.Unix(int64(iat), 0)).Abs() > time.Minute {
		s.complain("the claims of the %s are wrong: %v", what, claims)
		return false
	}
	return s.once(what, claims["jti"])
}

// token is the token endpoint.
func (s *oauth) token(w http.ResponseWriter, r *http.Request, thumbprint string) {
	r.ParseForm()
	form := r.PostForm
	if form.Get("client_id") != "client" || r.Header.Get("Authorization") != "" || form.Has("client_secret") {
		s.complain("the client authentication is wrong")
	}
	if s.Door == "private_key_jwt" || s.Door == "DPoP" {
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" ||
			!s.assertion("client assertion", form.Get("client_assertion"), "client", "client") {
			s.refuse(w, r, "invalid_client")
			return
		}
	}
	ok := true
	switch grant := form.Get("grant_type"); grant {
	case "client_credentials":
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		ok = s.assertion("assertion", form.Get("assertion"), "client", "alice")
	case "authorization_code":
		sum := sha256.Sum256([]byte(form.Get("code_verifier")))
		ok = form.Get("code") == "the code" && s.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
		s.challenge = ""
	case "refresh_token":
		var bound string
		bound, ok = s.refresh[form.Get("refresh_token")]
		delete(s.refresh, form.Get("refresh_token"))
		if !ok {
			s.complain("a refresh token was used twice")
		}
		if ok = ok && bound == thumbprint; !ok {
			s.complain("a refresh token came with another key")
		}
	default:
		s.complain("grant_type %q", grant)
	}
	if !ok {
		s.refuse(w, r, "invalid_grant")
		return
	}
	s.got++
	granted := map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": s.life.Seconds()}
	if s.proves() {
		granted["token_type"] = "DPoP"
	}
	if form.Has("code") || form.Has("refresh_token") {
		next := rand.Text()
		s.refresh[next] = thumbprint
		granted["refresh_token"] = next
	}
	s.tokens[granted["access_token"].(string)] = grantedToken{time.Now().Add(s.life), thumbprint}
	s.secrets = append(s.secrets, granted["access_token"].(string))
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(granted)
}

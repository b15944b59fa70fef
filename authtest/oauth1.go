package authtest

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// timestampWindow is how far an OAuth1 timestamp may be from the provider's
// clock.
const timestampWindow = 5 * time.Minute

// temporaryCredentials are issued by RequestTokenURL and exchanged at
// AccessTokenURL (RFC 5849 section 2.1).
type temporaryCredentials struct {
	secret   string
	callback string // a URL or "oob"; with Config.OAuth10, only once decided
	expires  time.Time
	decision decision
	user     string // who has allowed access
	verifier string // empty until the account owner allows
	used     bool
}

type tokenCredentials struct {
	secret, user string
	session      *session // nil means that the token is valid for ever
	expires      time.Time
}

// oauth1State is the state of the OAuth1 endpoints. Provider.mu guards
// oauth1State. Callers of methods hold Provider.mu.
type oauth1State struct {
	temporary map[string]*temporaryCredentials
	tokens    map[string]*tokenCredentials
	nonces    map[int64]map[[2]string]bool // by timestamp, then by nonce and token
}

func newOAuth1State() oauth1State {
	return oauth1State{
		temporary: map[string]*temporaryCredentials{},
		tokens:    map[string]*tokenCredentials{},
		nonces:    map[int64]map[[2]string]bool{},
	}
}

// useNonce reports whether nonce is new for timestamp and token. useNonce
// forgets the nonces of timestamps that the provider no longer accepts.
func (s *oauth1State) useNonce(timestamp int64, nonce, token string, now time.Time) bool {
	used := s.nonces[timestamp]
	if used == nil {
		used = map[[2]string]bool{}
		s.nonces[timestamp] = used
		for old := range s.nonces {
			if old < now.Add(-2*timestampWindow).Unix() {
				delete(s.nonces, old)
			}
		}
	}
	key := [2]string{nonce, token}
	if used[key] {
		return false
	}
	used[key] = true
	return true
}

func (s *oauth1State) issue(user string) (token, secret string) {
	token, secret = newToken("token"), newToken("token-secret")
	s.tokens[token] = &tokenCredentials{secret: secret, user: user}
	return token, secret
}

// IssueOAuth1Token returns token credentials of the account owner without any
// request. Some providers show token credentials on a settings page instead.
func (p *Provider) IssueOAuth1Token() (token, secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.oauth1.issue(p.Username)
}

// serveRequestToken issues temporary credentials (RFC 5849 section 2.1).
func (p *Provider) serveRequestToken(w http.ResponseWriter, r *http.Request) {
	noToken := func(token string) (string, bool) { return "", token == "" }
	p.serveOAuth1(w, r, noToken, func(protocol map[string]string) (map[string]any, *refusal) {
		callback, ok := protocol["oauth_callback"]
		switch {
		case p.config.OAuth10:
		case !ok:
			return nil, absent("oauth_callback")
		case callback != "oob" && !p.allowedCallback(callback):
			return nil, oauth1Refusal(http.StatusBadRequest, "parameter_rejected",
				"oauth_callback must be oob, a loopback URL or one of Config.RedirectURLs (RFC 5849 section 2.1)")
		}
		token, secret := newToken("temporary"), newToken("temporary-secret")
		p.oauth1.temporary[token] = &temporaryCredentials{secret: secret, callback: callback, expires: time.Now().Add(consentLifetime)}
		p.stats.RequestTokens++
		response := map[string]any{"oauth_token": token, "oauth_token_secret": secret}
		if !p.config.OAuth10 {
			response["oauth_callback_confirmed"] = "true"
		}
		return response, nil
	})
}

// serveAuthorize1 asks the account owner for a decision (RFC 5849 section 2.2).
func (p *Provider) serveAuthorize1(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("oauth_token")
	pending := func() *temporaryCredentials {
		t := p.oauth1.temporary[token]
		if t == nil || t.decision != undecided || !time.Now().Before(t.expires) {
			return nil
		}
		return t
	}
	p.mu.Lock()
	known := pending() != nil
	p.mu.Unlock()
	refused := page{Error: "oauth_token is unknown, has expired, or has a decision already."}
	if !known {
		writePage(w, http.StatusBadRequest, refused)
		return
	}
	callback := cmp.Or(r.URL.Query().Get("oauth_callback"), "oob")
	if p.config.OAuth10 && callback != "oob" && !p.allowedCallback(callback) {
		writePage(w, http.StatusBadRequest, page{Error: "oauth_callback must be a loopback URL or one of Config.RedirectURLs."})
		return
	}
	decision, owner := p.consent(w, r, "")
	if decision == undecided {
		return
	}
	p.mu.Lock()
	t := pending() // nil if another request decided first
	if t != nil {
		t.decision = decision
		if owner != nil {
			t.user = owner.Username
		}
		if p.config.OAuth10 {
			t.callback = callback
		} else {
			t.verifier = newToken("verifier")
		}
	}
	p.mu.Unlock()
	switch {
	case t == nil:
		writePage(w, http.StatusBadRequest, refused)
	case t.callback == "oob" && decision == denied:
		writePage(w, http.StatusForbidden, page{Error: "You have denied access."})
	case t.callback == "oob":
		writePage(w, http.StatusOK, page{Allowed: true, Verifier: t.verifier})
	case decision == denied:
		sendBack(w, t.callback, map[string][]string{"oauth_token": {token}, "oauth_problem": {"user_refused"}})
	case t.verifier == "":
		sendBack(w, t.callback, map[string][]string{"oauth_token": {token}})
	default:
		sendBack(w, t.callback, map[string][]string{"oauth_token": {token}, "oauth_verifier": {t.verifier}})
	}
}

// serveAccessToken exchanges temporary credentials for token credentials, once
// (RFC 5849 section 2.3). serveAccessToken also renews token credentials.
func (p *Provider) serveAccessToken(w http.ResponseWriter, r *http.Request) {
	secret := func(token string) (string, bool) {
		if t := p.oauth1.temporary[token]; t != nil {
			return t.secret, true
		}
		if t := p.oauth1.tokens[token]; t != nil {
			return t.secret, true
		}
		return "", false
	}
	p.serveOAuth1(w, r, secret, func(protocol map[string]string) (map[string]any, *refusal) {
		t := p.oauth1.temporary[protocol["oauth_token"]]
		if t == nil {
			return p.renewOAuth1(protocol)
		}
		refuse := func(problem, advice string) (map[string]any, *refusal) {
			return nil, oauth1Refusal(http.StatusUnauthorized, problem, advice)
		}
		verifier, ok := protocol["oauth_verifier"]
		switch {
		case t.used:
			return refuse("token_used", "the temporary credentials were used before (RFC 5849 section 2.3)")
		case !time.Now().Before(t.expires):
			return refuse("token_expired", "the temporary credentials have expired")
		case t.decision == undecided:
			return refuse("permission_unknown", "the account owner has not decided yet")
		case t.decision == denied:
			return refuse("permission_denied", "the account owner refused")
		case p.config.OAuth10:
		case !ok:
			return nil, absent("oauth_verifier")
		case !equal(verifier, t.verifier):
			return refuse("verifier_invalid", "oauth_verifier is wrong")
		}
		t.used = true
		p.stats.AccessTokens++
		token, secret := p.oauth1.issue(t.user)
		response := map[string]any{"oauth_token": token, "oauth_token_secret": secret, "screen_name": t.user}
		if p.config.OAuth1Lifetime > 0 {
			p.joinSession(token, p.newSession(), response)
		}
		return response, nil
	})
}

// serveOAuth1 serves a signed request, which is a POST (RFC 5849 section 2) unless
// configured otherwise. If the signature is right, serveOAuth1 calls respond with p.mu held, and writes the
// result as a form.
func (p *Provider) serveOAuth1(w http.ResponseWriter, r *http.Request,
	tokenSecret func(token string) (secret string, ok bool),
	respond func(protocol map[string]string) (map[string]any, *refusal),
) {
	w.Header().Set("Cache-Control", "no-store")
	method := http.MethodPost
	if p.config.OAuth1Get {
		method = http.MethodGet
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		http.Error(w, "use "+method+" (RFC 5849 section 2, Config.OAuth1Get)", http.StatusMethodNotAllowed)
		return
	}
	p.mu.Lock()
	protocol, refused := p.verifyOAuth1(w, r, tokenSecret)
	var members map[string]any
	if refused == nil {
		members, refused = respond(protocol)
	}
	p.mu.Unlock()
	if refused != nil {
		w.Header().Set("WWW-Authenticate", refused.challenge)
		writeForm(w, refused.status, map[string]any{"oauth_problem": refused.Code, "oauth_problem_advice": refused.Description})
		return
	}
	writeForm(w, http.StatusOK, members)
}

// signed requires an OAuth1 signature. The signature is made with token
// credentials, or with the client credentials alone.
func (p *Provider) signed(w http.ResponseWriter, r *http.Request) (Identity, *refusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	protocol, refused := p.verifyOAuth1(w, r, func(token string) (string, bool) {
		credentials := p.oauth1.tokens[token]
		if credentials == nil {
			return "", token == ""
		}
		return credentials.secret, true
	})
	if refused != nil {
		return Identity{}, refused
	}
	user := ""
	if t := p.oauth1.tokens[protocol["oauth_token"]]; t != nil {
		if t.session != nil && !time.Now().Before(t.expires) {
			return Identity{}, oauth1Refusal(http.StatusUnauthorized, "token_expired", "the access token has expired: renew the token with oauth_session_handle")
		}
		user = t.user
	}
	identity := p.owners.identity("OAuth1", user)
	identity.Client = p.ClientID
	return identity, nil
}

// oauth1Refusal returns a refusal of RFC 5849 section 3.2, with the words of
// the OAuth Problem Reporting extension.
func oauth1Refusal(status int, problem, advice string) *refusal {
	return &refusal{status, fmt.Sprintf(`OAuth realm="authtest", oauth_problem=%q`, problem), problem, advice}
}

func absent(name string) *refusal {
	return oauth1Refusal(http.StatusBadRequest, "parameter_absent", name+" is required")
}

// verifyOAuth1 checks a signed request (RFC 5849 section 3.2) and returns the
// request's protocol parameters. tokenSecret gets an empty token if the request
// has no oauth_token. The caller holds p.mu.
func (p *Provider) verifyOAuth1(w http.ResponseWriter, r *http.Request, tokenSecret func(token string) (secret string, ok bool)) (map[string]string, *refusal) {
	now := time.Now().Add(p.config.ClockSkew)
	refuse := func(status int, problem, advice string) (map[string]string, *refusal) {
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		return nil, oauth1Refusal(status, problem, advice)
	}
	body := bodyOf(r)
	request, err := readSigned(r, body)
	if err != nil {
		return refuse(http.StatusBadRequest, "parameter_rejected", err.Error())
	}
	q := request.protocol
	method, token := q["oauth_signature_method"], q["oauth_token"]
	timestamp, timestampErr := strconv.ParseInt(q["oauth_timestamp"], 10, 64)
	early, late := now.Add(-timestampWindow).Unix(), now.Add(timestampWindow).Unix()
	secret, tokenKnown := tokenSecret(token)

	if len(q) == 0 {
		return refuse(http.StatusUnauthorized, "parameter_absent", "an OAuth1 signature is required")
	}
	for _, name := range []string{"oauth_consumer_key", "oauth_signature_method", "oauth_signature", "oauth_timestamp", "oauth_nonce"} {
		optional := method == "PLAINTEXT" && (name == "oauth_timestamp" || name == "oauth_nonce")
		if _, ok := q[name]; !ok && !optional {
			return nil, absent(name)
		}
	}
	_, timed := q["oauth_timestamp"]
	version, versioned := q["oauth_version"]
	switch {
	case versioned && version != "1.0":
		return refuse(http.StatusBadRequest, "version_rejected", "oauth_version must be 1.0, or absent")
	case !p.knownMethod(method):
		return refuse(http.StatusBadRequest, "signature_method_rejected", "use HMAC-SHA1, HMAC-SHA256, HMAC-SHA512, PLAINTEXT or, with Config.RSAPublicKey, RSA-SHA1, RSA-SHA256, RSA-SHA512")
	case timed && (timestampErr != nil || timestamp <= 0):
		return refuse(http.StatusBadRequest, "parameter_rejected", "oauth_timestamp must be a positive integer of seconds (RFC 5849 section 3.3)")
	case q["oauth_consumer_key"] != p.ClientID:
		return refuse(http.StatusUnauthorized, "consumer_key_unknown", "oauth_consumer_key is not the client id")
	case !tokenKnown:
		return refuse(http.StatusUnauthorized, "token_rejected", "oauth_token is unknown, or was revoked")
	case timed && (timestamp < early || timestamp > late):
		_, refused := refuse(http.StatusUnauthorized, "timestamp_refused", fmt.Sprintf("oauth_timestamp must be between %d and %d", early, late))
		refused.challenge += fmt.Sprintf(`, oauth_acceptable_timestamps="%d-%d"`, early, late)
		return nil, refused
	case !p.verifySignature(request, secret):
		return refuse(http.StatusUnauthorized, "signature_invalid", "the signature is wrong; the signature base string is "+request.baseString())
	case !request.verifyBodyHash(r, body):
		return refuse(http.StatusUnauthorized, "signature_invalid", "oauth_body_hash does not match the body, or the body is a form")
	case timed && !p.oauth1.useNonce(timestamp, q["oauth_nonce"], token, now):
		return refuse(http.StatusUnauthorized, "nonce_used", "oauth_nonce was used before with this timestamp and token (RFC 5849 section 3.3)")
	}
	return q, nil
}

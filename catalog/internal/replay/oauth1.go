package replay

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// temporary responds to the request for temporary credentials (RFC 5849 section 2.1).
func (s *Server) temporary(w http.ResponseWriter, r *http.Request, body string) {
	s.handshake("temporary", r, body)
	s.signed("temporary", r, "", "", "oauth_callback", Callback)
	s.counted["temporary"]++
	s.consent = consent{temporary: "temporary-1", secret: "temporary-secret-1"}
	form(w, url.Values{"oauth_token": {s.consent.temporary}, "oauth_token_secret": {s.consent.secret}, "oauth_callback_confirmed": {"true"}})
}

// accessToken responds to the request for token credentials (RFC 5849 section 2.3).
func (s *Server) accessToken(w http.ResponseWriter, r *http.Request, body string) {
	s.handshake("token", r, body)
	s.signed("token", r, s.consent.temporary, s.consent.secret, "oauth_verifier", s.consent.verifier)
	s.consent = consent{} // serves once
	s.counted["token"]++
	s.issue()
	s.secret = "token-secret-1"
	form(w, url.Values{"oauth_token": {s.access}, "oauth_token_secret": {s.secret}})
}

// handshake checks what both requests for credentials have in common.
func (s *Server) handshake(kind string, r *http.Request, body string) {
	fact := s.method.Token
	if kind == "temporary" {
		fact = s.method.Temporary
	}
	s.verb(kind, r, http.MethodPost, kind)
	s.noBody(kind, body)
	s.noOtherHeader(kind, r)
	q := r.URL.Query()
	s.query(kind, q, fact, s.at(kind))
	s.nothingElse(kind, q, s.at(kind))
}

// verb checks the HTTP method of a request.
func (s *Server) verb(kind string, r *http.Request, method, fact string) {
	if r.Method != method {
		s.complain(kind, s.at(fact), "want the HTTP method %s, got %s", method, r.Method)
	}
}

func form(w http.ResponseWriter, v url.Values) {
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
	w.Write([]byte(v.Encode()))
}

// agree1 is the account owner's consent at a URL (RFC 5849 section 2.2).
func (s *Server) agree1(q url.Values) url.Values {
	s.want("authorize", q, "oauth_token", s.consent.temporary, "temporary")
	s.further("authorize", q, s.method.AuthorizeParams, "authorizeParams")
	s.nothingElse("authorize", q, s.at("authorizeParams"))
	s.consent.verifier = "verifier-1"
	return url.Values{"oauth_token": {s.consent.temporary}, "oauth_verifier": {s.consent.verifier}}
}

// skew is how far a timestamp may be from the time of the service.
const skew = 5 * time.Minute

// signed checks the header Authorization of a signed request (RFC 5849 section 3.1). Each
// parameter must be there once; further is the name of one more, and "" means none.
func (s *Server) signed(kind string, r *http.Request, token, secret, further, value string) {
	params := s.authorization(kind, r)
	all := r.URL.Query()
	for name, values := range params {
		all[name] = append(all[name], values...)
	}
	all.Del("oauth_signature")
	s.want(kind, params, "oauth_signature", signature(r.Method, r.URL, all, ClientSecret, secret), "type")
	s.want(kind, params, "oauth_consumer_key", ClientID, "type")
	s.want(kind, params, "oauth_signature_method", "HMAC-SHA1", "type")
	if kind != "temporary" {
		s.want(kind, params, "oauth_token", token, "type")
	}
	s.want(kind, params, further, value, "type")
	if params.Has("oauth_version") {
		s.want(kind, params, "oauth_version", "1.0", "type")
	}
	stamp := s.take(kind, params, "oauth_timestamp", "type")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if off := time.Since(time.Unix(seconds, 0)); err != nil || off.Abs() > skew {
		s.complain(kind, s.at("type"), "the timestamp %q is not the time in seconds", stamp)
	}
	nonce := stamp + " " + s.take(kind, params, "oauth_nonce", "type")
	if s.nonces[nonce] {
		s.complain(kind, s.at("type"), "the nonce has come before")
	}
	s.nonces[nonce] = true
	s.nothingElse(kind, params, s.at("type"))
}

// authorization reads the parameters of the header Authorization (RFC 5849 section 3.5.1).
func (s *Server) authorization(kind string, r *http.Request) url.Values {
	params, headers := url.Values{}, r.Header.Values("Authorization")
	scheme, rest, _ := strings.Cut(strings.Join(headers, ","), " ")
	if len(headers) != 1 || !strings.EqualFold(scheme, "OAuth") {
		s.complain(kind, s.at("type"), "want one header Authorization that begins with OAuth, got %d headers and %q", len(headers), scheme)
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, quoted, _ := strings.Cut(strings.TrimSpace(part), "=")
		value, err := url.PathUnescape(strings.Trim(quoted, `"`))
		if err != nil || quoted != `"`+escape(value)+`"` {
			s.complain(kind, s.at("type"), "want the parameter %s percent-encoded in quotes", name)
		}
		params.Add(name, value)
	}
	return params
}

// signature returns the signature of a request by HMAC-SHA1 (RFC 5849 section 3.4.2). The
// parameters are decoded, and those of query and body are among them.
func signature(method string, u *url.URL, params url.Values, clientSecret, tokenSecret string) string {
	mac := hmac.New(sha1.New, []byte(escape(clientSecret)+"&"+escape(tokenSecret)))
	mac.Write([]byte(baseString(method, u, params)))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// baseString returns what is signed (RFC 5849 section 3.4.1.1).
func baseString(method string, u *url.URL, params url.Values) string {
	escaped := map[string][]string{}
	for name, values := range params {
		for _, value := range values {
			escaped[escape(name)] = append(escaped[escape(name)], escape(value))
		}
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(escaped)) {
		for _, value := range slices.Sorted(slices.Values(escaped[name])) {
			pairs = append(pairs, name+"="+value)
		}
	}
	return method + "&" + escape(u.Scheme+"://"+u.Host+u.EscapedPath()) + "&" + escape(strings.Join(pairs, "&"))
}

// escape is the percent-encoding of RFC 5849 section 3.6.
func escape(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~", "*", "%2A").Replace(url.QueryEscape(s))
}

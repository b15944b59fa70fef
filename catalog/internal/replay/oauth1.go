package replay

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// temporary responds to the request for temporary credentials (RFC 5849 section 2.1).
func (s *Server) temporary(w http.ResponseWriter, r *http.Request, body string) {
	params := s.signed(r, body, "", "")
	if params["oauth_callback"] != Callback {
		s.complain("temporary credentials: want oauth_callback=%s", Callback)
	}
	s.counted["temporary"]++
	s.consent = consent{temporary: "temporary-1", secret: "temporary-secret-1"}
	form(w, url.Values{"oauth_token": {s.consent.temporary}, "oauth_token_secret": {s.consent.secret}, "oauth_callback_confirmed": {"true"}})
}

// accessToken responds to the request for token credentials (RFC 5849 section 2.3).
func (s *Server) accessToken(w http.ResponseWriter, r *http.Request, body string) {
	params := s.signed(r, body, s.consent.temporary, s.consent.secret)
	if params["oauth_verifier"] != s.consent.verifier || s.consent.verifier == "" {
		s.complain("token: want the verifier in oauth_verifier")
	}
	s.consent.verifier = ""
	s.counted["token"]++
	s.issue()
	s.secret = "token-secret-1"
	form(w, url.Values{"oauth_token": {s.access}, "oauth_token_secret": {s.secret}})
}

func form(w http.ResponseWriter, v url.Values) {
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
	w.Write([]byte(v.Encode()))
}

// signed checks the signature of a request (RFC 5849 section 3.4), and returns the
// parameters of the header Authorization.
func (s *Server) signed(r *http.Request, body, token, secret string) map[string]string {
	params := map[string]string{}
	var pairs []string
	add := func(name, value string) { pairs = append(pairs, escape(name)+"="+escape(value)) }
	header, _ := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		value, err := url.PathUnescape(strings.Trim(value, `"`))
		if err != nil {
			s.complain("signature: %s is no percent-encoding", name)
		}
		if params[name] = value; name != "oauth_signature" && name != "realm" {
			add(name, value)
		}
	}
	values := r.URL.Query()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		sent, err := url.ParseQuery(body)
		if err != nil {
			s.complain("signature: the body is no form")
		}
		for name, list := range sent {
			values[name] = append(values[name], list...)
		}
	}
	for name, list := range values {
		for _, value := range list {
			add(name, value)
		}
	}
	slices.Sort(pairs)
	base := r.Method + "&" + escape(r.URL.Scheme+"://"+r.URL.Host+r.URL.EscapedPath()) + "&" + escape(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(escape(ClientSecret)+"&"+escape(secret)))
	mac.Write([]byte(base))
	if params["oauth_consumer_key"] != ClientID || params["oauth_token"] != token || params["oauth_signature_method"] != "HMAC-SHA1" {
		s.complain("%s: want the client's key, the token and HMAC-SHA1 in Authorization", r.URL.Path)
	}
	if params["oauth_signature"] != base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		s.complain("%s: the signature is wrong", r.URL.Path)
	}
	return params
}

// escape is the percent-encoding of RFC 5849 section 3.6.
func escape(s string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~", "*", "%2A").Replace(url.QueryEscape(s))
}

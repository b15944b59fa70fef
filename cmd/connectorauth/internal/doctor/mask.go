package doctor

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// A mask knows the secrets seen so far, and takes them out of texts. A mask is safe
// for concurrent use.
type mask struct {
	mu        sync.Mutex
	known     map[string]bool
	spellings []string
}

// minSecret is the length from which a value on the wire counts as a secret. What the account
// owner gave counts in any length.
const minSecret = 8

// minSegment is the length from which a segment of the path of a redirect counts as a secret, as
// in a signed URL.
const minSegment = 16

// add makes secrets known.
func (m *mask) add(secrets ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range secrets {
		if s == "" || m.known[s] {
			continue
		}
		if m.known == nil {
			m.known = map[string]bool{}
		}
		m.known[s] = true
		m.spellings = append(m.spellings, scrub.Spellings(s)...)
	}
}

// addLong makes values of at least minSecret bytes known.
func (m *mask) addLong(values ...string) {
	for _, s := range values {
		if len(s) >= minSecret {
			m.add(s)
		}
	}
}

// text returns s without secrets and control characters, in a line of at most limit bytes.
func (m *mask) text(s string, limit int) string {
	m.mu.Lock()
	spellings := slices.Clone(m.spellings)
	m.mu.Unlock()
	return strings.Join(strings.Fields(scrub.Text(s, limit, spellings...)), " ")
}

// plainHeaders are request headers without a secret.
var plainHeaders = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Content-Length", "Content-Type", "Host", "Referer", "User-Agent",
}

// plainMembers are parameters of requests whose values are no secrets.
var plainMembers = []string{
	"grant_type", "client_id", "scope", "redirect_uri", "resource", "audience", "response_type", "client_assertion_type", "username",
	"subject_token_type", "requested_token_type", "actor_token_type", "token_type_hint", "oauth_signature_method", "oauth_version",
	"oauth_consumer_key", "oauth_timestamp",
}

// secretName matches the names of members and headers of responses with secrets.
var secretName = lazy.Regexp(`(?i)token|secret|passw|session|jwt|assertion|api.?key|private|cookie|ticket|^key$|^auth$|signature`)

// request makes the secrets of a request known, apart from the body.
func (m *mask) request(req *http.Request) {
	for name, values := range req.Header {
		switch {
		case name == "Authorization" || name == "Proxy-Authorization":
			for _, v := range values {
				m.authorization(v)
			}
		case name == "Cookie":
			for _, c := range req.Cookies() {
				m.addLong(c.Value)
			}
		case !slices.Contains(plainHeaders, name):
			m.addLong(values...)
		}
	}
	query, _ := url.ParseQuery(req.URL.RawQuery)
	m.form(query)
	if req.Response == nil {
		return
	}
	for _, segment := range strings.Split(req.URL.Path, "/") { // of a redirect
		if len(segment) >= minSegment {
			m.add(segment)
		}
	}
}

// authorization makes the secrets of a header Authorization known: the whole of the
// credentials, the password of Basic (RFC 7617), and the parameters of OAuth (RFC 5849).
func (m *mask) authorization(header string) {
	scheme, rest, spaced := strings.Cut(header, " ")
	if !spaced {
		m.addLong(header)
		return
	}
	m.addLong(rest)
	if strings.EqualFold(scheme, "Basic") {
		both, _ := base64.StdEncoding.DecodeString(rest)
		user, password, _ := strings.Cut(string(both), ":")
		if password == "" {
			password = user // a key in the place of the user
		}
		m.addLong(password)
		if raw, err := url.QueryUnescape(password); err == nil { // RFC 6749 section 2.3.1
			m.addLong(raw)
		}
		return
	}
	for _, pair := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if value, err := url.PathUnescape(strings.Trim(value, `"`)); err == nil && secretName().MatchString(name) && !slices.Contains(plainMembers, name) {
			m.addLong(value)
		}
	}
}

// form makes the values of a form known.
func (m *mask) form(form url.Values) {
	for name, values := range form {
		if !slices.Contains(plainMembers, name) {
			m.addLong(values...)
		}
	}
}

// sentBody makes the values of a request's body known.
func (m *mask) sentBody(contentType string, body []byte) {
	if strings.HasPrefix(contentType, "application/x-www-form-urlencoded") {
		form, _ := url.ParseQuery(string(body))
		m.form(form)
		return
	}
	var v any
	if json.Unmarshal(body, &v) == nil {
		m.members("", v, func(name string) bool { return !slices.Contains(plainMembers, name) })
	}
}

// response makes the secrets of a response known: cookies, and members and headers whose names
// say so.
func (m *mask) response(h http.Header, body []byte) {
	for name, values := range h {
		switch {
		case name == "Set-Cookie":
			for _, c := range (&http.Response{Header: h}).Cookies() {
				m.addLong(c.Value)
			}
		case secretName().MatchString(name) && !slices.Contains(shownHeaders, name):
			m.addLong(values...)
		}
	}
	var v any
	if json.Unmarshal(body, &v) == nil {
		m.members("", v, secretName().MatchString)
		return
	}
	if form, err := url.ParseQuery(string(body)); err == nil {
		for name, values := range form {
			if secretName().MatchString(name) {
				m.addLong(values...)
			}
		}
	}
}

// members makes the texts of a JSON value known whose names are secret.
func (m *mask) members(name string, v any, secret func(name string) bool) {
	switch v := v.(type) {
	case string:
		if secret(name) && !strings.HasPrefix(v, "urn:ietf:params:oauth:") {
			m.addLong(v)
		}
	case []any:
		for _, e := range v {
			m.members(name, e, secret)
		}
	case map[string]any:
		for n, e := range v {
			m.members(n, e, secret)
		}
	}
}

package session

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/connectorauth/connectorauth/internal/template"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// Request is a request of a login, a renewal or a logout.
//
// URL, Header, Form, JSON and XML are templates: {name} is one of Config.Values or an
// earlier capture, and {base64(...)}, {url(...)} and {lower(...)} compute from what is
// between the parentheses, as in "Basic {base64({user}:{password})}". {default(name, text)}
// is the value of the name, or the text if the value is empty or absent. A brace is written
// twice. Values are escaped as their place needs. Secrets belong into Config.Values.
type Request struct {
	// Method is the HTTP method. Empty means POST.
	Method string
	// URL is where the request goes. Required; https except on loopback. A value in the path
	// is within one segment, and a value in the query within one parameter. The origin has no
	// values.
	URL string
	// Header are headers by name. Content-Type replaces that of the body. Empty means none.
	Header map[string]string
	// Form, JSON and XML are the body, of which there is at most one. JSON is what
	// encoding/json can write; its strings are templates, and all else is sent as it is. In
	// XML, values are in texts and quoted attributes. Empty means no body.
	Form map[string]string
	JSON any
	XML  string
	// Auth authenticates the request, such as a Basic, or a JWT of package assertion. Auth
	// may renew its own credential when the service responds with status 401, and then sends
	// the request once more. Empty means none.
	Auth connectorauth.Connector
	// Capture names values of the response. What follows the name says where the value is:
	//
	//   - "header:X-Token" is a header, and "cookie:SID" the value of a cookie that is set.
	//   - "data.token" is a member of JSON, with nested names joined by dots, and so is
	//     "/data/token", a JSON Pointer (RFC 6901).
	//   - In XML, such a path leads from the root element down, by local names. A last step
	//     that begins with an @ is an attribute: "credentials.@token". "." is the root.
	//   - "" is the whole body, without white space around; a string of JSON without quotes.
	//
	// A value is a text, a number or a boolean, of at most 64 KiB. Empty means none.
	Capture map[string]string
}

// request is a Request without mistakes.
type request struct {
	name     string // such as Login[0], for people
	method   string
	url      template.URL
	header   map[string]template.Template
	body     body
	auth     connectorauth.Connector
	captures map[string]source
}

// newRequest reads r, which may use the known names, and lists what is wrong.
func newRequest(problems *check.List, field string, r *Request, known []string) *request {
	var own check.List
	out := &request{
		name: field, method: cmp.Or(r.Method, http.MethodPost), header: map[string]template.Template{}, auth: r.Auth, captures: map[string]source{},
	}
	if !wire.IsToken(out.method) || out.method == http.MethodConnect || out.method == http.MethodTrace {
		own.Add("Method: is not a method for a login")
	}
	var err error
	if out.url, err = template.ParseURL(r.URL); err != nil {
		own.Field("URL", err)
	}
	checkNames(&own, "URL", out.url.Names(), known)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		canonical := http.CanonicalHeaderKey(name)
		if !wire.IsToken(name) || inject.IsForbiddenHeader(canonical) && canonical != "Content-Type" {
			own.Add("Header: %q is not a header to set here", name)
		}
		t, err := template.Parse(r.Header[name])
		own.Field("Header: "+name, err)
		if _, twice := out.header[canonical]; twice {
			own.Add("Header: %s is there twice", canonical)
		}
		checkNames(&own, "Header: "+name, t.Names(), known)
		out.header[canonical] = t
	}
	out.body = parseBody(&own, r)
	checkNames(&own, "Form, JSON, XML", out.body.names(), known)
	if out.body.contentType != "" && (out.method == http.MethodGet || out.method == http.MethodHead) {
		own.Add("Method: a %s has no body; remove the body, or use POST", out.method)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Capture)) {
		if !template.IsName(name) {
			own.Add("Capture: %q is no name; use letters, digits and '_'", name)
		}
		s, err := parseSource(r.Capture[name])
		own.Field("Capture: "+name, err)
		out.captures[name] = s
	}
	problems.Field(field, own.Joined())
	return out
}

// build returns the HTTP request, and the secrets in it.
func (r *request) build(ctx context.Context, f *template.Filler) (*http.Request, []string, error) {
	secrets := func() []string {
		list := slices.Collect(maps.Values(f.Values))
		return scrub.Spellings(append(list, f.Made...)...)
	}
	to, err := r.url.Fill(f)
	if err != nil {
		return nil, secrets(), fmt.Errorf("the URL: %w", err)
	}
	content, err := r.body.fill(f)
	if err != nil {
		return nil, secrets(), err
	}
	req, err := http.NewRequestWithContext(ctx, r.method, to, nil)
	if err != nil {
		return nil, secrets(), err
	}
	if r.body.contentType != "" {
		inject.SetBody(req, content)
		req.Header.Set("Content-Type", r.body.contentType)
	}
	for name, t := range r.header {
		whole := true
		var check func(string) string
		if name == "Cookie" { // or a value would add another cookie
			check = func(value string) string {
				inner := value
				if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
					inner = value[1 : n-1]
				}
				whole = whole && !strings.ContainsAny(inner, `;"`)
				return value
			}
		}
		value, err := f.Fill(t, check)
		if err == nil && (!whole || wire.HasControl(value) || strings.TrimSpace(value) != value) {
			err = fmt.Errorf("a value cannot stand in the header %s", name)
		}
		if err != nil {
			return nil, secrets(), err
		}
		req.Header[name] = []string{value}
	}
	return req, secrets(), nil
}

// shows returns what a connector adds to the request, if the connector adds what an
// account owner has given, and "" otherwise: another password in Auth is a change too.
// What hooks add is none: with a time or a random value, each connector would be of
// another account owner.
func (r *request) shows() string {
	switch r.auth.(type) {
	case *connectorauth.Basic, *connectorauth.APIKey:
	default:
		return ""
	}
	var seen bytes.Buffer
	look := roundTripper(func(req *http.Request) (*http.Response, error) {
		fmt.Fprintln(&seen, req.URL)
		req.Header.Write(&seen)
		return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: http.NoBody}, nil
	})
	if req, err := http.NewRequestWithContext(endpoint.Unhooked(context.Background()), http.MethodGet, r.url.Shape.String(), nil); err == nil {
		r.auth.Wrap(look).RoundTrip(req)
	}
	return seen.String()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

package script

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/script/internal/engine"
	"github.com/connectorauth/connectorauth/script/internal/exact"
)

const (
	maxEndpoint = 16 << 10 // length of a new URL, in bytes
	maxMethod   = 32       // length of a new HTTP method, in bytes
)

// state returns what the globals of an event are: only those that the script mentions.
func (r *run) state(event string) (*engine.State, error) {
	if r.script.mentions("method_request_parameters") && exact.TooLong([]byte(r.endpoint.RawQuery)) {
		return nil, tooLarge("the query has more than %d parts", exact.MaxParts)
	}
	s := engine.NewState(event)
	if !r.began {
		r.json(s, "script_parameters", r.parameters)
		r.json(s, "method_request_mergefields", r.mergeFields)
		if r.script.mentions("action_data") {
			s.Texts("action_data", 0)
		}
	}
	e := r.exchange
	before := e == nil || e.Response == nil
	if !r.began || before {
		r.text(s, "method_endpoint", r.endpoint.String)
		if r.script.mentions("method_request_parameters") {
			s.JSON("method_request_parameters", []byte(r.query().JSON()))
		}
	}
	if before {
		r.want(s.WantText, "method_endpoint")
		r.want(s.WantTexts, "method_request_parameters")
	}
	if e == nil {
		return s, nil
	}
	size := headerSize(e.Request.Header)
	if !before {
		size += headerSize(e.Response.Header) + len(e.Response.Status)
	}
	if size > maxOldHeaders {
		return nil, tooLarge("the headers are longer than %d bytes", maxOldHeaders)
	}
	if !r.began || before {
		r.text(s, "method_auth_value", func() string { return string(e.Auth) })
		r.text(s, "http_method", func() string { return cmp.Or(e.Request.Method, http.MethodGet) })
		r.headers(s, "method_request_headers", e.Request.Header)
	}
	if !before {
		return s, r.responseState(s, e.Response)
	}
	r.want(s.WantText, "http_method")
	r.want(s.WantTexts, "method_request_headers")
	r.want(s.Want, "method_request")
	if r.waits && r.script.mentions("method_request") {
		s.Begin([]byte(`{"wait":true}`))
	}
	return s, nil
}

// responseState adds the globals of a response.
func (r *run) responseState(s *engine.State, resp *http.Response) error {
	reason := strings.TrimSpace(strings.TrimPrefix(resp.Status, strings.TrimSpace(resp.Status[:min(3, len(resp.Status))])))
	reason = cmp.Or(reason, http.StatusText(resp.StatusCode))
	r.json(s, "statusCode", strconv.AppendInt(nil, int64(resp.StatusCode), 10))
	r.text(s, "reasonPhrase", func() string { return reason })
	r.headers(s, "method_response_headers", resp.Header)
	r.want(s.WantTexts, "method_response_headers")
	failed := resp.StatusCode >= http.StatusBadRequest && r.script.mentions("method_error")
	if r.script.mentions("method_response") || r.script.mentions("method_error") {
		s.Want("method_response")
	}
	begin := struct {
		Response bool           `json:"response"`
		Error    map[string]any `json:"error,omitempty"`
	}{Response: true}
	if failed {
		begin.Error = map[string]any{"statusCode": resp.StatusCode, "reasonPhrase": reason}
		s.Want("method_error")
	}
	text, err := json.Marshal(begin)
	s.Begin(text)
	return err
}

// text makes a global that is a text, if the script mentions the global.
func (r *run) text(s *engine.State, name string, value func() string) {
	if r.script.mentions(name) {
		s.Text(name, seen(value()))
	}
}

// json makes a global of JSON, if the script mentions the global.
func (r *run) json(s *engine.State, name string, value []byte) {
	if r.script.mentions(name) {
		s.JSON(name, value)
	}
}

// headers makes a global of headers, if the script mentions the global.
func (r *run) headers(s *engine.State, name string, h http.Header) {
	if !r.script.mentions(name) {
		return
	}
	s.Texts(name, len(h))
	for _, key := range slices.Sorted(maps.Keys(h)) {
		s.Member(seen(key), joined(h[key]))
	}
}

// want wants a global back if the script mentions the global.
func (r *run) want(how func(string), name string) {
	if r.script.mentions(name) {
		how(name)
	}
}

// told is what a script's globals are at the end.
type told struct {
	method, endpoint                            *string
	requestHeaders, responseHeaders, parameters *pairs
	isSuccess                                   bool
	bodies                                      map[string][]byte
	half                                        bool // a text has a half of a surrogate pair
	err                                         error
}

// global returns where a text or a list of pairs of this name is noted.
func (t *told) global(name string) (text **string, list **pairs) {
	switch name {
	case "http_method":
		text = &t.method
	case "method_endpoint":
		text = &t.endpoint
	case "method_request_headers":
		list = &t.requestHeaders
	case "method_response_headers":
		list = &t.responseHeaders
	case "method_request_parameters":
		list = &t.parameters
	}
	return text, list
}

// read takes the globals of engine.Told: strings and objects of strings.
func (t *told) read(f engine.Fields) {
	next := func() string {
		text := f.Next()
		t.half = t.half || !utf8.ValidString(text)
		return text
	}
	for len(f) > 0 {
		text, list := t.global(f.Next())
		switch {
		case text != nil:
			value := next()
			*text = &value
		case list != nil:
			n := f.Count()
			members := make(pairs, 0, n)
			values := make([]string, 0, n)
			for range n {
				name := next()
				values = append(values, next())
				members = append(members, pair{name, values[len(values)-1:][:1:1]})
			}
			*list = &members
		}
	}
}

// readOne takes a global of engine.Out.
func (t *told) readOne(out []byte) {
	name, value, _ := bytes.Cut(out, []byte(":"))
	text, list := t.global(string(name))
	switch {
	case text != nil:
		t.half = t.half || !utf8.Valid(value)
		value := string(value)
		*text = &value
	case list != nil:
		t.half = t.half || bytes.Contains(value, []byte(`\ud`)) && half().Match(value)
		*list = new(pairs)
		if err := json.Unmarshal(value, *list); err != nil {
			t.err = err
		}
	case string(name) == "method_error":
		t.isSuccess = true
	case string(name) == "method_request" || string(name) == "method_response":
		if t.bodies == nil {
			t.bodies = make(map[string][]byte)
		}
		t.bodies[string(name)] = bytes.Clone(value)
	}
}

// half is how JSON.stringify writes a half of a surrogate pair: whole pairs have no
// escape.
var half = lazy.Regexp(`(^|[^\\])(\\\\)*\\ud`)

// apply writes the changes of a handler to the response, or to the request if there
// is no response yet.
func (r *run) apply() error {
	if r.told.err != nil {
		return invalid("the script has changed objects of the language that the package needs")
	}
	if r.told.half {
		return errHalf
	}
	if r.exchange == nil {
		return r.applyURL()
	}
	if resp := r.exchange.Response; resp != nil {
		if r.told.responseHeaders != nil {
			if err := r.applyHeaders("method_response_headers", *r.told.responseHeaders, resp.Header); err != nil {
				return err
			}
		}
		if value, ok := r.told.bodies["method_response"]; ok {
			if err := r.applyBody("method_response", &r.response, value, r.exchange.SetResponseBody, resp.Header); err != nil {
				return err
			}
		}
		if r.told.isSuccess {
			resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
		}
		return nil
	}
	req := r.exchange.Request
	if m := r.told.method; m != nil && *m != cmp.Or(req.Method, http.MethodGet) {
		if len(*m) > maxMethod || !isToken(*m) || *m == http.MethodConnect {
			return invalid("http_method must be an HTTP method of at most %d bytes, and not CONNECT", maxMethod)
		}
		req.Method = *m
	}
	if err := r.applyURL(); err != nil {
		return err
	}
	if r.told.requestHeaders != nil {
		if err := r.applyHeaders("method_request_headers", *r.told.requestHeaders, req.Header); err != nil {
			return err
		}
	}
	if value, ok := r.told.bodies["method_request"]; ok {
		return r.applyBody("method_request", &r.request, value, r.exchange.SetRequestBody, req.Header)
	}
	return nil
}

// applyURL writes method_endpoint and method_request_parameters to the URL. The
// caller of the hook checks whether credentials may go to the new URL.
func (r *run) applyURL() error {
	query := r.query()
	if text := r.told.endpoint; text != nil && *text != seen(r.endpoint.String()) {
		if r.rounds(*text) {
			return rounded("method_endpoint")
		}
		u, err := r.endpoint.Parse(*text)
		if err != nil || len(*text) > maxEndpoint || u.Host == "" || u.User != nil {
			return invalid("method_endpoint must be a URL with a host, without user name or password, of at most %d bytes", maxEndpoint)
		}
		*r.endpoint = *u
	}
	if r.told.parameters == nil {
		return nil
	}
	before, names, after := query.Values(), r.told.parameters.names(), r.told.parameters.values()
	now := r.query()
	wanted := now.Values()
	changed := false
	for _, name := range append(query.Names(), names...) {
		if !slices.Equal(before[name], after[name]) {
			wanted[name], changed = after[name], true
			if slices.ContainsFunc(after[name], r.rounds) {
				return rounded("method_request_parameters")
			}
		}
	}
	if !changed {
		return nil
	}
	text := now.Merge(names, wanted, func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") })
	if len(text) > maxEndpoint {
		return tooLarge("method_request_parameters are longer than %d bytes", maxEndpoint)
	}
	r.endpoint.RawQuery = text
	return nil
}

// query returns the query of the URL.
func (r *run) query() query {
	form, _ := exact.ParseForm(r.endpoint.RawQuery)
	return query{form}
}

type query struct{ exact.Form }

// rounded returns the error that a global has a number that JavaScript has rounded.
func rounded(global string) error { return fmt.Errorf("%s: %w", global, exact.ErrRounded) }

// rounds reports whether a text that a script has made contains a number that
// JavaScript has rounded.
func (r *run) rounds(text string) bool {
	for _, n := range [...]exact.Numbers{r.request.numbers, r.earlier, r.response.numbers} {
		if len(n) > 0 && n.In([]byte(text)) {
			return true
		}
	}
	return false
}

// numbers are the numbers that the script has seen rounded, also before the request: a
// script can keep a number in action_data.
func (r *run) numbers() []exact.Numbers {
	return []exact.Numbers{r.request.numbers, r.earlier, r.response.numbers}
}

// joined returns the values of a header as a script sees the header: one string.
func joined(values []string) string {
	if len(values) == 1 {
		return seen(values[0])
	}
	return seen(strings.Join(values, ", "))
}

// seen returns a text as a script sees the text: bytes that are not UTF-8 are U+FFFD,
// each.
func seen(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

package script

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/script/internal/exact"
)

const (
	maxEndpoint = 16 << 10 // length of a new URL, in bytes
	maxMethod   = 32       // length of a new HTTP method, in bytes
)

// state returns what the globals of an event are, for prelude.js: only those that
// the script mentions.
func (r *run) state() ([]byte, error) {
	s := struct {
		Values   map[string]any `json:"values"`
		Wanted   []string       `json:"wanted"`
		Error    map[string]any `json:"error,omitempty"`
		Response bool           `json:"response,omitempty"`
		Wait     bool           `json:"wait,omitempty"`
	}{Response: r.exchange != nil && r.exchange.Response != nil, Wait: r.waits && r.exchange.Response == nil, Values: make(map[string]any), Wanted: []string{}}
	// set makes a global, and wants the global back if the script may change the global.
	set := func(name string, changes bool, value func() any) {
		if r.script.mentions(name) {
			s.Values[name] = value()
			if changes {
				s.Wanted = append(s.Wanted, name)
			}
		}
	}
	wantBody := func(name string) {
		if r.script.mentions(name) || name == "method_response" && r.script.mentions("method_error") {
			s.Wanted = append(s.Wanted, name)
		}
	}
	before := r.exchange == nil || r.exchange.Response == nil
	if r.script.mentions("method_request_parameters") && exact.TooLong([]byte(r.endpoint.RawQuery)) {
		return nil, tooLarge("the query has more than %d parts", exact.MaxParts)
	}
	if e := r.exchange; e != nil {
		size := headerSize(e.Request.Header)
		if e.Response != nil {
			size += headerSize(e.Response.Header) + len(e.Response.Status)
		}
		if size > maxOldHeaders {
			return nil, tooLarge("the headers are longer than %d bytes", maxOldHeaders)
		}
	}
	if !r.began {
		set("script_parameters", false, func() any { return r.parameters })
		set("method_request_mergefields", false, func() any { return r.mergeFields })
		set("action_data", false, func() any { return struct{}{} })
	}
	if !r.began || before {
		set("method_endpoint", before, func() any { return r.endpoint.String() })
		set("method_request_parameters", before, func() any { return r.query().jsonValue() })
	}
	if e := r.exchange; e != nil {
		if !r.began || before {
			set("method_auth_value", false, func() any { return string(e.Auth) })
			set("http_method", before, func() any { return cmp.Or(e.Request.Method, http.MethodGet) })
			set("method_request_headers", before, func() any { return joined(e.Request.Header) })
		}
		if before {
			wantBody("method_request")
		} else {
			resp := e.Response
			reason := strings.TrimSpace(strings.TrimPrefix(resp.Status, strings.TrimSpace(resp.Status[:min(3, len(resp.Status))])))
			reason = cmp.Or(reason, http.StatusText(resp.StatusCode))
			set("statusCode", false, func() any { return resp.StatusCode })
			set("reasonPhrase", false, func() any { return reason })
			set("method_response_headers", true, func() any { return joined(resp.Header) })
			wantBody("method_response")
			if resp.StatusCode >= http.StatusBadRequest && r.script.mentions("method_error") {
				s.Error = map[string]any{"statusCode": resp.StatusCode, "reasonPhrase": reason}
				s.Wanted = append(s.Wanted, "method_error")
			}
		}
	}
	return json.Marshal(s)
}

// told is what a script's globals are at the end.
type told struct {
	Method          *string `json:"http_method"`
	Endpoint        *string `json:"method_endpoint"`
	RequestHeaders  pairs   `json:"method_request_headers"`
	ResponseHeaders pairs   `json:"method_response_headers"`
	Parameters      pairs   `json:"method_request_parameters"`
	IsSuccess       bool    `json:"isSuccess"`
	bodies          map[string][]byte
	half            bool // a text has a half of a surrogate pair
	err             error
}

// read takes one text of engine.Out: a body, or the other globals.
func (t *told) read(text []byte) {
	if name, value, ok := bytes.Cut(text, []byte(":")); ok && !bytes.HasPrefix(text, []byte("{")) {
		if t.bodies == nil {
			t.bodies = make(map[string][]byte)
		}
		t.bodies[string(name)] = value
		return
	}
	t.half = bytes.Contains(text, []byte(`\ud`)) && half.Match(text)
	if err := json.Unmarshal(text, t); err != nil {
		t.err = err
	}
}

// half is how JSON.stringify writes a half of a surrogate pair: whole pairs have no
// escape.
var half = regexp.MustCompile(`(^|[^\\])(\\\\)*\\ud`)

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
		if r.told.ResponseHeaders != nil {
			if err := r.applyHeaders("method_response_headers", r.told.ResponseHeaders, resp.Header); err != nil {
				return err
			}
		}
		if value, ok := r.told.bodies["method_response"]; ok {
			if err := r.applyBody("method_response", &r.response, value, r.exchange.SetResponseBody, resp.Header); err != nil {
				return err
			}
		}
		if r.told.IsSuccess {
			resp.StatusCode, resp.Status = http.StatusOK, "200 OK"
		}
		return nil
	}
	req := r.exchange.Request
	if m := r.told.Method; m != nil && *m != cmp.Or(req.Method, http.MethodGet) {
		if len(*m) > maxMethod || !isToken(*m) || *m == http.MethodConnect {
			return invalid("http_method must be an HTTP method of at most %d bytes, and not CONNECT", maxMethod)
		}
		req.Method = *m
	}
	if err := r.applyURL(); err != nil {
		return err
	}
	if r.told.RequestHeaders != nil {
		if err := r.applyHeaders("method_request_headers", r.told.RequestHeaders, req.Header); err != nil {
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
	if text := r.told.Endpoint; text != nil && *text != seen(r.endpoint.String()) {
		if r.rounds(*text) {
			return rounded("method_endpoint")
		}
		u, err := r.endpoint.Parse(*text)
		if err != nil || len(*text) > maxEndpoint || u.Host == "" || u.User != nil {
			return invalid("method_endpoint must be a URL with a host, without user name or password, of at most %d bytes", maxEndpoint)
		}
		*r.endpoint = *u
	}
	if r.told.Parameters == nil {
		return nil
	}
	before, names, after := query.Values(), r.told.Parameters.names(), r.told.Parameters.values()
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

// jsonValue returns the query as a script sees the query.
func (q query) jsonValue() any { return json.RawMessage(q.JSON()) }

// rounded returns the error that a global has a number that JavaScript has rounded.
func rounded(global string) error { return fmt.Errorf("%s: %w", global, exact.ErrRounded) }

// rounds reports whether a text that a script has made contains a number that
// JavaScript has rounded.
func (r *run) rounds(text string) bool {
	return slices.ContainsFunc(r.numbers(), func(n exact.Numbers) bool { return n.In([]byte(text)) })
}

// numbers are the numbers that the script has seen rounded, also before the request: a
// script can keep a number in action_data.
func (r *run) numbers() []exact.Numbers {
	return []exact.Numbers{r.request.numbers, r.earlier, r.response.numbers}
}

// joined returns headers as a script sees headers: a string for each name.
func joined(h http.Header) map[string]string {
	object := make(map[string]string, len(h))
	for _, name := range slices.Sorted(maps.Keys(h)) {
		object[name] = seen(strings.Join(h[name], ", "))
	}
	return object
}

// seen returns a text as a script sees the text: bytes that are not UTF-8 are U+FFFD,
// each.
func seen(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

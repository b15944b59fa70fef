package script

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/script/internal/exact"
)

// A body is the body of a request or a response. A body is read at most once, and
// written only if the script has changed the value.
type body struct {
	source func() ([]byte, error) // nil if there is no such message
	length int64                  // negative if unknown
	header http.Header
	empty  string // what the script sees of an empty body

	known   bool // read was called
	data    []byte
	err     error
	numbers exact.Numbers // in a body that a script has seen: those that a script sees rounded
	sent    byte          // after the request, how a script sees the body that was sent: j, f or t; 0 if that depends on the body
	given   byte          // how the script sees the body: j (JSON), f (form), t (text) or u (undefined); 0 if the script has not used the body
}

const formType = "application/x-www-form-urlencoded"

// kind returns the media type in Content-Type. Empty means none or malformed.
func (b *body) kind() string {
	kind, _, _ := mime.ParseMediaType(b.header.Get("Content-Type"))
	return kind
}

func (b *body) read() {
	b.known = true
	b.data, b.err = b.source()
}

// prepareBodies makes the bodies of the exchange known, and reads those that the
// script mentions if that cannot take long: others are read when the script uses
// the body.
func (r *run) prepareBodies() {
	e := r.exchange
	if e == nil {
		return
	}
	if r.request.source == nil {
		length := e.Request.ContentLength
		if e.Request.Body == nil || e.Request.Body == http.NoBody {
			length = 0
		} else if length == 0 {
			length = -1
		}
		r.request = body{source: func() ([]byte, error) {
			if e.Response != nil && length != 0 {
				return r.sent()
			}
			return e.RequestBody(r.maxBody)
		}, length: length, header: e.Request.Header, empty: "{}"}
	}
	if e.Response != nil {
		r.response = body{source: func() ([]byte, error) { return e.ResponseBody(r.maxBody) }, length: e.Response.ContentLength, header: e.Response.Header, empty: "null"}
	}
	r.request.given, r.response.given = 0, 0
	for _, b := range []*body{&r.request, &r.response} {
		mentioned := r.script.mentions("method_request") || r.script.mentions("method_request_content")
		if b == &r.response {
			mentioned = r.script.mentions("method_response")
		}
		if b.source != nil && !b.known && (b == &r.response) == (e.Response != nil) && mentioned && b.length >= 0 && b.length <= r.maxBody {
			b.read()
		}
	}
}

// sent returns the body of a request that has been sent.
func (r *run) sent() ([]byte, error) {
	again := r.exchange.Request.GetBody
	if again == nil {
		return nil, errors.New("the request has been sent, and its body can be had only once: use the body in an event before the request")
	}
	from, err := again()
	if err != nil {
		return nil, err
	}
	defer from.Close()
	data, err := io.ReadAll(io.LimitReader(from, min(r.maxBody, math.MaxInt64-1)+1))
	if err == nil && int64(len(data)) > r.maxBody {
		err = fmt.Errorf("the body is longer than %d bytes", r.maxBody)
	}
	return data, err
}

// text returns the body without a byte order mark, or nothing if the body is not
// UTF-8.
func (b *body) text() []byte {
	if !utf8.Valid(b.data) {
		return nil
	}
	return bytes.TrimPrefix(b.data, []byte("\ufeff"))
}

// forScript returns the body as prelude.js expects a body: j and JSON, k and JSON where
// different numbers look alike, t and text, or u.
func (b *body) forScript() ([]byte, error) {
	text := b.text()
	b.given = 'j'
	kind := b.kind()
	switch b.sent {
	case 'j':
		kind = "application/json"
	case 'f':
		kind = formType
	}
	switch {
	case b.sent == 't':
	case len(b.data) == 0:
		if kind == formType {
			b.given = 'f'
		}
		return []byte("j" + b.empty), nil
	case !utf8.Valid(b.data):
		b.given = 'u'
		return []byte{'u'}, nil
	case kind == formType:
		if exact.TooLong(text) {
			return nil, fmt.Errorf("the form has more than %d parts", exact.MaxParts)
		}
		if form, ok := exact.ParseForm(string(text)); ok {
			b.given = 'f'
			return append([]byte{'j'}, form.JSON()...), nil
		}
	case kind == "application/json", strings.HasSuffix(kind, "+json"), looksLikeJSON(text):
		if parsed, err := exact.Parse(text); err == nil {
			if parsed.Extreme() {
				return nil, fmt.Errorf("the body has more than %d numbers with exponents of three digits or with 200 digits", exact.MaxExtreme)
			}
			mark := byte('j')
			if b.numbers = exact.Rounded(parsed); b.numbers.Ambiguous() {
				mark = 'k'
			}
			return append([]byte{mark}, text...), nil
		}
	}
	b.given = 't'
	return append([]byte{'t'}, text...), nil
}

func looksLikeJSON(text []byte) bool {
	trimmed := bytes.TrimSpace(text)
	return len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[')
}

// changed returns the body after the script. value is what prelude.js tells of the
// value: j and JSON, m or c and JSON if objects have moved or are copies, t and text,
// or nothing for null and undefined. What the script did not change stays byte for
// byte. numbers are the rounded numbers of all bodies.
func (b *body) changed(value []byte, numbers ...exact.Numbers) ([]byte, error) {
	rounds := func(text []byte) bool {
		return slices.ContainsFunc(numbers, func(n exact.Numbers) bool { return n.In(text) })
	}
	mark := b.data[:len(b.data)-len(b.text())] // a byte order mark
	switch {
	case len(value) == 0:
		if b.given == 'u' || b.given != 0 && len(b.data) == 0 && b.empty == "null" || b.given == 'j' && isNull(b.text()) {
			return b.data, nil
		}
		return nil, nil
	case value[0] == 't':
		if b.given == 't' && bytes.Equal(value[1:], b.text()) {
			return b.data, nil
		}
		if !utf8.Valid(value) {
			return nil, errHalf
		}
		if rounds(value) {
			return nil, exact.ErrRounded
		}
		return value[1:], nil
	case b.given != 0 && len(b.data) == 0 && string(value[1:]) == b.empty:
		return b.data, nil
	case b.given == 'f' || b.given != 'j' && b.kind() == formType:
		if rounds(value) {
			return nil, exact.ErrRounded
		}
		names, values, err := exact.FormValues(value[1:])
		if err != nil {
			return nil, invalid("%v", err)
		}
		if b.given != 'f' {
			return []byte(exact.Form(nil).Merge(names, values, url.QueryEscape)), nil
		}
		form, _ := exact.ParseForm(string(b.text()))
		return append(mark[:len(mark):len(mark)], form.Merge(names, values, url.QueryEscape)...), nil
	case b.given == 'j' && len(b.data) > 0:
		moves := map[byte]exact.Moves{'c': exact.Copied, 'm': exact.Moved}[value[0]]
		merged, err := exact.Merge(b.text(), value[1:], moves, numbers...)
		return append(mark[:len(mark):len(mark)], merged...), err
	case rounds(value):
		return nil, exact.ErrRounded
	}
	return value[1:], nil
}

// errHalf refuses a text that would be sent with U+FFFD.
var errHalf = invalid("a text has a half of a surrogate pair, which UTF-8 cannot write")

func isNull(text []byte) bool { return string(bytes.TrimSpace(text)) == "null" }

// applyBody writes a body if the script has changed the value.
func (r *run) applyBody(global string, b *body, value []byte, write func([]byte), h http.Header) error {
	now, err := b.changed(value, r.numbers()...)
	if err == exact.ErrRounded {
		return rounded(global)
	}
	if b == &r.request && len(value) > 0 {
		switch {
		case value[0] == 't':
			b.sent = 't'
		case b.given == 'f' || b.given != 'j' && b.kind() == formType:
			b.sent = 'f'
		default:
			b.sent = 'j'
		}
	}
	if err != nil {
		return err
	}
	if b.given != 0 && bytes.Equal(now, b.data) {
		return nil
	}
	if int64(len(now)) > r.maxBody {
		return tooLarge("the new body is longer than %d bytes", r.maxBody)
	}
	if len(value) > 0 && value[0] != 't' && h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	h.Del("Content-Encoding") // a script writes texts
	r.later = func() { write(now) }
	b.known, b.data, b.err = true, now, nil
	return nil
}

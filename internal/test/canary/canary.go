// Package canary looks for secrets, in every encoding, in whatever a program
// might print, log or send.
package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Encodings returns the forms in which a secret may turn up.
func Encodings(secret string) []string {
	if forms, ok := known.Load(secret); ok {
		return forms.([]string)
	}
	text, _ := json.Marshal(secret)
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), url.QueryEscape(url.QueryEscape(secret)),
		strings.Trim(string(text), `"`), strings.Trim(fmt.Sprintf("%q", secret), `"`),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
		strings.Trim(fmt.Sprint([]byte(secret)), "[]"), strings.Trim(fmt.Sprintf("%U", []byte(secret)), "[]"),
	}
	// In the midst of other bytes, base64 has three forms. Characters that also
	// depend on the neighbours are left out.
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for before := range 3 {
			padded := encoding.EncodeToString(append(make([]byte, before), secret...))
			forms = append(forms, padded[(before*8+5)/6:(before+len(secret))*8/6])
		}
	}
	known.Store(secret, forms)
	return forms
}

var known sync.Map // what Encodings returned, by secret

// Found returns those secrets that are in text, in any encoding.
func Found(text string, secrets ...string) (list []string) {
	for _, secret := range secrets {
		for _, form := range Encodings(secret) {
			if strings.Contains(text, form) {
				list = append(list, secret)
				break
			}
		}
	}
	return list
}

// A Canary fails its test when something shows a secret.
type Canary struct {
	T       *testing.T
	Secrets []string
}

// New returns a Canary for secrets. Until the test ends, nothing may be logged by
// package log: net/http complains there about RoundTrippers that break its rules.
func New(t *testing.T, secrets ...string) *Canary {
	var logged bytes.Buffer
	before := log.Writer()
	log.SetOutput(&logged)
	t.Cleanup(func() {
		log.SetOutput(before)
		assert.Empty(t, logged.String(), "nothing is logged")
	})
	return &Canary{t, secrets}
}

// Text requires that text has no secret.
func (c *Canary) Text(what, text string) {
	c.T.Helper()
	for _, secret := range Found(text, c.Secrets...) {
		c.T.Errorf("%s shows %s:\n%.2000s", what, secret, text)
	}
}

// Verbs are those of package fmt, and flags that change what is printed. Without
// %p: for a value that is not a pointer, fmt calls no method and prints the value,
// and go vet refuses such a call.
var Verbs = []string{"v", "+v", "#v", "T", "t", "b", "c", "d", "o", "O", "q", "#q", "+q", "x", "X", "# x", "U", "#U", "e", "E", "f", "F", "g", "G", "s"}

// Value requires that no way of printing v shows a secret: every verb of fmt, JSON
// and slog, for v, what v points to, and v within other values.
func (c *Canary) Value(what string, v any) {
	c.T.Helper()
	values := []any{v, &v, []any{v}, map[string]any{"v": v}, struct{ V any }{v}}
	if pointer := reflect.ValueOf(v); pointer.Kind() == reflect.Pointer && !pointer.IsNil() {
		values = append(values, pointer.Elem().Interface())
	}
	var out bytes.Buffer
	loggers := []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))}
	for _, v := range values {
		for _, verb := range Verbs {
			fmt.Fprintf(&out, "%"+verb+"\n", v)
		}
		encoded, _ := json.Marshal(v)
		out.Write(encoded)
		for _, logger := range loggers {
			logger.Info("canary", "value", v)
		}
	}
	c.Text(what, out.String())
}

// Error looks at an error and at all that the error wraps.
func (c *Canary) Error(what string, err error) {
	c.T.Helper()
	if err == nil {
		return
	}
	c.Value(what, err)
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		c.Error(what, wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			c.Error(what, inner)
		}
	}
}

// Response looks at what a caller can get to from a response, and closes its
// body.
func (c *Canary) Response(what string, resp *http.Response) {
	c.T.Helper()
	if resp == nil {
		return
	}
	defer resp.Body.Close()
	c.Value(what, resp.Request)
	dump, _ := httputil.DumpRequest(resp.Request, false)
	c.Text(what, string(dump)+resp.Request.URL.String())
	c.Value(what, resp.Header.Get("Location"))
}

package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/connectorauth/connectorauth"
	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// MaxSource is the length of the longest script that Compile accepts, in bytes.
const MaxSource = 64 << 10

// A Script is compiled source. It is immutable and can serve any number of
// connectors at once.
type Script struct {
	program *goja.Program
	source  string
	words   map[string]bool // of the source
	lengths bool            // it may have objects of great length
}

// Compile checks and compiles a script. An error is an [*Error]. Nothing of the
// script runs yet.
func Compile(source string) (*Script, error) {
	if len(source) > MaxSource {
		return nil, &Error{Message: fmt.Sprintf("the source is longer than %d bytes", MaxSource), cause: ErrLimit}
	}
	tree, err := parser.ParseFile(nil, "", source, 0, parser.WithDisableSourceMaps)
	if err == nil {
		err = checkTree(tree)
	}
	var program *goja.Program
	if err == nil {
		program, err = goja.CompileAST(tree, false)
	}
	if err != nil {
		return nil, compileError(err)
	}
	s := &Script{program: program, source: source, words: make(map[string]bool)}
	for name := range strings.FieldsFuncSeq(source, func(c rune) bool {
		return c != '_' && c != '$' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	}) {
		s.words[name] = true
	}
	s.lengths = mayHaveLengths(s)
	return s, nil
}

// mentions reports whether name is in the source at all. Handlers that are not
// need no calling, and globals that are not need no setting up.
func (s *Script) mentions(name string) bool { return s.words[name] }

// Options say what a script is given. The zero value is ready to use.
type Options struct {
	// Parameters become script_parameters: strings, numbers, booleans, nil, and
	// maps and slices of them. Each message gets a copy of its own. A value of type
	// connectorauth.Secret is a string to the script and kept out of errors.
	Parameters map[string]any
	// TimeLimit is how long one event may take, waiting for bodies not counted; 0
	// means 250 milliseconds.
	TimeLimit time.Duration
	// MaxBody limits the bodies that the script reads or makes, in bytes; 0 means
	// 1 MiB. Bodies that it does not look at have no limit.
	MaxBody int64
}

// Wrap returns a connector like c whose messages pass through the script; see
// [connectorauth.WithHooks] for how the two are related.
func Wrap(c connectorauth.Connector, s *Script, o Options) (connectorauth.Connector, error) {
	if c == nil || s == nil {
		return nil, errors.New("script: Wrap needs a connector and a script")
	}
	w := &wrapper{script: s, limit: o.TimeLimit, maxBody: o.MaxBody}
	if w.limit == 0 {
		w.limit = 250 * time.Millisecond
	}
	if w.maxBody == 0 {
		w.maxBody = 1 << 20
	}
	if w.limit < 0 || w.maxBody < 0 {
		return nil, errors.New("script: Options: TimeLimit and MaxBody must not be negative")
	}
	plain, err := w.plain(o.Parameters)
	if err != nil {
		return nil, fmt.Errorf("script: Options: Parameters: %w", err)
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return nil, fmt.Errorf("script: Options: Parameters: %w", err)
	}
	w.parameters = string(text)
	w.answers = slices.ContainsFunc([]string{"after_action", "after_error", "after_oauth2_token", "after_oauth2_refresh"}, s.mentions)
	return connectorauth.WithHooks(c, w.hooks()), nil
}

// A wrapper is a script with its options. It is immutable.
type wrapper struct {
	script     *Script
	parameters string // as JSON
	secrets    []string
	limit      time.Duration
	maxBody    int64
	answers    bool // the script handles answers, with what it had for the requests
}

// hooks connects the events that the script handles.
func (w *wrapper) hooks() connectorauth.Hooks {
	h := connectorauth.Hooks{
		BeforeRequest: w.hook("before_action"),
		BeforeToken:   w.hook("before_oauth2_token"),
		AfterToken:    w.hook("after_oauth2_token"),
		BeforeRefresh: w.hook("before_oauth2_refresh"),
		AfterRefresh:  w.hook("after_oauth2_refresh"),
	}
	succeeded, failed := w.hook("after_action"), w.hook("after_error")
	if succeeded != nil || failed != nil {
		h.AfterResponse = func(e *connectorauth.Exchange) error {
			switch status := e.Response.StatusCode; {
			case status >= http.StatusBadRequest && failed != nil:
				return failed(e)
			case status >= 200 && status < 300 && succeeded != nil:
				return succeeded(e)
			}
			return nil
		}
	}
	if w.script.mentions("before_oauth2_authorise") {
		h.BeforeAuthorize = w.authorise
	}
	return h
}

// hook returns the function that raises event; nil if the script has no handler.
func (w *wrapper) hook(event string) func(*connectorauth.Exchange) error {
	if !w.script.mentions(event) {
		return nil
	}
	return func(e *connectorauth.Exchange) error {
		r, _ := e.Data.(*run)
		if r == nil {
			r = w.newRun(e)
		}
		err := r.raise(e.Request.Context(), event)
		if w.answers {
			e.Data = r
		}
		return err
	}
}

// plain returns a copy of v made of what JSON has, and notes the secrets in it.
func (w *wrapper) plain(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool, int, int32, int64, uint, uint32, uint64, json.Number:
		return v, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("a number is not finite")
		}
		return v, nil
	case connectorauth.Secret:
		w.secrets = append(w.secrets, string(v))
		return string(v), nil
	case []string:
		return append([]string(nil), v...), nil
	case map[string]string:
		members := make(map[string]any, len(v))
		for name, text := range v {
			members[name] = text
		}
		return members, nil
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = w.plain(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		members := make(map[string]any, len(v))
		for name := range v {
			var err error
			if members[name], err = w.plain(v[name]); err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
		}
		return members, nil
	}
	return nil, fmt.Errorf("a value of type %T cannot be given to a script", v)
}

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

// MaxSource is the maximum length of a script for Compile, in bytes.
const MaxSource = 64 << 10

// A Script is a compiled script. A Script is immutable: any number of connectors
// can use a Script at the same time.
type Script struct {
	program *goja.Program
	source  string
	words   map[string]bool // all words of the source
	lengths bool            // the script may have objects of great length
}

// Compile checks and compiles a script, but does not run the script. The error is
// an [*Error].
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

// mentions reports whether name is a word of the source. Without this word, the
// script has no handler of this name and needs no global of this name.
func (s *Script) mentions(name string) bool { return s.words[name] }

// Options are the options of [Wrap]. The zero value is ready to use.
type Options struct {
	// Parameters are the global script_parameters of the script. Values are
	// strings, numbers, booleans, nil, and maps and slices of these types. Each
	// request gets a new copy. A connectorauth.Secret is a string in the script, and
	// errors do not contain the secret. Empty means an empty object.
	Parameters map[string]any
	// TimeLimit is the longest time of one event. Time in which the package reads a
	// body does not count. 0 means 250 milliseconds.
	TimeLimit time.Duration
	// MaxBody is the maximum length, in bytes, of a body that the script reads or
	// makes. Other bodies have no limit. 0 means 1 MiB.
	MaxBody int64
}

// Wrap returns a connector that authenticates as c does and runs s on its requests
// and responses. [connectorauth.WithHooks] says what the connector shares with c.
func Wrap(c connectorauth.Connector, s *Script, o Options) (connectorauth.Connector, error) {
	if c == nil || s == nil {
		return nil, errors.New("script: Wrap: the connector and the script must not be nil")
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
	parameters, err := w.jsonValue(o.Parameters)
	if err != nil {
		return nil, fmt.Errorf("script: Options: Parameters: %w", err)
	}
	text, err := json.Marshal(parameters)
	if err != nil {
		return nil, fmt.Errorf("script: Options: Parameters: %w", err)
	}
	w.parameters = string(text)
	w.keep = slices.ContainsFunc([]string{"after_action", "after_error", "after_oauth2_token", "after_oauth2_refresh"}, s.mentions)
	return connectorauth.WithHooks(c, w.hooks()), nil
}

// A wrapper is a script with its options. A wrapper is immutable.
type wrapper struct {
	script     *Script
	parameters string   // Options.Parameters as JSON
	secrets    []string // secrets in Options.Parameters
	limit      time.Duration
	maxBody    int64
	keep       bool // keep the run of a request for the events of the response
}

// hooks returns the hooks for the events that the script handles.
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
		h.BeforeAuthorize = w.authorize
	}
	return h
}

// hook returns a hook that runs the script's handler of event. Nil means that the
// script has no handler of this name.
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
		if w.keep {
			e.Data = r
		}
		return err
	}
}

// jsonValue returns a copy of v for json.Marshal, and adds the secrets in v to
// w.secrets. A secret becomes a string.
func (w *wrapper) jsonValue(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool, int, int32, int64, uint, uint32, uint64, json.Number:
		return v, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("a number is infinite or NaN, and JSON has neither")
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
			if list[i], err = w.jsonValue(v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		members := make(map[string]any, len(v))
		for name := range v {
			var err error
			if members[name], err = w.jsonValue(v[name]); err != nil {
				return nil, fmt.Errorf("%q: %w", name, err)
			}
		}
		return members, nil
	}
	return nil, fmt.Errorf("a value of type %T cannot be given to a script", v)
}

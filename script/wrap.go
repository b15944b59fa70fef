package script

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script/internal/exact"
)

// Options are the options of [Wrap]. The zero value is ready to use.
type Options struct {
	// Parameters are the global script_parameters of the script. Values are
	// strings, numbers, booleans, nil, and []any, []string, map[string]any and
	// map[string]string of such values. A number with more digits than JavaScript
	// keeps, such as a long ID, must be a string. Each request gets a new copy. A
	// connectorauth.Secret is a string in the script, and errors do not contain the
	// secret. Empty means an empty object.
	Parameters map[string]any
	// MergeFields are the global method_request_mergefields of the script: what the
	// account owner has given, such as a subdomain. Values are as in Parameters.
	// Empty means an empty object.
	MergeFields map[string]any
	// Tenant names whom the script works for. Tenants share the processors: each
	// tenant that has messages gets the same time. Empty means: connectors whose
	// scripts have the same source are one tenant.
	Tenant string
	// TimeLimit is the longest time that one event runs. Time in which the script
	// waits for its turn, or in which the package reads a body, does not count. 0
	// means 250 milliseconds.
	TimeLimit time.Duration
	// MemoryLimit is the most memory of one event, in bytes, including about 2 MiB
	// for the engine. 0 means 32 MiB. The maximum is 1 GiB.
	MemoryLimit int64
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
	if o.TimeLimit < 0 || o.MaxBody < 0 || o.MemoryLimit < 0 || o.MemoryLimit > maxMemory {
		return nil, errors.New("script: Options: TimeLimit, MemoryLimit and MaxBody must not be negative, and MemoryLimit at most 1 GiB")
	}
	w := &wrapper{
		script: s,
		limit:  cmp.Or(o.TimeLimit, 250*time.Millisecond), memory: cmp.Or(o.MemoryLimit, 32<<20), maxBody: cmp.Or(o.MaxBody, 1<<20),
		tenant: "script " + s.source,
	}
	if o.Tenant != "" {
		w.tenant = "tenant " + o.Tenant
	}
	var err error
	if w.parameters, err = w.object(o.Parameters); err != nil {
		return nil, fmt.Errorf("script: Options: Parameters: %w", err)
	}
	if w.mergeFields, err = w.object(o.MergeFields); err != nil {
		return nil, fmt.Errorf("script: Options: MergeFields: %w", err)
	}
	if fields, ok := c.(*connectorauth.AuthFields); ok {
		for _, f := range fields.Fields() {
			w.fields = append(w.fields, f.Key, lastPart(f.Key))
		}
	}
	return connectorauth.WithHooks(c, w.hooks()), nil
}

const maxMemory = 1 << 30

// lastPart returns the name of a member at a path such as auth.key or /auth/key. An
// element of an array has the name of the array.
func lastPart(key string) string {
	pointer, ok := strings.CutPrefix(key, "/")
	if !ok {
		return key[strings.LastIndexAny(key, ".@")+1:]
	}
	steps := strings.Split(pointer, "/")
	for len(steps) > 1 && strings.Trim(steps[len(steps)-1], "-0123456789") == "" {
		steps = steps[:len(steps)-1]
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(steps[len(steps)-1])
}

// A wrapper is a script with its options. A wrapper is immutable.
type wrapper struct {
	script                  *Script
	parameters, mergeFields json.RawMessage
	secrets                 []string // secrets in Options
	fields                  []string // names of members that are credentials
	tenant                  string
	limit                   time.Duration
	memory, maxBody         int64
}

// hooks returns the hooks for the events that the script handles.
func (w *wrapper) hooks() connectorauth.Hooks {
	h := connectorauth.Hooks{
		BeforeRequest: w.hook("before_action", "after_action", "after_error"),
		AfterResponse: w.after("after_action", "after_error"),
		BeforeToken:   w.hook("before_oauth2_token", "after_oauth2_token", "after_oauth2_token_error"),
		AfterToken:    w.after("after_oauth2_token", "after_oauth2_token_error"),
		BeforeRefresh: w.hook("before_oauth2_refresh", "after_oauth2_refresh", "after_oauth2_refresh_error"),
		AfterRefresh:  w.after("after_oauth2_refresh", "after_oauth2_refresh_error"),
	}
	if w.script.mentions("before_oauth2_authorise") {
		h.BeforeAuthorize = func(ctx context.Context, u *url.URL) error {
			return (&run{wrapper: w, endpoint: u}).raise(ctx, "before_oauth2_authorise")
		}
	}
	return h
}

// hook returns a hook that runs the script's handler of event. Nil means that the
// script has no handler of this name. The run waits for the response if the script
// has a handler for the response.
func (w *wrapper) hook(event string, response ...string) func(*connectorauth.Exchange) error {
	if !w.script.mentions(event) {
		return nil
	}
	waits := slices.ContainsFunc(response, w.script.mentions)
	return func(e *connectorauth.Exchange) error {
		r, _ := e.Data.(*run)
		if r == nil {
			r = &run{wrapper: w, exchange: e, endpoint: e.Request.URL, waits: waits}
		}
		err := r.raise(e.Request.Context(), event)
		if waits && err == nil {
			e.Data = r
		}
		return err
	}
}

// after returns a hook that runs the handler of succeeded or failed, according to
// the status. A token response without a handler of its failure is for the handler of
// succeeded, so a script can repair the response.
func (w *wrapper) after(succeeded, failed string) func(*connectorauth.Exchange) error {
	success, failure := w.hook(succeeded), w.hook(failed)
	if success == nil && failure == nil {
		return nil
	}
	return func(e *connectorauth.Exchange) error {
		if r, ok := e.Data.(*run); ok {
			defer r.leave()
		}
		switch status := e.Response.StatusCode; {
		case status >= http.StatusBadRequest && failure != nil:
			return failure(e)
		case success != nil && (status >= 200 && status < 300 || succeeded != "after_action"):
			return success(e)
		}
		return nil
	}
}

// object returns a copy of v as JSON, and adds the secrets in v to w.secrets.
func (w *wrapper) object(v map[string]any) (json.RawMessage, error) {
	object, err := w.jsonValue(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(object)
}

// jsonValue returns a copy of v for json.Marshal, and adds the secrets in v to
// w.secrets. A secret becomes a string.
func (w *wrapper) jsonValue(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool, int32, uint32:
		return v, nil
	case int, int64, uint, uint64, json.Number:
		if spelling := fmt.Sprint(v); json.Valid([]byte(spelling)) && exact.Rounds(spelling) {
			return nil, errors.New("a number has more digits than JavaScript keeps; give the number as a string")
		}
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

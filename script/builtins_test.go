package script_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/race"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lister puts the paths of all built-in functions into the body: of globals, of their
// prototypes, and of what only syntax reaches, such as generators.
const lister = `function before_action() {
	var seen = new Set(), paths = [];
	(function walk(o, path) {
		if (o === null || typeof o !== 'object' && typeof o !== 'function' || seen.has(o)) return;
		seen.add(o);
		if (typeof o === 'function') paths.push(path);
		Reflect.ownKeys(o).forEach(function(key) {
			var d = Object.getOwnPropertyDescriptor(o, key), name = typeof key === 'symbol' ? '@' + key.description.slice(7) : key;
			['value', 'get', 'set'].forEach(function(part) { if (d[part]) walk(d[part], path.concat([[name, part]])) });
		});
		walk(Object.getPrototypeOf(o), path.concat([['', 'prototype']]));
	})(script_parameters.root(), []);
	method_request = paths;
}`

// roots returns an object from which all built-in functions can be reached.
const roots = `
script_parameters.root = function() {
	return {global: globalThis, generator: (function*() {})(), async: async function() {}, asyncGenerator: (async function*() {})(),
		iterators: [[].values(), ''.matchAll(/a/g), new Map().values(), new Set().values(), ''[Symbol.iterator](), [].values().map(function(x) { return x })]};
};
script_parameters.find = function(path) {
	return path.reduce(function(o, step) {
		if (step[1] === 'prototype') return Object.getPrototypeOf(o);
		var key = step[0][0] === '@' ? Symbol[step[0].slice(1)] : step[0];
		return Object.getOwnPropertyDescriptor(o, key)[step[1]];
	}, script_parameters.root());
};`

// caller calls one built-in function, on one hostile value, with hostile values, and
// as a constructor.
const caller = `function before_action() {
	var f = script_parameters.find(script_parameters.path), round = script_parameters.round;
	function bad() { return {length: 2**53-1, size: Infinity, has: function() { return true }, keys: function() { return bad() }, next: function() { return {done: false, value: 1} }} }
	function holes() { var a = []; a.length = 4294967295; return a }
	function long() { return 'a'.repeat(1e6) }
	var these = [bad, holes, long, function() { return /(?:a|aa)+$/g }, function() { return new Uint8Array(1e6) }, function() { return new Map([[1, 1]]) },
		function() { return 2**53-1 }, function() { return new Proxy(holes(), {}) }, function() { return 10n ** 10000n }];
	var values = these.concat([function() { return 'a'.repeat(5e5) + 'b' }, function() { return 2**31 }, function() { return -1 }, function() { return long }]);
	function value(i) { return values[(round + i) % values.length]() }
	try { f.call(these[round](), value(0), value(9), value(10)) } catch (e) {}
	try { f.call(these[round](), value(10), value(2)) } catch (e) {}
	try { new f(value(0), value(2)) } catch (e) {}
}`

// I22: no built-in function of the language, with whatever values, outlives the time
// limit or ends the process.
func TestEveryBuiltinEndsAtTheLimit(t *testing.T) {
	var paths []json.RawMessage
	capture := roundTripper(func(req *http.Request) { require.NoError(t, json.NewDecoder(req.Body).Decode(&paths)) })
	c := must(script.Wrap(apiKey(), must(script.Compile(roots+lister)), script.Options{TimeLimit: time.Minute}))
	resp, err := (&http.Client{Transport: c.Wrap(capture)}).Post("https://api.example.com/", "application/json", nil)
	require.NoError(t, err)
	resp.Body.Close()
	require.Greater(t, len(paths), 500, "the walk has found the language")

	compiled := must(script.Compile(roots + caller))
	const limit, rounds = 5 * time.Millisecond, 9
	returned, ended, most := 0, 0, time.Duration(0)
	for i, path := range paths {
		if testing.Short() && i%10 > 0 || i%race.Fewer(1, 5) > 0 {
			continue
		}
		var steps any
		require.NoError(t, json.Unmarshal(path, &steps))
		for round := range rounds {
			c := must(script.Wrap(apiKey(), compiled, script.Options{TimeLimit: limit, Parameters: map[string]any{"path": steps, "round": round}}))
			began := time.Now()
			resp, err := (&http.Client{Transport: c.Wrap(wire{})}).Get("https://api.example.com/")
			took := time.Since(began)
			most = max(most, took)
			if err == nil {
				resp.Body.Close()
				returned++
			} else if assert.ErrorIs(t, err, script.ErrLimit, "%s", path) {
				ended++
			}
			require.Less(t, took, time.Minute, "%s: generous, because the machine may be busy", path)
		}
	}
	t.Logf("%d functions: %d calls returned, %d ended at a limit of %v, the last after %v", len(paths), returned, ended, limit, most)
	assert.NotZero(t, returned)
	assert.NotZero(t, ended)
}

// roundTripper is a base transport that shows requests to a function.
type roundTripper func(*http.Request)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	f(req)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
}

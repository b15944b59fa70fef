package script_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/race"
	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostileScripts are bodies of before_action that ask for endless time or memory, by
// what they attack. Each ends with script.ErrLimit.
var hostileScripts = map[string]string{
	"loop":                       `for (;;);`,
	"loop that catches":          `while (true) { try { for (;;); } catch (e) {} finally { continue } }`,
	"recursion":                  `function f() { f() } f()`,
	"recursion through map":      `[1].map(function f() { [1].map(f) })`,
	"recursion through toString": `var o = {toString: function() { return '' + o }}; '' + o`,
	"recursion through a getter": `var o = {get a() { return o.a }}; o.a`,
	"recursion through a Proxy":  `var p = new Proxy({}, {get: function(t, k, r) { return r[k] }}); p.a`,
	"recursion through bind":     `var f = function() {}; for (;;) f = f.bind(null)`,
	"recursion through sort":     `var a = [2, 1]; a.sort(function f() { a.slice().sort(f); return 1 })`,
	"text that doubles":          `var s = 'x'; for (;;) s += s`,
	"array that grows":           `var a = []; for (;;) a.push(a.length)`,
	"object that grows":          `var o = {}; for (var i = 0;; i++) o['k' + i] = i`,
	"Map that grows":             `var m = new Map(); for (var i = 0;; i++) m.set(i, {})`,
	"closures that grow":         `var a = []; for (;;) a.push(function() { return a })`,
	"symbols":                    `for (var a = [];;) a.push(Symbol('x'.repeat(100)))`,
	"repeat":                     `'x'.repeat(1e9)`,
	"padEnd":                     `''['pad' + 'End'](1e9, 'x')`,
	"replaceAll":                 `'x'.repeat(1e6).replaceAll('x', 'y'.repeat(1e6))`,
	"replace with what precedes": "'x'.repeat(1e5).replace(/x/g, '$`')",
	"join of holes":              `Array(4e9).join('x')`,
	"nested arrays as text":      `var x = [1]; for (var i = 0; i < 60; i++) x = [x, x]; '' + x`,
	"deep array as text":         `var x = []; for (var i = 0; i < 1e5; i++) x = [x]; '' + x`,
	"deep object as JSON":        `var x = {}; for (var i = 0; i < 1e5; i++) x = {x: x}; JSON.stringify(x)`,
	"deep JSON":                  `JSON.parse('['.repeat(3e6))`,
	"indexOf of any length":      `Array.prototype.indexOf.call({length: 2**53-1}, 1)`,
	"includes of any length":     `Array.prototype.includes.call({length: 2**53-1}, 1)`,
	"lastIndexOf of any length":  `Array.prototype.lastIndexOf.call({length: 2**53-1}, 1)`,
	"reverse":                    `var a = []; a.length = 4294967295; a.reverse()`,
	"fill":                       `var a = []; a.length = 4e9; a.fill(1)`,
	"concat of any length":       `var n = 0; [].concat.call({get length() { return n++ ? 9e15 : 0 }}); for (;;) [].concat(Array(1e7))`,
	"from a length":              `Array.from({length: 1e9})`,
	"search in a long text":      `'a'.repeat(1e6).indexOf('a'.repeat(5e5) + 'b')`,
	"holes":                      `new Array(3e7).indexOf(1); for (;;) new Array(3e7).indexOf(1)`,
	"spread":                     `var s = 'x'.repeat(1e7); [...s]`,
	"pattern that backtracks":    `/^(a+)+$/.test('a'.repeat(40) + 'b')`,
	"pattern that looks ahead":   `/(?=a)(a+)+$/.test('a'.repeat(40) + 'b')`,
	"pattern with a reference":   `/^(a*)*\1b$/.test('a'.repeat(1e4))`,
	"long pattern":               `new RegExp('(?:a?){1000}'.repeat(1000)).test('a'.repeat(1e5)); for (;;);`,
	"BigInt power":               `for (var x = 3n;;) x = x ** 3n`,
	"BigInt text":                `for (var x = 10n ** 100000n;;) (x *= x).toString()`,
	"number text":                `for (;;) (1e308).toString(2).repeat(10)`,
	"buffer":                     `for (var a = [];;) a.push(new Uint8Array(1e6))`,
	"sort of a large array":      `for (var a = Array(1e6).fill(0).map(Math.random);;) a.sort()`,
	"normalize":                  `for (;;) '\u1e9b\u0323'.repeat(1e5).normalize('NFKD')`,
	"jobs without end":           `Promise.resolve().then(function f() { return Promise.resolve().then(f) }); return new Promise(function() {})`,
	"generator without end":      `[...(function*() { for (;;) yield 1 })()]`,
	"header getter":              `method_request_headers = {get A() { for (;;); }}`,
	"body toJSON":                `method_request = {toJSON: function() { for (;;); }}`,
	"message getter":             `throw {get message() { for (;;); }}`,
	"thrown toString":            `throw {toString: function() { for (;;); }}`,
	"tampered language":          `Object.prototype.toJSON = function() { for (;;); }; method_request = {}`,
	"functions of Go in a loop":  `for (;;) sha512('x'.repeat(1e5))`,
	"random bytes in a loop":     `for (;;) random_bytes(1024)`,
	"escape sequences":           `for (;;) encodeURIComponent('\u{10ffff}'.repeat(1e5))`,
	"dates":                      `for (;;) new Date('2020-01-01T00:00:00Z').toString()`,
	"body that nests in itself":  `var x = []; for (var i = 0; i < 1e5; i++) x = [x]; method_request = x`,
	"arguments":                  `(function f() { f.apply(null, arguments) })(1, 2, 3)`,
	"labels and exceptions":      `(function f() { try { f() } finally { f() } })()`,
	"WeakMap that grows":         `for (var m = new WeakMap(), a = [];;) { var o = {}; a.push(o); m.set(o, a) }`,
	"tagged templates":           "for (;;) String.raw({raw: 'x'.repeat(1e6)}, ...Array(6e4))",
}

// hostileResponses are bodies of an API that ask for endless time or memory of a
// script that only looks at a member.
var hostileResponses = map[string]string{
	"brackets":                   strings.Repeat("[", 1<<20),
	"balanced brackets":          strings.Repeat("[", 1<<19) + strings.Repeat("]", 1<<19),
	"objects in objects":         strings.Repeat(`{"a":`, 1<<17) + "1" + strings.Repeat("}", 1<<17),
	"deep enough to parse in Go": strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
	"empty arrays":               "[" + strings.Repeat("[],", 1<<18) + "[]]",
	"empty objects":              "[" + strings.Repeat("{},", 1<<18) + "{}]",
	"members":                    `{"a":1` + strings.Repeat(`,"a":1`, 1<<17) + "}",
	"a long number":              `{"a":` + strings.Repeat("1234567890", 1<<16) + "}",
	"exponents":                  "[" + strings.Repeat("1e-308,", 1<<17) + "1]",
	"escapes":                    `"` + strings.Repeat(`\ud800`, 1<<17) + `"`,
	"4 MB of brackets":           strings.Repeat("[", 4<<20),
	"spaces":                     strings.Repeat(" ", 1<<20-1) + "1",
}

// on returns a client whose requests never leave the process. respond is the body of
// the response.
func on(t testing.TB, source, respond string, o script.Options) *http.Client {
	t.Helper()
	c, err := script.Wrap(apiKey(), must(script.Compile(source)), patient(o))
	require.NoError(t, err)
	return &http.Client{Transport: c.Wrap(answers(respond))}
}

// answers is a base transport whose responses have this body.
type answers string

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	w.WriteString(string(a))
	resp := w.Result()
	resp.Request, resp.ContentLength = req, int64(len(a))
	return resp, nil
}

// No hostile script outlives its limits by much. The times are in BenchmarkHostile:
// here, the machine may be busy.
func TestHostileScriptsEndAtTheLimit(t *testing.T) {
	require.GreaterOrEqual(t, len(hostileScripts), 40)
	for name, source := range hostileScripts {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := on(t, "function before_action() { "+source+" }", "", script.Options{TimeLimit: 50 * time.Millisecond}).Get("https://api.example.com/")
			require.ErrorIs(t, err, script.ErrLimit)
			assert.Less(t, time.Since(began), 30*time.Second)
		})
	}
}

func TestHostileResponsesCostTheirOwnMessage(t *testing.T) {
	require.GreaterOrEqual(t, len(hostileResponses), 10)
	for name, body := range hostileResponses {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			resp, err := on(t, `function after_action() { return method_response.a !== 'x' }`, body, script.Options{TimeLimit: 100 * time.Millisecond}).Get("https://api.example.com/")
			var failed *script.Error
			if err == nil { // the engine can read the body in time
				read(t, resp, err)
			} else {
				require.ErrorAs(t, err, &failed)
			}
			assert.Less(t, time.Since(began), time.Minute, "the machine may be busy")
		})
	}
}

// After the hostile scripts, the program has no more memory than a few machines.
func TestHostileScriptsLeaveNoMemory(t *testing.T) {
	source := `function before_action() { for (var a = [];;) a.push(new Uint8Array(1e6).fill(1)) }`
	bomb := on(t, source, "", script.Options{})
	bomb.Get("https://api.example.com/")
	before := heap()
	for range 50 {
		_, err := bomb.Get("https://api.example.com/")
		require.ErrorIs(t, err, script.ErrLimit)
	}
	assert.Less(t, heap()-before, int64(16<<20))
}

// heap returns the bytes of live objects.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Ten thousand messages leave nothing.
func TestMessagesLeaveNoMemory(t *testing.T) {
	n := race.Fewer(10_000, 1_000)
	if testing.Short() {
		n = 1_000
	}
	api := on(t, bearerScript+"\nfunction after_action() { action_data.seen = method_response }", `{"a": [1, 2, 3]}`, script.Options{})
	send := func(n int) {
		for range n {
			resp, err := api.Post("https://api.example.com/", "application/json", strings.NewReader(`{"id": 1}`))
			require.NoError(t, err)
			resp.Body.Close()
		}
	}
	send(100)
	before := heap()
	send(n)
	assert.Less(t, heap()-before, int64(4<<20))
}

// A machine that was ended in the middle is never used again, and a machine whose
// memory has grown neither: the next message finds nothing.
func TestMachinesAreFreshAfterEachEnd(t *testing.T) {
	for _, end := range []string{`for (;;);`, `throw 1`, `for (var a = [];;) a.push('secret of another'.repeat(1e5) + a.length)`, `'x'.repeat(5e6)`, `(function f() { f() })()`, `return false`} {
		on(t, "var leaked = 'secret of another'; globalThis.leaked2 = leaked; Array.prototype.leaked = 1; function before_action() { "+end+" }", "", script.Options{TimeLimit: 20 * time.Millisecond}).Get("https://api.example.com/")
		resp, err := on(t, `function before_action() { if (typeof leaked !== 'undefined' || typeof leaked2 !== 'undefined' || [].leaked) throw 'leaked' }`, "", script.Options{}).Get("https://api.example.com/")
		require.NoError(t, err, end)
		resp.Body.Close()
	}
}

// Memory has a hard limit, which a larger option moves.
func TestMemoryLimit(t *testing.T) {
	source := `function before_action() { var a = []; for (var i = 0; i < 20; i++) a.push(new Uint8Array(1e6).fill(i)) }`
	_, err := on(t, source, "", script.Options{MemoryLimit: 8 << 20, TimeLimit: time.Minute}).Get("https://api.example.com/")
	require.ErrorIs(t, err, script.ErrLimit)
	require.ErrorContains(t, err, "needs more than 8388608 bytes of memory")
	resp, err := on(t, source, "", script.Options{MemoryLimit: 64 << 20, TimeLimit: time.Minute}).Get("https://api.example.com/")
	require.NoError(t, err)
	resp.Body.Close()
	for _, o := range []script.Options{{MemoryLimit: -1}, {MemoryLimit: 1<<30 + 1}, {TimeLimit: -1}, {MaxBody: -1}} {
		_, err := script.Wrap(connectorauth.None{}, must(script.Compile("")), o)
		assert.Error(t, err)
	}
}

// A key of absurd size does not compute for long.
func TestKeysHaveALimit(t *testing.T) {
	pem := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("A", 64<<10) + "\n-----END RSA PRIVATE KEY-----\n"
	_, err := on(t, `function before_action() { sign('RSA-SHA256', script_parameters.key, 'm') }`, "", script.Options{Parameters: map[string]any{"key": pem}}).Get("https://api.example.com/")
	require.ErrorContains(t, err, "the key is longer than 16384 bytes")
	_, err = on(t, `function before_action() { sha256('x'.repeat(5e6)) }`, "", script.Options{TimeLimit: time.Minute}).Get("https://api.example.com/")
	require.ErrorContains(t, err, "longer than 4194304 bytes")
}

// A source that other engines take exponential time for compiles at once, and no
// source ends the process.
func TestCompileTakesNoTime(t *testing.T) {
	_, err := script.Compile("")
	require.NoError(t, err)
	began := time.Now()
	_, err = script.Compile(strings.Repeat("1||", 20_000) + "1")
	require.NoError(t, err)
	assert.Less(t, time.Since(began), 30*time.Second)
	for _, source := range []string{
		strings.Repeat("[", 60_000), strings.Repeat("(", 60_000), strings.Repeat("a=>", 20_000) + "1", strings.Repeat("function f(){", 4_000),
		strings.Repeat("`${", 20_000), strings.Repeat("!", 60_000) + "1", strings.Repeat("{", 60_000), "/" + strings.Repeat("(", 60_000) + "/", "\xff",
	} {
		_, err := script.Compile(source)
		var failed *script.Error
		require.True(t, err == nil || errors.As(err, &failed), err)
	}
}

// BenchmarkHostile reports by how much hostile scripts outlive their limit of 100 ms.
func BenchmarkHostile(b *testing.B) {
	const limit = 100 * time.Millisecond
	var clients []*http.Client
	for _, source := range hostileScripts {
		clients = append(clients, on(b, "function before_action() { "+source+" }", "", script.Options{TimeLimit: limit}))
	}
	var most time.Duration
	for b.Loop() {
		for _, c := range clients {
			began := time.Now()
			c.Get("https://api.example.com/")
			most = max(most, time.Since(began)-limit)
		}
	}
	b.ReportMetric(float64(most.Microseconds())/1000, "ms-over-limit")
}

package script_test

import (
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"math"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/script"
	"github.com/stretchr/testify/assert"
)

// A key that is too long is refused before anything is computed, in PKCS #1 and PKCS #8.
func TestLongKeysAreRefusedAtOnce(t *testing.T) {
	random := func(bits int) *big.Int {
		b := make([]byte, bits/8)
		rand.Read(b)
		b[0], b[len(b)-1] = b[0]|0xc0, b[len(b)-1]|1
		return new(big.Int).SetBytes(b)
	}
	type rsa struct {
		Version                  int
		N, E, D, P, Q, DP, DQ, R *big.Int
	}
	p, q := random(6000), random(6000)
	pkcs1 := must(asn1.Marshal(rsa{0, new(big.Int).Mul(p, q), big.NewInt(65537), p, p, q, p, q, p}))
	factors := must(asn1.Marshal(rsa{0, random(4096), big.NewInt(65537), p, random(32_000), random(32_000), p, q, p})) // only these are long
	pkcs8 := must(asn1.Marshal(struct {
		Version   int
		Algorithm struct {
			ID   asn1.ObjectIdentifier
			Null asn1.RawValue
		}
		Key []byte
	}{0, struct {
		ID   asn1.ObjectIdentifier
		Null asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue}, pkcs1}))
	for kind, der := range map[string][]byte{"RSA PRIVATE KEY": pkcs1, "PRIVATE KEY": pkcs8, "LONG FACTORS": factors} {
		key := string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		api := on(t, `function before_action() { sign('RSA-SHA256', script_parameters.key, 'm') }`, "", script.Options{Parameters: map[string]any{"key": key}, TimeLimit: time.Minute})
		_, err := api.Get("https://api.example.com/")
		assert.ErrorContains(t, err, "the RSA key is longer than 4096 bits", kind)
	}
}

// An event that starts again because of a body has one limit of time altogether.
func TestAnEventThatStartsAgainHasOneLimit(t *testing.T) {
	s := newServer(t, nil)
	source := `function before_action() { for (var end = Date.now() + 120; Date.now() < end;); method_request }`
	_, err := client(t, apiKey(), source, script.Options{TimeLimit: 200 * time.Millisecond}).
		Post(s.URL, "application/json", io.NopCloser(strings.NewReader(`{}`)))
	assert.ErrorIs(t, err, script.ErrLimit)
}

func TestChangesHaveLimits(t *testing.T) {
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"id": 7615917337495251231}`) })
	for source, want := range map[string]string{
		`function before_action() { http_method = 'X'.repeat(33) }`:                                                    "http_method must be an HTTP method of at most 32 bytes",
		`function before_action() { method_endpoint += '\n' }`:                                                         "method_endpoint must be a URL",
		`function before_action() { method_endpoint += '\x7f' }`:                                                       "method_endpoint must be a URL",
		`function before_action() { method_endpoint += '/' + 'x'.repeat(20000) }`:                                      "method_endpoint must be a URL",
		`function before_action() { method_request_parameters.a = 'x'.repeat(20000) }`:                                 "method_request_parameters are longer than 16384 bytes",
		`function after_action() { method_response_headers['X-Id'] = 'id ' + method_response.id }`:                     "method_response_headers: a number has more digits",
		`function before_action() { for (var i = 0; i < 70; i++) method_request_headers['X' + i] = 'x'.repeat(1000) }`: "method_request_headers is larger than 65536 bytes",
	} {
		_, err := client(t, apiKey(), source, script.Options{}).Get(s.URL)
		assert.ErrorContains(t, err, want, source)
		assert.Equal(t, strings.Contains(want, "er than"), errors.Is(err, script.ErrLimit), source)
	}
}

// Options that do not fit into the memory are an excess of the limit.
func TestParametersCountAsMemory(t *testing.T) {
	s := newServer(t, nil)
	o := script.Options{MemoryLimit: 3 << 20, Parameters: map[string]any{"large": strings.Repeat("x", 4<<20)}}
	_, err := client(t, apiKey(), `function before_action() { script_parameters.large }`, o).Get(s.URL)
	assert.ErrorIs(t, err, script.ErrLimit)
	assert.ErrorContains(t, err, "needs more than 3145728 bytes of memory")
}

func TestFunctionsAtTheirLimits(t *testing.T) {
	s := newServer(t, nil)
	for source, want := range map[string]string{
		`random_bytes(0)`:    "want a count from 1 to 1024",
		`random_bytes(1025)`: "want a count from 1 to 1024",
		`sha256([256])`:      "want numbers from 0 to 255",
		`atob('/w==')`:       "the bytes are not UTF-8",
		`script_parameters.x + random_bytes(1024) + sha256([0, 255])`: "",
		`method_request_mergefields.x`:                                "",
	} {
		resp, err := client(t, apiKey(), "function before_action() { "+source+" }", script.Options{}).Get(s.URL)
		if want == "" {
			read(t, resp, err)
		} else {
			assert.ErrorContains(t, err, want, source)
		}
	}
	for _, number := range []float64{math.NaN(), math.Inf(-1)} {
		_, err := script.Wrap(apiKey(), must(script.Compile("")), script.Options{Parameters: map[string]any{"n": number}})
		assert.ErrorContains(t, err, `"n": a number is infinite or NaN`)
	}
}

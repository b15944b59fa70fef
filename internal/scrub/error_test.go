package scrub_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const key = "k3y/with+odd &chars!" // as a service gives it

// spelled is key as the query of a request has it.
const spelled = "k3y%2Fwith%2Bodd%20%26chars%21"

func parse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u
}

func urls(t testing.TB) (original, sent *url.URL) {
	t.Helper()
	return parse(t, "https://user:pass@api.example/v1?page=2"), parse(t, "https://user:pass@api.example/v1?page=2&api_key="+spelled)
}

func TestErrorShowsNeitherURLNorCredential(t *testing.T) {
	original, sent := urls(t)
	for text, want := range map[string]string{
		`Get "` + sent.String() + `": EOF`:   `Get "https://user:xxxxx@api.example/v1?page=2": EOF`,
		`Get "` + sent.Redacted() + `": EOF`: `Get "https://user:xxxxx@api.example/v1?page=2": EOF`,
		"no route to " + sent.RequestURI():   "no route to /v1?page=2",
		"query " + sent.RawQuery:             "query page=2",
		"cut: api_key=" + spelled + "...":    "cut: api_key=[redacted]...",
		"decoded: " + key:                    "decoded: [redacted]",
		"form: " + url.QueryEscape(key):      "form: [redacted]",
		"path: " + url.PathEscape(key):       "path: [redacted]",
		"nothing of it: page=2":              "nothing of it: page=2",
	} {
		assert.EqualError(t, scrub.Error(errors.New(text), original, sent), want)
	}
}

func TestErrorOfAnUnchangedURLStays(t *testing.T) {
	original, sent := urls(t)
	err := errors.New("broken " + sent.String())
	assert.Same(t, err, scrub.Error(err, sent, sent), "nothing was added")
	err = errors.New("connection refused")
	assert.Same(t, err, scrub.Error(err, original, sent), "nothing is quoted")
}

// Without an original query there is one that must not be put between all letters.
func TestErrorOfAURLWithoutQuery(t *testing.T) {
	err := errors.New("no route to /v1?api_key=secret-key")
	assert.EqualError(t, scrub.Error(err, parse(t, "https://api.example/v1"), parse(t, "https://api.example/v1?api_key=secret-key")), "no route to /v1")
	assert.EqualError(t, scrub.Error(errors.New("abc /v1"), parse(t, "https://api.example/v1?x=y"), parse(t, "https://api.example/v1")), "abc /v1?x=y")
}

// A value that begins like another one leaves no end of the other one.
func TestLongerValuesAreTakenOutFirst(t *testing.T) {
	original, sent := parse(t, "https://api.example/"), parse(t, "https://api.example/?a=pass&b=password&c=passwords&d=pas")
	for range 10 { // the order of a map must not matter
		assert.EqualError(t, scrub.Error(errors.New("passwords password pass"), original, sent), "[redacted] [redacted] [redacted]")
	}
}

func TestShortValuesAreLeftInErrors(t *testing.T) {
	original, sent := parse(t, "https://api.example/"), parse(t, "https://api.example/?v=abc&k=abcd")
	assert.EqualError(t, scrub.Error(errors.New("abc abcd"), original, sent), "abc [redacted]")
}

// odd is a net.Error of a base with an opinion about everything.
type odd struct{ text string }

func (o odd) Error() string   { return o.text }
func (o odd) Timeout() bool   { return true }
func (o odd) Temporary() bool { return true }

func TestHiddenErrorIsStillItself(t *testing.T) {
	original, sent := urls(t)
	for name, test := range map[string]struct {
		err     error
		is      error
		timeout bool
	}{
		"deadline":  {&url.Error{Op: "Get", URL: sent.String(), Err: context.DeadlineExceeded}, context.DeadlineExceeded, true},
		"canceled":  {&url.Error{Op: "Get", URL: sent.String(), Err: context.Canceled}, context.Canceled, false},
		"EOF":       {fmt.Errorf("at %s: %w", sent, io.ErrUnexpectedEOF), io.ErrUnexpectedEOF, false},
		"of a file": {fmt.Errorf("at %s: %w", sent, &os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}), os.ErrNotExist, false},
		"odd":       {odd{"at " + sent.String()}, odd{"at " + sent.String()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			hidden := scrub.Error(test.err, original, sent)
			assert.ErrorIs(t, hidden, test.is)
			assert.NotErrorIs(t, hidden, io.ErrClosedPipe)
			var failed net.Error
			require.ErrorAs(t, hidden, &failed)
			assert.Equal(t, test.timeout, failed.Timeout())
			temporary, ok := failed.(interface{ Temporary() bool })
			require.True(t, ok)
			assert.False(t, temporary.Temporary(), "a caller that repeats temporary failures would send twice")
			assert.False(t, errors.As(hidden, new(*url.Error)), "it would show its URL")
			assert.Nil(t, errors.Unwrap(hidden))
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
				text := fmt.Sprintf(verb, hidden)
				assert.NotContains(t, text, "k3y", verb)
			}
		})
	}
	hidden := scrub.Error(fmt.Errorf("at %s: %w", sent, &os.PathError{Op: "open", Path: "x", Err: os.ErrNotExist}), original, sent)
	var found *os.PathError
	require.ErrorAs(t, hidden, &found)
	assert.Equal(t, "open", found.Op)
}

func TestCause(t *testing.T) {
	plain := errors.New("connection refused")
	assert.Same(t, plain, scrub.Cause(plain, "secret", ""))
	assert.Same(t, plain, scrub.Cause(&url.Error{Op: "Get", URL: "https://h/?secret", Err: plain}, "secret"), "without the URL")
	third := scrub.Cause(fmt.Errorf("%w: try 3: %w", io.ErrClosedPipe, &url.Error{Op: "Get", URL: "https://h/?secret", Err: plain}), "secret")
	assert.EqualError(t, third, "connection refused")
	assert.ErrorIs(t, third, plain)
	assert.ErrorIs(t, third, io.ErrClosedPipe)
	assert.False(t, errors.As(third, new(*url.Error)), "it would show its URL")
	for _, quotes := range []error{
		errors.New("cannot send secret"), &url.Error{Op: "Get", URL: "x", Err: errors.New("cannot send secret")},
		fmt.Errorf("cannot send secret: %w", plain), errors.New(strings.Repeat("x", 1000) + "secret"),
	} {
		err := scrub.Cause(quotes, "other", "secret")
		assert.ErrorContains(t, err, "withheld")
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "cannot send")
		assert.Nil(t, errors.Unwrap(err))
		assert.False(t, errors.As(err, new(speaking)), "only errors.Is reaches it")
	}
	spoken := speaking{"the secret"}
	assert.ErrorIs(t, scrub.Cause(spoken, "secret"), spoken)
	assert.ErrorIs(t, scrub.Withhold(spoken, "secret"), spoken)
	assert.False(t, errors.As(scrub.Withhold(spoken, "secret"), new(speaking)))
	long := scrub.Cause(errors.New(strings.Repeat("x", 300)))
	assert.EqualError(t, long, strings.Repeat("x", 200)+"...")
	exact := errors.New(strings.Repeat("x", 200))
	assert.Same(t, exact, scrub.Cause(exact))
}

// speaking is an error of a type of its own.
type speaking struct{ text string }

func (s speaking) Error() string { return s.text }

func TestLongCauseIsStillItself(t *testing.T) {
	spoken := speaking{strings.Repeat("x", 300)}
	err := scrub.Cause(spoken, "secret")
	assert.ErrorIs(t, err, spoken)
	var found speaking
	require.ErrorAs(t, err, &found)
	assert.Len(t, err.Error(), 203)
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		text    string
		limit   int
		secrets []string
		want    string
	}{
		{"grüße", 100, nil, "grüße"},
		{"grüße", 3, nil, "gr..."}, // no half characters
		{"a\xffb", 10, nil, "a b"},
		{"abc", 10, []string{"a", "", "ab", "abc"}, "abc"}, // too short for secrets
		{"abcd", 10, []string{"abcd"}, "[redacted]"},
		{"abcd abcd", 100, []string{"abcd"}, "[redacted] [redacted]"},
		{"abcdef", 100, []string{"abcd", "abcdef"}, "[redacted]"}, // one secret begins with another
		{"a\r\nb\x00c\x1b[31m\u202ed\u2028e\u00ade", 100, nil, "a  b c [31m d e e"},
		{"secret", 3, []string{"secret"}, "[re..."},
		{"", 0, nil, ""},
		{"ab", 2, nil, "ab"},
		{"ab\ufffdc", 9, nil, "ab c"},
	} {
		secrets := append([]string{}, test.secrets...)
		assert.Equal(t, test.want, scrub.Text(test.text, test.limit, secrets...), "%q", test.text)
		assert.Equal(t, append([]string{}, test.secrets...), secrets, "the caller's list stays")
	}
}

func TestSpellings(t *testing.T) {
	const secret = "s3c&ret\"+/<\u00e9>\u00ff\u00bf"
	list := scrub.Spellings("other", secret)
	for _, want := range []string{
		"other", secret, url.QueryEscape(secret), url.QueryEscape(url.QueryEscape(secret)), url.PathEscape(secret),
		`s3c\u0026ret\"+/\u003cé\u003eÿ¿`, `s3c&ret\"+/<é>ÿ¿`, hex.EncodeToString([]byte(secret)),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)), "b3RoZXI",
	} {
		assert.Contains(t, list, want)
	}
	assert.NotEqual(t, base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)))
	given := make([]string, 1, 8)
	scrub.Spellings(given...)
	assert.Equal(t, make([]string, 8), given[:8], "the caller's list")
}

package scrub_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/internal/scrub"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestErrorLosesTheURLThatWasSent(t *testing.T) {
	original := parse(t, "https://api.example/v1?page=2")
	sent := parse(t, "https://api.example/v1?page=2&api_key=s3cret%2Bkey")
	cause := context.DeadlineExceeded
	for _, err := range []error{
		&url.Error{Op: "Get", URL: sent.String(), Err: cause},
		fmt.Errorf("GET %s: %w", sent, cause),
		fmt.Errorf("attempt 3 of %s: %w", sent.RequestURI(), cause),
		fmt.Errorf("key s3cret+key is odd: %w", cause),
		fmt.Errorf("query %q: %w", sent.RawQuery, cause),
	} {
		got := scrub.Error(err, original, sent)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			assert.NotContains(t, fmt.Sprintf(verb, got), "s3cret", verb)
		}
		require.ErrorIs(t, got, cause)
		var wrapped *url.Error
		assert.False(t, errors.As(got, &wrapped), "a *url.Error would show its URL")
		var failed net.Error
		require.ErrorAs(t, got, &failed)
		assert.True(t, failed.Timeout())
		temporary, ok := failed.(interface{ Temporary() bool })
		require.True(t, ok)
		assert.False(t, temporary.Temporary(), "a base that retries must not be invited to")
	}
	assert.Equal(t, cause, scrub.Error(cause, original, sent), "an error without the URL stays")
	quoting := errors.New(sent.String())
	assert.Equal(t, quoting, scrub.Error(quoting, sent, sent), "nothing was added to the URL")
}

func TestCauseWithholdsWhatQuotesASecret(t *testing.T) {
	cause := context.Canceled
	assert.Equal(t, cause, scrub.Cause(&url.Error{Op: "Post", URL: "https://p.example/?secret=s3cret", Err: cause}, "s3cret"))
	got := scrub.Cause(fmt.Errorf("the server said s3cret: %w", cause), "s3cret")
	assert.NotContains(t, got.Error(), "s3cret")
	assert.ErrorContains(t, got, "withheld")
	assert.Less(t, len(scrub.Cause(errors.New(strings.Repeat("x", 1000))).Error()), 210)
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		text    string
		limit   int
		secrets []string
		want    string
	}{
		{"plain", 64, nil, "plain"},
		{"the code s3cret is used", 64, []string{"s3cret"}, "the code [redacted] is used"},
		{"abc is short", 64, []string{"abc", ""}, "abc is short"},
		{"line\r\nbreak\x1b[31m\x00", 64, nil, "line  break [31m "},
		{"bad \xff byte", 64, nil, "bad   byte"},
		{strings.Repeat("é", 5), 5, nil, "éé..."},
	} {
		assert.Equal(t, test.want, scrub.Text(test.text, test.limit, test.secrets...))
	}
}

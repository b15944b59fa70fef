package oauth1_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/oauth1"
)

func TestProblem(t *testing.T) {
	for header, want := range map[string]string{
		`OAuth realm="x", oauth_problem="token_expired"`:                "token_expired",
		`OAuth oauth_problem=token_rejected&oauth_problem_advice=a%20b`: "token_rejected",
		`OAuth oauth_problem=x&y`:                                       "x",
		`OAuth realm=x&oauth_problem=nonce_used`:                        "nonce_used",
		`oauth_problem=nonce_used`:                                      "nonce_used",
		`Bearer error="invalid_token"`:                                  "",
		`OAuth realm="a oauth_problem=b"`:                               "",
		`OAuth oauth_problem="secret: abc"`:                             "secret",
		`OAuth oauth_problem="` + strings.Repeat("a", 100) + `"`:        strings.Repeat("a", 64),
		`OAuth oauth_problem="A-z_0.9~"`:                                "A-z_0.9",
		`OAuth oauth_problem="%74oken"`:                                 "",
	} {
		assert.Equal(t, want, oauth1.Problem(http.Header{"Www-Authenticate": {header}}), header)
	}
	assert.Equal(t, "b", oauth1.Problem(http.Header{"Www-Authenticate": {`Basic realm="a"`, `OAuth oauth_problem=b`}}))
	assert.Zero(t, testing.AllocsPerRun(100, func() { oauth1.Problem(nil) }))
}

func TestBodyProblem(t *testing.T) {
	for body, want := range map[string]string{
		"":                            "",
		"oauth_problem=token_expired": "token_expired",
		"a=b&oauth_problem=token_expired&oauth_problem_advice=x": "token_expired",
		`<p>oauth_problem="nonce_used"</p>`:                      "nonce_used",
		"oauth_problem_advice=a":                                 "",
		"oauth_problem=" + strings.Repeat("a", 100):              strings.Repeat("a", 64),
		"oauth_problem=é":                                        "",
	} {
		assert.Equal(t, want, oauth1.BodyProblem([]byte(body)), body)
	}
}

func TestResponseProblem(t *testing.T) {
	const body = "oauth_problem=in_the_body"
	for _, test := range []struct {
		status              int
		header, front, want string
	}{
		{401, "", "", "in_the_body"},
		{401, "OAuth oauth_problem=in_the_header", "", "in_the_header"},
		{401, "OAuth realm=x", "", "in_the_body"},
		{401, "", strings.Repeat(" ", 2<<10), ""},
		{403, "", "", ""},
		{403, "OAuth oauth_problem=in_the_header", "", "in_the_header"},
	} {
		resp := &http.Response{StatusCode: test.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(test.front + body))}
		resp.Header.Set("WWW-Authenticate", test.header)
		assert.Equal(t, test.want, oauth1.ResponseProblem(resp), test)
		whole, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, test.front+body, string(whole))
	}
}

func TestIsDeadToken(t *testing.T) {
	for _, problem := range []string{"token_expired", "token_rejected", "token_revoked", "token_used", "permission_denied", "user_refused", "additional_authorization_required"} {
		assert.True(t, oauth1.IsDeadToken(problem), problem)
	}
	for _, problem := range []string{"", oauth1.TimestampRefused, "nonce_used", "signature_invalid", "consumer_key_refused", "permission_unknown"} {
		assert.False(t, oauth1.IsDeadToken(problem), problem)
	}
}

// Whatever a server sends, the problem is short and plain.
func FuzzBodyProblem(f *testing.F) {
	for _, text := range []string{"oauth_problem=token_expired&x=y", `oauth_problem="a b"`, "oauth_problem=oauth_problem=é"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, problem := range []string{
			oauth1.BodyProblem([]byte(text)),
			oauth1.Problem(http.Header{"Www-Authenticate": {text}}),
		} {
			assert.Regexp(t, `^[A-Za-z0-9_.-]{0,64}$`, problem)
		}
	})
}

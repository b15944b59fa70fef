package cli_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
)

var update = flag.Bool("update", false, "write docs/command-session.md anew")

const transcriptFile = "../../../../docs/command-session.md"

// A transcript is what a person sees who uses the program in pipes.
type transcript struct {
	*world
	text strings.Builder
}

// section begins a section of the page.
func (s *transcript) section(title string) { fmt.Fprintf(&s.text, "\n## %s\n", title) }

// says runs a command, and keeps the command, the output and the exit code. in is the standard
// input; shown is what the page has in place of in.
func (s *transcript) says(in, shown string, args ...string) {
	code, out, err := s.run(in, args...)
	s.keep(shown, args, out+err, int(code))
}

// keep adds a command to the page.
func (s *transcript) keep(shown string, args []string, output string, code int) {
	line := "connectorauth " + strings.Join(args, " ")
	if shown != "" {
		line = "echo '" + shown + "' | " + line
	}
	fmt.Fprintf(&s.text, "\n```console\n$ %s\n%s", line, output)
	if code != 0 {
		fmt.Fprintf(&s.text, "(exit code %d)\n", code)
	}
	s.text.WriteString("```\n")
}

// page returns the page, with names in place of what differs from run to run.
func (s *transcript) page() string {
	text := s.text.String()
	for _, r := range []struct{ pattern, name string }{
		{regexp.QuoteMeta(s.p.URL), "http://provider.example"},
		{regexp.QuoteMeta(strings.TrimPrefix(s.p.URL, "http://")), "provider.example"},
		{regexp.QuoteMeta(s.home), "~/.config/connectorauth"},
		{regexp.QuoteMeta(s.t.TempDir()[:strings.LastIndex(s.t.TempDir(), "/")]) + `/\d+`, "."},
		{`127\.0\.0\.1(:|%3A)\d+`, "127.0.0.1${1}40000"},
		{progress.String(), ""},
		{`(?m)^Waiting until .* \.\.\.\n`, ""},
		{`(state|code_challenge)=[A-Za-z0-9_-]+`, "$1=…"},
		{`access-[A-Za-z0-9_-]+`, "access-…"},
		{`[A-Z0-9]{4}-[A-Z0-9]{4}`, "WDJB-MJHT"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`, "2026-11-28T09:00:00Z"}, // of JSON, as RFC 3339 has it
		{`\d{4}-\d\d-\d\d \d\d:\d\d`, "2026-11-28 09:00"},
		{` \(\d+(\.\d+)?m?s\)`, ""},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.name)
	}
	return "# A session with the command line\n\nA test has written this page: the output of each command, with five services of the test provider. Hosts, times and\n" +
		"random values are replaced. [command.md](command.md) explains the commands.\n" + text
}

func TestTranscript(t *testing.T) {
	w := newWorld(t)
	w.define("hooli", w.p.BasicURL, `"inputs": [{"name": "user", "title": "User name"}, {"name": "password", "title": "Password", "secret": true}],
		"methods": [{"name": "basic", "type": "Basic", "username": "{user}", "password": "{password}"}]`)
	w.define("umbrella", w.p.KeyQueryURL, `"inputs": [{"name": "apiKey", "title": "API key", "secret": true}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "query", "name": "api_key"}}]`)
	s := &transcript{world: w}

	s.section("Find a service")
	s.says("", "", "catalog", "search", "github")
	s.says("", "", "catalog", "show", "github")
	s.says("", "", "catalog", "show", "githob")

	s.section("Connect")
	s.says(values("apiKey", w.p.APIKey), `{"apiKey": "…"}`, "connect", "acme", "--values", "-")
	s.says(values("user", w.p.Username, "password", w.p.Password), `{"user": "…", "password": "…"}`, "connect", "hooli", "--values", "-")
	s.says(values("apiKey", w.p.APIKey), `{"apiKey": "…"}`, "connect", "umbrella", "--values", "-", "--name", "billing")
	args := []string{"connect", "globex", "--values", "-", "--no-browser"}
	code, out, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, w.client(), args...)
	s.keep(`{"client_id": "…", "client_secret": "…"}`, args, err+out, int(code))
	args = []string{"connect", "initech", "--values", "-"}
	code, out, err = w.consenting(`type the code (\S+)\.$`, func(code string) { require.NoError(t, w.p.AuthorizeDevice(code)) }, w.client(), args...)
	s.keep(`{"client_id": "…", "client_secret": "…"}`, args, err+out, int(code))
	s.says("", "", "connect", "acme")
	s.says(values("apiKey", "wrong"), `{"apiKey": "wrong"}`, "connect", "acme", "--values", "-", "--name", "second")

	s.section("Use")
	s.says("", "", "list")
	s.says("", "", "test", "globex")
	s.says("", "", "call", "globex", "GET", "/me")
	w.p.Inject(w.p.BearerURL, 1, authtest.Answer(http.StatusNotFound, nil, "no such item\n"))
	s.says("", "", "call", "globex", "GET", "/items/7")
	s.says("", "", "call", "globex", "GET", "https://evil.example/")
	s.says("", "", "token", "globex")
	s.says("", "", "list", "--json")

	s.section("Why does an account not work?")
	s.says("", "", "doctor", "acme")
	w.p.Inject(w.p.KeyHeaderURL, 1, authtest.Answer(http.StatusUnauthorized, nil, ""))
	s.says("", "", "doctor", "acme")

	s.section("Write a definition")
	require.NoError(t, os.WriteFile("mine.json", []byte("{\"connectorauth\": 1, \"name\": \"mine\",\n \"baseUrl\": \"http://api.example.com\",\n \"methods\": [{\"name\": \"key\", \"type\": \"ApiKei\"}]}\n"), 0o600))
	t.Cleanup(func() { os.Remove("mine.json") })
	s.says("", "", "check", "mine.json")

	s.section("Disconnect")
	s.says("", "", "disconnect", "globex")
	s.says("", "", "call", "globex", "GET", "/me")
	s.says("", "", "list")

	page := s.page()
	for _, secret := range []string{w.p.APIKey, w.p.Password, w.p.ClientSecret} {
		assert.NotContains(t, page, secret)
		assert.NotContains(t, page, url.QueryEscape(secret))
	}
	if *update {
		require.NoError(t, os.WriteFile(transcriptFile, []byte(page), 0o644))
	}
	kept, readErr := os.ReadFile(transcriptFile)
	require.NoError(t, readErr)
	assert.Equal(t, string(kept), page, "go test ./internal/cli -run TestTranscript -update writes the page anew")
}

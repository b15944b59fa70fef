package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

func TestAKeyConnectsListsTestsAndDisconnects(t *testing.T) {
	w := newWorld(t)
	assert.Contains(t, w.key(), "Connected acme-1 ("+w.p.Username+"): ok.")
	assert.Regexp(t, `(?m)^acme-1 +acme +\S+ +ok$`, w.ok("", "list"))

	var all []map[string]any
	w.read(&all, "list")
	require.Len(t, all, 1)
	assert.Equal(t, []any{"acme-1", "acme", "key", "ok"}, []any{all[0]["id"], all[0]["service"], all[0]["method"], all[0]["status"]})

	assert.Contains(t, w.ok("", "test", "acme"), ": ok")
	var ended map[string]any
	w.read(&ended, "disconnect", w.p.Username)
	assert.Equal(t, map[string]any{"id": "acme-1", "revoked": false}, ended)
	w.read(&all, "list")
	assert.Empty(t, all)
}

func TestAWrongKeyKeepsNothing(t *testing.T) {
	w := newWorld(t)
	code, _, err := w.run(values("apiKey", "wrong-secret"), "connect", "acme", "--values", "-")
	assert.Equal(t, exit.Failed, code)
	assert.NotContains(t, err, "wrong-secret")
	var all []any
	w.read(&all, "list")
	assert.Empty(t, all)
	left, _ := os.ReadDir(filepath.Join(w.home, "clients"))
	assert.Empty(t, left)
}

func TestAConsentInTheBrowserGivesATokenThatIsRenewedAndRevoked(t *testing.T) {
	w := newWorld(t)
	w.consent()
	first := strings.TrimSpace(w.ok("", "token", "globex"))
	assert.Contains(t, w.ok("", "call", "globex", "GET", "/me"), w.p.Username)
	w.p.ExpireAccessTokens()
	assert.Contains(t, w.ok("", "call", "globex", "GET", "/me"), w.p.Username)
	assert.NotEqual(t, first, strings.TrimSpace(w.ok("", "token", "globex")))

	w.p.RevokeGrants()
	code, _, err := w.run("", "test", "globex")
	assert.Equal(t, exit.Reauth, code, err)
	code, _, err = w.run("", "call", "globex", "GET", "/me")
	assert.Equal(t, exit.Reauth, code, err)

	code, out, err := w.consenting(`(http://127\S+/\S+\?\S+)`, w.allow, "{}", "connect", "--again", "globex", "--values", "-", "--no-browser")
	require.Equal(t, exit.OK, code, "%s\n%s", out, err)
	assert.Contains(t, w.ok("", "test", "globex"), ": ok")
	assert.Contains(t, w.ok("", "disconnect", "globex"), "The service was told.")
	code, _, err = w.run("", "token", "globex")
	assert.Equal(t, exit.Usage, code, err)
}

func TestADeniedConsentLeavesNoAccount(t *testing.T) {
	w := newWorld(t)
	deny := func(authURL string) {
		callback, err := w.p.Deny(authURL)
		require.NoError(t, err)
		w.get(callback.String())
	}
	code, _, err := w.consenting(`(http://127\S+/\S+\?\S+)`, deny, w.client(), "connect", "globex", "--values", "-", "--no-browser")
	assert.Equal(t, exit.Failed, code, err)
	assert.Contains(t, err, "the account owner did not allow access")
	assert.NotContains(t, err, "consent: ")
	var all []any
	w.read(&all, "list")
	assert.Empty(t, all)
}

func TestACodeForAnotherDevice(t *testing.T) {
	w := newWorld(t)
	allow := func(code string) { require.NoError(t, w.p.AuthorizeDevice(code)) }
	code, out, err := w.consenting(`type the code (\S+)\.$`, allow, w.client(), "connect", "initech", "--values", "-", "--name", "mine")
	require.Equal(t, exit.OK, code, "%s\n%s", out, err)
	assert.Contains(t, out, "Connected mine")
}

func TestAnAccountIsNamedByIDLabelOrTheOnlyOneOfItsService(t *testing.T) {
	w := newWorld(t)
	w.key("--name", "work")
	code, _, err := w.run(values("apiKey", w.p.APIKey), "connect", "acme", "--values", "-")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, "the account work, which is connected already")
	code, _, err = w.run("", "test", "wrok")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, `there is no account "wrok"; did you mean work?`)
	code, _, err = w.run(values("apiKey", w.p.APIKey), "connect", "acme", "--values", "-", "--name", "work")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, `there is an account "work" already`)
}

// A service chooses the label of an account. A label that is the name of another service must
// not lead the requests for that service to the account.
func TestALabelTakesNoRequestsForAnotherService(t *testing.T) {
	w := newWorld(t)
	w.key()
	w.define("evil", w.p.KeyQueryURL, `"inputs": [{"name": "apiKey", "secret": true}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "query", "name": "api_key"}}]`)
	w.p.Inject(w.p.KeyQueryURL, 1, authtest.Answer(200, nil, `{"user": "acme"}`))
	w.ok(values("apiKey", w.p.APIKey), "connect", "evil", "--values", "-")
	before := len(w.p.Requests(w.p.KeyQueryURL))
	w.ok("", "call", "acme", "POST", "/orders", "-d", "private")
	w.ok("", "disconnect", "acme")
	code, _, err := w.run("", "call", "acme", "POST", "/orders", "-d", "private")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, `there is no account "acme"`)
	assert.Len(t, w.p.Requests(w.p.KeyQueryURL), before)
}

func TestMethodsThatShowTheCredentialAreNotSent(t *testing.T) {
	w := newWorld(t)
	w.key()
	before := len(w.p.Requests(w.p.KeyHeaderURL))
	for _, method := range []string{"TRACE", "trace", "CONNECT"} {
		code, _, err := w.run("", "call", "acme", method, "/me")
		assert.Equal(t, exit.Usage, code)
		assert.Contains(t, err, "is not sent with a credential")
	}
	assert.Len(t, w.p.Requests(w.p.KeyHeaderURL), before)
}

func TestAPathDoesNotLeadAboveTheBaseURL(t *testing.T) {
	w := newWorld(t)
	w.key()
	before := len(w.p.Requests(w.p.KeyHeaderURL))
	for _, path := range []string{"/../admin", "..", "/a/%2e%2e/%2E./admin", `/a\..\..\admin`, "/..;x=1/admin", "/%2f..%2fadmin", "/%zz"} {
		code, _, err := w.run("", "call", "acme", "GET", path)
		assert.Equal(t, exit.Usage, code, path)
		assert.Contains(t, err, "the path leads above", path)
	}
	assert.Len(t, w.p.Requests(w.p.KeyHeaderURL), before)
	w.ok("", "call", "acme", "GET", "/me?from=../x")
}

func TestAnAccountIsConnectedAgainByAnyOfItsNames(t *testing.T) {
	w := newWorld(t)
	w.key()
	for _, name := range []string{"acme-1", "acme", w.p.Username} {
		w.ok("{}", "connect", "--again", name, "--values", "-") // an absent answer keeps the secret
	}
}

func TestHelpDoesNotShowTheKeyCommand(t *testing.T) {
	w := newWorld(t)
	t.Setenv("CONNECTORAUTH_KEY_COMMAND", "printf key-of-the-store")
	assert.NotContains(t, w.ok("", "list", "--help"), "key-of-the-store")
}

func TestBadInputSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	for name, row := range map[string]struct {
		in   string
		args []string
		says string
	}{
		"unknown service":      {"", []string{"connect", "acmee"}, `did you mean acme?`},
		"unknown catalogue":    {"", []string{"catalog", "show", "githb"}, `did you mean github`},
		"nobody to ask":        {"", []string{"connect", "acme"}, `"apiKey" (API key): give the answer by --values FILE, or by --values -`},
		"a wrong answer name":  {values("apiKye", "x", "apiKey", "y"), []string{"connect", "acme", "--values", "-"}, "nobody asks for apiKye"},
		"another letter case":  {values("apikey", "y"), []string{"connect", "acme", "--values", "-"}, `--values has no answer "apiKey" (API key), and nobody has asked for apikey so far`},
		"no JSON":              {"apiKey=y", []string{"connect", "acme", "--values", "-"}, "want a JSON object"},
		"unknown method":       {"", []string{"connect", "acme", "--method", "oauth"}, "its methods are key"},
		"no service":           {"", []string{"connect"}, "name a service"},
		"unknown flag":         {"", []string{"list", "--secret", "x"}, "unknown flag"},
		"unknown command":      {"", []string{"lst"}, `there is no command "lst"; did you mean list`},
		"too few arguments":    {"", []string{"call", "acme"}, "usage: connectorauth call SERVICE METHOD PATH"},
		"a file for nobody":    {"", []string{"serve", "--run", "--env-file", "env", "--", "true"}, "--env-file is without --run"},
		"a definition missing": {"", []string{"check", "absent.json"}, "absent.json"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, err := w.run(row.in, row.args...)
			assert.Equal(t, exit.Usage, code)
			assert.Contains(t, err, row.says)
			assert.Empty(t, out)
			assert.Equal(t, 1, strings.Count(err, "\n"), "%q", err)
		})
	}
}

func TestCheckListsAllMistakesWithLineAndColumn(t *testing.T) {
	w := newWorld(t)
	bad := w.file("bad.json", "{\n  \"connectorauth\": 1,\n  \"name\": \"BAD\",\n  \"baseUrl\": \"ftp://x\",\n  \"methods\": [{\"name\": \"k\", \"type\": \"ApiKeys\"}]\n}")
	code, out, _ := w.run("", "check", bad)
	assert.Equal(t, exit.Findings, code)
	for _, place := range []string{"bad.json:3:", "bad.json:4:", "bad.json:5:"} {
		assert.Contains(t, out, place)
	}
	code, out, _ = w.run("", "check", bad, "--json")
	assert.Equal(t, exit.Findings, code)
	assert.Contains(t, out, `"kind": "mistake"`)
	code, out, _ = w.run("", "import", bad)
	assert.Equal(t, exit.Findings, code, out)
	assert.Contains(t, w.ok("", "check", "--no-advice", filepath.Join(w.home, "definitions", "acme.json")), "No mistakes in 1 file.")
}

func TestImportTakesTheNameOfAServiceByForceAlone(t *testing.T) {
	w := newWorld(t)
	for members, name := range map[string]string{
		`"name": "acme"`:                      "acme",   // imported
		`"name": "github"`:                    "github", // of the catalogue
		`"name": "mcp"`:                       "mcp",
		`"name": "umbrella", "was": ["acme"]`: "acme",
		`"name": "globexx", "was": ["slack"]`: "slack",
	} {
		document := `{"connectorauth": 1, ` + members + `, "baseUrl": "https://evil.example", "methods": [{"name": "none", "type": "None"}]}`
		code, _, err := w.run(document, "import", "-")
		assert.Equal(t, exit.Usage, code, members)
		assert.Contains(t, err, `there is a service "`+name+`" already`)
	}
	assert.Contains(t, w.ok("", "catalog", "show", "github"), "api.github.com")
	w.key()
	assert.Contains(t, w.ok("", "call", "acme", "GET", "/me"), "ApiKey")
}

func TestImportAsksWhatADocumentLeavesOpen(t *testing.T) {
	w := newWorld(t)
	document := w.file("api.json", `{"openapi": "3.0.3", "info": {"title": "Hooli", "version": "1"}, "servers": [{"url": "https://api.hooli.example"}],
		"paths": {}, "security": [{"k": []}], "components": {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "Authorization"}}}}`)
	code, _, err := w.run("", "import", document)
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, `"prefix:k"`)
	assert.Contains(t, err, "--answers FILE")
	assert.Contains(t, w.ok(values("prefix:k", "Bearer "), "import", document, "--answers", "-"), "Run connectorauth connect hooli.")
	assert.Contains(t, w.ok("", "catalog", "show", "hooli"), "https://api.hooli.example")
	code, _, err = w.run(values("prefix:k", "Bearer "), "import", document, "--answers", "-")
	assert.Equal(t, exit.Usage, code)
	assert.Contains(t, err, "--force")
}

func TestTheCatalogueIsSearchedAndShown(t *testing.T) {
	w := newWorld(t)
	var found []map[string]any
	w.read(&found, "catalog", "search", "github")
	require.NotEmpty(t, found)
	assert.Equal(t, "github", found[0]["name"])
	var shown map[string]any
	w.read(&shown, "catalog", "show", "stripe")
	assert.Equal(t, "https://api.stripe.com", shown["baseUrl"])
	var none []any
	w.read(&none, "catalog", "search", "no such service anywhere")
	assert.Empty(t, none)
}

func TestAFailedReconnectLeavesTheClientOfTheAccount(t *testing.T) {
	w := newWorld(t)
	w.consent()
	deny := func(authURL string) {
		callback, err := w.p.Deny(strings.Replace(authURL, "client_id=other", "client_id="+w.p.ClientID, 1))
		require.NoError(t, err)
		w.get(callback.String())
	}
	code, _, err := w.consenting(`(http://127\S+/\S+\?\S+)`, deny, values("client_id", "other", "client_secret", "wrong"), "connect", "--again", "globex", "--values", "-", "--no-browser")
	require.Equal(t, exit.Failed, code, err)
	w.p.ExpireAccessTokens()
	assert.Contains(t, w.ok("", "call", "globex", "GET", "/me"), w.p.Username)
}

// Package mcp_test runs the client authentication scenarios of MCP's conformance suite
// (npm @modelcontextprotocol/conformance) against package mcp. Without Node.js and npm on
// Linux the test skips, or fails if CONNECTORAUTH_TEST_REQUIRE is set.
package mcp_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/interop/npm"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

var write = flag.Bool("write", false, "write docs/conformance.md")

// page is where the results are kept.
const page = "../../../docs/conformance.md"

// revisions are those that the suite plays, each with the scenarios it has of its own.
var revisions = []string{"2025-03-26", "2025-11-25", "2026-07-28"}

// scenarios are all client authentication scenarios of the suite, with the revisions that have
// them.
var scenarios = []struct{ name, revisions string }{
	{"auth/metadata-default", "2025-11-25 2026-07-28"},
	{"auth/metadata-var1", "2025-11-25 2026-07-28"},
	{"auth/metadata-var2", "2025-11-25 2026-07-28"},
	{"auth/metadata-var3", "2025-11-25 2026-07-28"},
	{"auth/basic-cimd", "2025-11-25 2026-07-28"},
	{"auth/scope-from-www-authenticate", "2025-11-25 2026-07-28"},
	{"auth/scope-from-scopes-supported", "2025-11-25 2026-07-28"},
	{"auth/scope-omitted-when-undefined", "2025-11-25 2026-07-28"},
	{"auth/scope-step-up", "2025-11-25 2026-07-28"},
	{"auth/scope-retry-limit", "2025-11-25 2026-07-28"},
	{"auth/token-endpoint-auth-basic", "2025-11-25 2026-07-28"},
	{"auth/token-endpoint-auth-post", "2025-11-25 2026-07-28"},
	{"auth/token-endpoint-auth-none", "2025-11-25 2026-07-28"},
	{"auth/pre-registration", "2025-11-25 2026-07-28"},
	{"auth/2025-03-26-oauth-metadata-backcompat", "2025-03-26"},
	{"auth/2025-03-26-oauth-endpoint-fallback", "2025-03-26"},
	{"auth/resource-mismatch", "2026-07-28"},
	{"auth/offline-access-scope", "2026-07-28"},
	{"auth/offline-access-not-supported", "2026-07-28"},
	{"auth/authorization-server-migration", "2026-07-28"},
	{"auth/iss-supported", "2026-07-28"},
	{"auth/iss-not-advertised", "2026-07-28"},
	{"auth/iss-supported-missing", "2026-07-28"},
	{"auth/iss-wrong-issuer", "2026-07-28"},
	{"auth/iss-unexpected", "2026-07-28"},
	{"auth/iss-normalized", "2026-07-28"},
	{"auth/metadata-issuer-mismatch", "2026-07-28"},
	{"auth/client-credentials-jwt", "2025-11-25 2026-07-28"}, // the extensions
	{"auth/client-credentials-basic", "2025-11-25 2026-07-28"},
	{"auth/enterprise-managed-authorization", "2025-11-25 2026-07-28"},
	{"auth/dpop", "2025-11-25 2026-07-28"},
	{"auth/dpop-nonce", "2025-11-25 2026-07-28"},
	{"auth/wif-jwt-bearer", "2025-11-25 2026-07-28"},
}

// A suite is the suite, installed, with the client to test.
type suite struct{ dir, client string }

func newSuite(t *testing.T) *suite {
	t.Helper()
	s := &suite{dir: t.TempDir()}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), text, 0o600))
	}
	if err := npm.Install(s.dir); err != nil {
		if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s.client = filepath.Join(s.dir, "client")
	out, err := exec.Command("go", "build", "-o", s.client, "./client").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return s
}

// run starts the suite.
func (s *suite) run(args ...string) (string, error) {
	all := append([]string{filepath.Join(s.dir, "node_modules/@modelcontextprotocol/conformance/dist/index.js")}, args...)
	out, err := npm.Node(s.dir, all...).CombinedOutput()
	return string(out), err
}

// play plays a scenario with a revision, and returns how many checks have passed.
func (s *suite) play(t *testing.T, scenario, revision, command string) (passed int, problems []string) {
	t.Helper()
	results := t.TempDir()
	out, err := s.run("client", "--command", command, "--scenario", scenario, "--spec-version", revision, "--force", "--timeout", "300000", "-o", results)
	if err != nil {
		problems = append(problems, err.Error(), out)
	}
	files, err := filepath.Glob(filepath.Join(results, "auth", "*", "checks.json"))
	require.NoError(t, err)
	require.Len(t, files, 1, out)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	var checks []struct{ ID, Status, Description string }
	require.NoError(t, json.Unmarshal(text, &checks))
	for _, c := range checks {
		switch c.Status {
		case "SUCCESS":
			passed++
		case "FAILURE", "WARNING":
			problems = append(problems, c.ID+": "+c.Description)
		}
	}
	return passed, problems
}

func TestConformance(t *testing.T) {
	s := newSuite(t)
	t.Run("none is left out", func(t *testing.T) {
		out, err := s.run("list", "--client")
		require.NoError(t, err, out)
		var listed, known []string
		for line := range strings.Lines(out) {
			if name, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "- "), " ["); ok && strings.HasPrefix(name, "auth/") {
				listed = append(listed, name)
			}
		}
		for _, scenario := range scenarios {
			known = append(known, scenario.name)
		}
		assert.ElementsMatch(t, listed, known)
	})
	t.Run("a client without authorization fails", func(t *testing.T) {
		_, problems := s.play(t, "auth/metadata-default", "2026-07-28", "true")
		assert.NotEmpty(t, problems)
	})
	outcomes := map[string]string{} // by scenario and revision
	var mu sync.Mutex
	t.Run("scenarios", func(t *testing.T) { // side by side: each has ports of its own
		for _, scenario := range scenarios {
			for revision := range strings.FieldsSeq(scenario.revisions) {
				name := scenario.name + " " + revision
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					passed, problems := s.play(t, scenario.name, revision, s.client)
					outcome := "failed"
					if assert.Empty(t, problems) && assert.Positive(t, passed) {
						outcome = "passed"
					}
					mu.Lock()
					defer mu.Unlock()
					outcomes[name] = outcome
				})
			}
		}
	})
	if rows, complete := table(outcomes); complete { // not with -run
		keep(t, rows)
	}
}

// table returns the rows of the page. The page is complete if each scenario was played.
func table(outcomes map[string]string) (rows string, complete bool) {
	complete = true
	for _, scenario := range scenarios {
		rows += "| " + strings.TrimPrefix(scenario.name, "auth/") + " |"
		for _, revision := range revisions {
			if strings.Contains(scenario.revisions, revision) {
				outcome := outcomes[scenario.name+" "+revision]
				rows += " " + outcome
				complete = complete && outcome != ""
			}
			rows += " |"
		}
		rows += "\n"
	}
	return rows, complete
}

// keep compares the page with rows, or writes the page.
func keep(t *testing.T, rows string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	head, _, ok := strings.Cut(string(text), "| --- |")
	require.True(t, ok)
	next := head + "| --- |" + strings.Repeat(" --- |", len(revisions)) + "\n" + rows
	if *write {
		require.NoError(t, os.WriteFile(page, []byte(next), 0o644))
		return
	}
	assert.Equal(t, string(text), next, "run the test with -write")
}

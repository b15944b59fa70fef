//go:build unix

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// block matches a block of code: the language and the lines.
var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// The blocks of docs/other-languages.md run as a reader runs them: those of the shell in a shell,
// the others by serve --run. Blocks about another service than acme need an account there.
func TestGuideOfOtherLanguages(t *testing.T) {
	w := newWorld(t)
	self, err := os.Executable()
	require.NoError(t, err)
	folder := t.TempDir()
	program := "#!/bin/sh\n" + asProgram + "=1 exec '" + self + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, "connectorauth"), []byte(program), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "answers.json"), []byte(values("apiKey", w.p.APIKey)), 0o600))
	text, err := os.ReadFile("../../../../docs/other-languages.md")
	require.NoError(t, err)

	ran := map[string]int{}
	for _, match := range block.FindAllStringSubmatch(string(text), -1) {
		language, code := match[1], match[2]
		file, run := filepath.Join(folder, "report"), "sh -e FILE"
		switch language {
		case "python":
			file, run = file+".py", "connectorauth serve --run -- python3 FILE"
		case "js":
			file, run = file+".mjs", "connectorauth serve --run -- node FILE"
		case "sh":
			if !strings.Contains(code, "acme") {
				continue
			}
		default:
			t.Errorf("nobody runs blocks of %s", language)
		}
		require.NoError(t, os.WriteFile(file, []byte(code), 0o600))
		for _, needed := range []string{"python3", "node", "curl"} {
			if _, err := exec.LookPath(needed); err != nil && strings.Contains(run+code, needed+" ") {
				if os.Getenv("CONNECTORAUTH_TEST_REQUIRE") == "1" {
					t.Fatal("CONNECTORAUTH_TEST_REQUIRE is 1 and there is no ", needed)
				}
				t.Skip("there is no ", needed)
			}
		}
		start := func() (string, error) {
			command := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(run, "FILE", file))
			command.Dir = folder
			command.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "CONNECTORAUTH_HOME="+w.home, "no_proxy=127.0.0.1", "NO_PROXY=127.0.0.1")
			out, err := command.CombinedOutput()
			return string(out), err
		}
		out, err := start()
		require.NoError(t, err, "%s\n%s", code, out)
		assert.Contains(t, out, w.p.Username, code)
		assert.NotContains(t, out, w.p.APIKey)
		ran[language]++
		if language == "sh" {
			continue
		}
		require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(code, "/acme", "/nobody")), 0o600))
		out, err = start()
		require.Error(t, err, out)
		assert.Contains(t, out, `there is no account`, "what connectorauth answers itself")
	}
	assert.Equal(t, map[string]int{"sh": 3, "python": 1, "js": 1}, ran)
	assert.Len(t, w.p.Requests(w.p.KeyHeaderURL), 1+2+2+1+1, "the test of connect, and each request of the page")
}

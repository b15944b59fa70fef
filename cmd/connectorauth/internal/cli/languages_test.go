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

	"github.com/connectorauth/connectorauth/authtest"
)

// block matches a block of code: the language and the lines.
var block = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// asCommand makes a folder with the program connectorauth and with files, and returns what runs a
// line of a shell there.
func (w *world) asCommand(files map[string]string) (folder string, shell func(line string) (string, error)) {
	self, err := os.Executable()
	require.NoError(w.t, err)
	folder = w.t.TempDir()
	program := "#!/bin/sh\n" + asProgram + "=1 exec '" + self + "' \"$@\"\n"
	require.NoError(w.t, os.WriteFile(filepath.Join(folder, "connectorauth"), []byte(program), 0o700))
	for name, text := range files {
		require.NoError(w.t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	return folder, func(line string) (string, error) {
		command := exec.CommandContext(w.t.Context(), "sh", "-c", line)
		command.Dir = folder
		command.Env = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "CONNECTORAUTH_HOME="+w.home, "no_proxy=127.0.0.1", "NO_PROXY=127.0.0.1")
		out, err := command.CombinedOutput()
		return string(out), err
	}
}

// blocksOf returns the blocks of code of a guide.
func blocksOf(t *testing.T, guide string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/" + guide)
	require.NoError(t, err)
	return block.FindAllStringSubmatch(string(text), -1)
}

// The file of chapter 2 goes through the commands with which docs/definitions.md begins.
func TestCommandsOfTheGuideOfDefinitions(t *testing.T) {
	w := &world{t: t, home: filepath.Join(t.TempDir(), "home"), p: authtest.NewProvider(t)}
	var commands, file string
	for _, match := range blocksOf(t, "definitions.md") {
		if match[1] == "sh" {
			commands += match[2]
		} else if file == "" && strings.Contains(match[2], "{apiKey}") {
			file = strings.ReplaceAll(match[2], "https://api.example.com/v1", w.p.KeyHeaderURL)
		}
	}
	_, shell := w.asCommand(map[string]string{"acme.json": file, "answers.json": values("apiKey", w.p.APIKey)})
	check, others, _ := strings.Cut(strings.TrimSpace(commands), "\n")
	out, err := shell(check)
	require.Error(t, err, "exit code 8: there is advice")
	assert.Regexp(t, `^advice: acme.json:1:1: test: is missing; .*\nadvice: .*: baseUrl: is plain http, .*\n$`, out, "and the service of the test is plain http")
	out, err = shell("set -e\n" + strings.Replace(others, "connect acme", "connect acme --values answers.json", 1))
	require.NoError(t, err, out)
	assert.Contains(t, out, w.p.Username)
}

// The blocks of docs/other-languages.md run as a reader runs them: those of the shell in a shell,
// the others by serve --run. Blocks about another service than acme need an account there.
func TestGuideOfOtherLanguages(t *testing.T) {
	w := newWorld(t)
	folder, shell := w.asCommand(map[string]string{"answers.json": values("apiKey", w.p.APIKey)})
	ran := map[string]int{}
	for _, match := range blocksOf(t, "other-languages.md") {
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
		start := func() (string, error) { return shell(strings.ReplaceAll(run, "FILE", file)) }
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

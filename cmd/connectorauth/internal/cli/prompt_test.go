//go:build unix

package cli_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/term"
)

const hooli = `{"connectorauth": 1, "name": "hooli", "baseUrl": "https://api.hooli.example", "methods": [{"name": "none", "type": "None"}]}`

func TestADocumentIsTypedInATerminal(t *testing.T) {
	for _, command := range []string{"import", "check"} {
		w := newWorld(t)
		s := w.inTerminal(command, "-")
		s.until("Type or paste the document, and end with Ctrl+D on a line of its own.\r\n")
		s.typed(hooli + "\n\x04")
		code, seen := s.end()
		assert.Contains(t, seen, map[string]string{"import": "Run connectorauth connect hooli.", "check": "advice:"}[command])
		assert.Equal(t, map[string]int{"import": 0, "check": 8}[command], code)
	}
}

func TestADocumentInAPipeHasNoWordsForATerminal(t *testing.T) {
	w := newWorld(t)
	code, _, err := w.run(hooli, "import", "-")
	assert.Zero(t, code)
	assert.NotContains(t, err, "Type or paste")
}

func TestALineThatTheTerminalCutsIsNotImported(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems drop Enter, too, so the line has no end")
	}
	w := newWorld(t)
	s := w.inTerminal("import", "-")
	s.until("of its own.\r\n")
	s.typed(strings.Repeat(" ", 5000) + hooli)
	s.typed("\n\x04")
	code, seen := s.end()
	assert.Equal(t, 2, code)
	assert.Contains(t, seen, "the terminal cuts lines after 4095 bytes: name a file in place of -")
	assert.NoFileExists(t, filepath.Join(w.home, "definitions", "hooli.json"))
}

func TestTheFirstCtrlCEndsADocument(t *testing.T) {
	w := newWorld(t)
	for _, args := range [][]string{{"import", "-"}, {"check", "-"}} {
		s := w.inTerminal(args...)
		before, err := term.GetState(int(s.tty.Fd()))
		require.NoError(t, err)
		s.until("of its own.\r\n")
		s.typed("{\n")
		s.interrupted()
		code, seen := s.end()
		assert.Equal(t, 130, code, args)
		assert.Equal(t, 1, strings.Count(seen, "connectorauth: interrupted"))
		after, err := term.GetState(int(s.tty.Fd()))
		require.NoError(t, err)
		assert.Equal(t, *before, *after)
	}
}

func TestTheFirstCtrlCEndsTheReadingOfAPipe(t *testing.T) {
	w := newWorld(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	acme := filepath.Join(w.home, "definitions", "acme.json")
	for _, args := range [][]string{
		{"import", "-"}, {"check", "-"}, {"connect", "acme", "--values", "-"}, {"import", acme, "--answers", "-"},
		{"import", fifo}, {"check", fifo}, {"connect", "acme", "--values", fifo}, {"import", acme, "--answers", fifo},
	} {
		in, writer, err := os.Pipe()
		require.NoError(t, err)
		command := w.program(args...)
		command.Stdin = in
		var text strings.Builder
		command.Stderr = &text
		require.NoError(t, command.Start())
		if args[len(args)-1] == fifo {
			writer.Close()
			writer, err = os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the program
			require.NoError(t, err)
		}
		_, err = writer.WriteString(strings.Repeat(" ", 1<<17)) // more than a pipe holds, so the program reads
		require.NoError(t, err)
		require.NoError(t, command.Process.Signal(os.Interrupt))
		command.Wait()
		assert.Equal(t, 130, command.ProcessState.ExitCode(), "%v\n%s", args, text.String())
		assert.Equal(t, "connectorauth: interrupted\n", text.String())
		writer.Close()
		in.Close()
	}
}

func TestSecretsAreNotTypedAsADocument(t *testing.T) {
	w := newWorld(t)
	for flag, args := range map[string][]string{
		"--values":  {"connect", "acme", "--values", "-"},
		"--answers": {"import", filepath.Join(w.home, "definitions", "acme.json"), "--answers", "-"},
	} {
		code, seen := w.inTerminal(args...).end()
		assert.Equal(t, 2, code)
		assert.Contains(t, seen, "standard input is a terminal: leave "+flag+" out to be asked for each answer, or name a file by "+flag+" FILE")
	}
}

func TestTheEndOfTheTerminalInTheMiddleLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.define("sub", "https://{subdomain}.sub.example.com", `"inputs": [{"name": "subdomain", "format": "label"}, {"name": "key", "secret": true}],
		"methods": [{"name": "key", "type": "ApiKey", "key": "{key}", "placement": {"in": "header", "name": "X-Api-Key"}}]`)
	s := w.inTerminal("connect", "sub")
	s.until("subdomain: ")
	s.typed("acme\n")
	s.until("key: ")
	s.typed("\x04")
	code, seen := s.end()
	assert.Equal(t, 2, code)
	assert.Contains(t, seen, "connectorauth: the terminal was closed before the answer")
	assert.Equal(t, "[]\n", w.ok("", "list", "--json"))
}

// TestQuestionsOfAllKinds has a terminal of 20 columns, where each prompt is longer than a line.
func TestQuestionsOfAllKinds(t *testing.T) {
	for name, env := range map[string][]string{"colours": nil, "dumb": {"TERM=dumb"}, "NO_COLOR": {"NO_COLOR=1"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.define("kinds", w.p.KeyHeaderURL, `"inputs": [
				{"name": "region", "title": "Region of the account", "help": "See Settings > Region.", "enum": [{"value": "eu", "title": "Europe"}, "us"]},
				{"name": "shop", "title": "Name of the shop", "pattern": "[a-z]+", "example": "acme"},
				{"name": "version", "default": "2026-01"}, {"name": "note", "optional": true}],
				"headers": {"X-Region": "{region}", "X-Shop": "{shop}", "X-Version": "{version}"},
				"methods": [{"name": "other", "type": "None"}, {"name": "key", "title": "With a key", "default": true, "type": "ApiKey", "key": "{apiKey}", "placement": {"in": "header", "name": "X-Api-Key"},
				"inputs": [{"name": "apiKey", "title": "API key", "secret": true, "optional": false}]}]`)
			command := w.program("connect", "kinds")
			command.Env = append(command.Env, env...)
			s := w.started(command, 20)
			for _, step := range [][2]string{
				{"How does the account authenticate:\r\n  1  other\r\n  2  With a key (key)\r\nNumber or value [key]: ", ""},
				{"See Settings > Region.\r\nRegion of the account:\r\n  1  Europe (eu)\r\n  2  us\r\nNumber or value: ", "3"},
				{"is none of the choices\r\nNumber or value: ", "1"},
				{"Name of the shop (such as acme): ", ""},
				{"is required\r\nName of the shop (such as acme): ", "Acme 1"},
				{"  Name of the shop: ", "acme"},
				{"version [2026-01]: ", ""},
				{"note (may be empty): ", ""},
				{"API key: ", w.p.APIKey},
			} {
				s.until(step[0])
				s.seen.Reset()
				s.typed(step[1] + "\n")
			}
			code, seen := s.end()
			assert.Equal(t, 0, code, seen)
			assert.NotContains(t, seen, w.p.APIKey)
			if assert.Contains(t, seen, "Connected kinds-1"); name == "colours" {
				assert.Contains(t, seen, "\x1b[32mok\x1b[0m")
			} else {
				assert.NotContains(t, seen, "\x1b")
			}
			sent := w.p.Requests(w.p.KeyHeaderURL)
			header := sent[len(sent)-1].Header
			assert.Equal(t, []string{"eu", "acme", "2026-01"}, []string{header.Get("X-Region"), header.Get("X-Shop"), header.Get("X-Version")})

			if name != "NO_COLOR" {
				return
			}
			s = w.inTerminal("connect", "--again", "kinds-1") // each answer stays
			for _, prompt := range []string{"Number or value [eu]: ", "[acme]: ", "[2026-01]: ", "note (may be empty): ", "API key (empty keeps what is stored): "} {
				s.until(prompt)
				s.typed("\n")
			}
			code, seen = s.end()
			assert.Equal(t, 0, code, seen)
		})
	}
}

func TestAPrivateKeyIsPastedWithItsLines(t *testing.T) {
	w := newWorld(t)
	w.define("signed", w.p.KeyHeaderURL, `"inputs": [{"name": "key", "title": "Private key", "secret": true, "format": "key"}, {"name": "user"}],
		"methods": [{"name": "jwt", "type": "JWT", "private": "{key}", "algorithm": "EdDSA", "claims": {"issuer": "a", "subject": "{user}", "audience": "b"}}]`)
	s := w.inTerminal("connect", "signed")
	s.until("Paste the whole PEM block or JSON object, and end with Enter.\r\nPrivate key: ")
	s.typed("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHRlc3RrZXktdGVzdGtleS10ZXN0a2V5LXRlc3Rr\n-----END PRIVATE KEY-----\n")
	s.until("user: ")
	s.typed("me\n")
	_, seen := s.end()
	assert.NotContains(t, seen, "MC4CAQ")
	assert.NotContains(t, seen, "BEGIN PRIVATE")
}

func TestImportAsksInATerminal(t *testing.T) {
	w := newWorld(t)
	document := w.file("api.json", `{"openapi": "3.0.3", "info": {"title": "Hooli", "version": "1"}, "servers": [{"url": "https://api.hooli.example"}],
		"paths": {}, "security": [{"k": []}], "components": {"securitySchemes": {"k": {"type": "apiKey", "in": "header", "name": "Authorization"}}}}`)
	s := w.inTerminal("import", document)
	s.until("Number or value: ")
	s.typed("\n")
	s.until("is required")
	s.typed("Token \n")
	code, seen := s.end()
	assert.Equal(t, 0, code, seen)
	text, err := os.ReadFile(filepath.Join(w.home, "definitions", "hooli.json"))
	require.NoError(t, err)
	assert.Contains(t, string(text), `"prefix": "Token "`)

	s = w.inTerminal("import", document, "--force")
	s.until("Number or value: ")
	s.typed("\x04")
	code, _ = s.end()
	assert.Equal(t, 2, code)
	kept, err := os.ReadFile(filepath.Join(w.home, "definitions", "hooli.json"))
	require.NoError(t, err)
	assert.Equal(t, string(text), string(kept))
}

func TestTheCommandOfTheKeyLeavesStandardInputToTheAnswers(t *testing.T) {
	w := newWorld(t)
	key := "cat >&2; echo " + hex.EncodeToString(make([]byte, 32))
	for _, row := range []struct {
		in   string
		args []string
	}{
		{values("apiKey", w.p.APIKey), []string{"connect", "acme", "--values", "-"}},
		{`{"order": "private"}`, []string{"call", "acme", "POST", "/orders", "-d", "@-"}},
	} {
		command := w.program(append(row.args, "--key-command", key)...)
		command.Stdin = strings.NewReader(row.in)
		text, err := command.CombinedOutput()
		require.NoError(t, err, "%s", text)
		assert.NotContains(t, string(text), row.in)
	}
	sent := w.p.Requests(w.p.KeyHeaderURL)
	assert.Equal(t, `{"order": "private"}`, string(sent[len(sent)-1].Body))
}

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/connectorauth/connectorauth/internal/test/shell"
)

var (
	// shellBlock matches the lines of a block for a shell.
	shellBlock = regexp.MustCompile("(?ms)^[ \t]*```sh\n(.*?)^[ \t]*```[ \t]*$")
	// anyBlock matches a block of any language.
	anyBlock = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	// indented matches a line of a block in a comment.
	indented = regexp.MustCompile("(?m)^//\t(.*)$")
	// span matches text in backticks.
	span = regexp.MustCompile("`([^`\n]+)`")
)

// named returns the command that the arguments name, after the flags are read. The command does not run.
func named(args []string) (*cobra.Command, error) {
	root := new(App).root()
	root.InitDefaultHelpCmd()
	c, rest, err := root.Find(args)
	if err != nil {
		return nil, err
	}
	c.InitDefaultHelpFlag()
	c.InitDefaultVersionFlag()
	if err := c.ParseFlags(rest); err != nil {
		return nil, err
	}
	if c == root && c.Flags().NArg() > 0 {
		return nil, fmt.Errorf("there is no command %q", c.Flags().Arg(0))
	}
	return c, nil
}

// understand returns why the program would refuse a command: an unknown name or flag, or a wrong
// number of arguments.
func understand(args []string) error {
	c, err := named(args)
	if err != nil {
		return err
	}
	return c.ValidateArgs(c.Flags().Args())
}

// ours returns the arguments of each call of the program in a text for a shell.
func ours(text string) (calls [][]string) {
	for _, words := range shell.Commands(text) {
		if strings.TrimPrefix(words[0], "./") == "connectorauth" {
			calls = append(calls, words[1:])
		}
	}
	return calls
}

// documents returns the documents of the repository, by name.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "*/README.md", "docs/*.md"} {
		names, err := filepath.Glob("../../../../" + pattern)
		require.NoError(t, err)
		for _, name := range names {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			texts[name] = string(text)
		}
	}
	return texts
}

// Each command line of the program in a block of a document, in backticks, in the documentation of
// the program or in the examples of help is one that the program takes.
func TestCommandsInDocumentsAreUnderstood(t *testing.T) {
	texts := map[string][]string{}
	for name, text := range documents(t) {
		for _, match := range shellBlock.FindAllStringSubmatch(text, -1) {
			texts[name] = append(texts[name], match[1])
		}
		for _, match := range span.FindAllStringSubmatch(anyBlock.ReplaceAllString(text, ""), -1) {
			texts[name] = append(texts[name], match[1])
		}
	}
	program, err := os.ReadFile("../../main.go")
	require.NoError(t, err)
	for _, match := range indented.FindAllStringSubmatch(string(program), -1) {
		texts["main.go"] = append(texts["main.go"], match[1])
	}
	for _, c := range all(new(App).root()) {
		texts["help "+c.Name()] = []string{c.Example}
	}
	count := 0
	for name, list := range texts {
		for _, text := range list {
			for _, args := range ours(text) {
				count++
				assert.NoError(t, understand(args), "%s: connectorauth %s", name, strings.Join(args, " "))
			}
		}
	}
	assert.Greater(t, count, 30)
}

// The page of the command line has commands and flags in backticks, without the name of the program
// and often without arguments.
func TestCommandsOfThePageExist(t *testing.T) {
	var names []string
	for _, c := range all(new(App).root()) {
		names = append(names, c.Name())
	}
	text, count := documents(t)["../../../../docs/command.md"], 0
	for _, match := range span.FindAllStringSubmatch(anyBlock.ReplaceAllString(text, ""), -1) {
		for _, words := range shell.Commands(match[1]) {
			if len(words) > 1 && slices.Contains(names, words[0]) {
				count++
				_, err := named(words)
				assert.NoError(t, err, "docs/command.md: %s", match[1])
			}
		}
	}
	assert.Greater(t, count, 10)
}

func TestUnderstand(t *testing.T) {
	for _, test := range []struct{ name, command, want string }{
		{"a command", "connectorauth list", ""},
		{"a flag of the command", "./connectorauth connect acme --values -", ""},
		{"a flag of all commands", "connectorauth list --json", ""},
		{"a command below another one", "connectorauth catalog search github", ""},
		{"words of another program", "connectorauth serve --run -- python3 --nothing report.py", ""},
		{"the version", "connectorauth --version", ""},
		{"help", "connectorauth help connect", ""},
		{"no such command", "connectorauth conect acme", `there is no command "conect"`},
		{"no such flag", "connectorauth list --all", "unknown flag: --all"},
		{"no such short flag", "connectorauth list -z", "unknown shorthand flag"},
		{"the flag of another command", "connectorauth list --values -", "unknown flag: --values"},
		{"too few arguments", "connectorauth token", "accepts 1 arg(s)"},
		{"too many arguments", "connectorauth token acme globex", "accepts 1 arg(s)"},
		{"a value that the flag cannot have", "connectorauth call acme GET / --max-time soon", "invalid argument"},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := ours("echo x | " + test.command)
			require.Len(t, calls, 1)
			err := understand(calls[0])
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.want)
		})
	}
}

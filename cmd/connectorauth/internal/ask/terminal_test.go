//go:build unix

package ask_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/term"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/ask"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
)

// A person sits at a terminal.
type person struct {
	t          *testing.T
	keys, line *os.File // the side of the person, and that of the program
	mu         sync.Mutex
	more       *sync.Cond
	text       strings.Builder
	closed     bool
}

// sit returns a person at a new terminal.
func sit(t *testing.T) *person {
	keys, line, err := pty.Open()
	require.NoError(t, err)
	p := &person{t: t, keys: keys, line: line}
	p.more = sync.NewCond(&p.mu)
	var eyes sync.WaitGroup
	eyes.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, err := keys.Read(buffer)
			p.mu.Lock()
			p.text.Write(buffer[:n])
			p.closed = err != nil
			p.more.Broadcast()
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		line.Close()
		keys.Close()
		eyes.Wait()
	})
	return p
}

// sees waits until the terminal has shown the text.
func (p *person) sees(text string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !strings.Contains(p.text.String(), text) {
		if p.closed {
			require.Contains(p.t, p.text.String(), text)
		}
		p.more.Wait()
	}
}

// seen returns all that the terminal has shown before the mark, which seen prints.
func (p *person) seen() string {
	p.line.WriteString("<end>")
	p.sees("<end>")
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// types types a text.
func (p *person) types(text string) {
	p.t.Helper()
	_, err := p.keys.WriteString(text)
	require.NoError(p.t, err)
}

// asked returns the answers to the questions. The person types each text as soon as the terminal
// has shown the text before.
func (p *person) asked(questions []ask.Question, steps ...string) (answers []string, err error) {
	p.t.Helper()
	before, err := term.GetState(int(p.line.Fd()))
	require.NoError(p.t, err)
	a, err := ask.New(p.t.Context(), p.line, p.line, "--values", "")
	require.NoError(p.t, err)
	var done sync.WaitGroup
	done.Go(func() {
		for _, q := range questions {
			var answer string
			if answer, err = a.Ask(p.t.Context(), q); err != nil {
				return
			}
			answers = append(answers, answer)
		}
	})
	for i := 0; i < len(steps); i += 2 {
		p.sees(steps[i])
		p.types(steps[i+1])
	}
	done.Wait()
	after, stateErr := term.GetState(int(p.line.Fd()))
	require.NoError(p.t, stateErr)
	assert.Equal(p.t, *before, *after, "the terminal has another mode than before")
	return answers, err
}

const pemBlock = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\nBCIEIPD6\n-----END PRIVATE KEY-----"

func TestATerminalAsks(t *testing.T) {
	choices := []ask.Choice{{Value: "eu", Title: "Europe"}, {Value: "us"}}
	secret := ask.Question{Name: "key", Title: "Key", Secret: true}
	plain := ask.Question{Name: "host", Title: "Host"}
	lines := ask.Question{Name: "pem", Title: "Private key", Secret: true, Lines: true}
	region := ask.Question{Name: "region", Title: "Region", Choices: choices}
	odd := ask.Question{Name: "n", Title: "N", Secret: true, Check: func(s string) error {
		if len(s)%2 == 1 {
			return errors.New("N: is odd")
		}
		return nil
	}}
	long := strings.Repeat("0123456789abcdef", 1000)
	for name, row := range map[string]struct {
		questions []ask.Question
		steps     []string
		want      []string
	}{
		"a line":                    {[]ask.Question{plain}, []string{"Host: ", "a b \n"}, []string{"a b "}},
		"a secret":                  {[]ask.Question{secret}, []string{"Key: ", "abc-secret\r"}, []string{"abc-secret"}},
		"a long secret":             {[]ask.Question{secret}, []string{"Key: ", long + "\r"}, []string{long}},
		"corrections of a secret":   {[]ask.Question{secret}, []string{"Key: ", "x\x15\x7fabc-sé\x7fecrets\x08\r"}, []string{"abc-secret"}},
		"keys without a meaning":    {[]ask.Question{secret}, []string{"Key: ", "abc\x1a-sec\x1cret\r"}, []string{"abc-secret"}},
		"Ctrl+D ends a secret":      {[]ask.Question{secret}, []string{"Key: ", "abc-secret\x04"}, []string{"abc-secret"}},
		"a secret is required":      {[]ask.Question{secret}, []string{"Key: ", "\r", "is required\r\nKey: ", "abc-secret\r"}, []string{"abc-secret"}},
		"a secret is checked":       {[]ask.Question{odd}, []string{"N: ", "abc-secre\r", "N: is odd\r\nN: ", "abc-secret\r"}, []string{"abc-secret"}},
		"an optional secret":        {[]ask.Question{{Name: "s", Title: "S", Secret: true, Optional: true}}, []string{"S (may be empty): ", "\r"}, []string{""}},
		"a stored secret":           {[]ask.Question{{Name: "s", Title: "S", Secret: true, Optional: true, Stored: true}}, []string{"S (empty keeps what is stored): ", "\r"}, []string{""}},
		"a PEM block":               {[]ask.Question{lines, plain}, []string{"Private key: ", strings.ReplaceAll(pemBlock, "\n", "\r") + "\r", "Host: ", "h\n"}, []string{pemBlock, "h"}},
		"a PEM block of Windows":    {[]ask.Question{secret, plain}, []string{"Key: ", strings.ReplaceAll(pemBlock, "\n", "\r\n") + "\r\n", "Host: ", "h\n"}, []string{pemBlock, "h"}},
		"a JSON object":             {[]ask.Question{lines, plain}, []string{"Private key: ", "{\r\"d\": \"abc-secret\"\r}\r", "Host: ", "h\n"}, []string{"{\n\"d\": \"abc-secret\"\n}", "h"}},
		"a JSON object in a line":   {[]ask.Question{lines}, []string{"Private key: ", `{"d": "abc-secret"}` + "\r"}, []string{`{"d": "abc-secret"}`}},
		"a JSON object that is cut": {[]ask.Question{lines}, []string{"Private key: ", "{\"d\": \"abc-secret\"\r\x04"}, []string{"{\"d\": \"abc-secret\"\n"}},
		"a brace is no object":      {[]ask.Question{secret}, []string{"Key: ", "{abc-secret\r"}, []string{"{abc-secret"}},
		"typed before the question": {[]ask.Question{secret, plain, region}, []string{"Key: ", "abc-secret\rh\rus\r"}, []string{"abc-secret", "h", "us"}},
		"choices by number":         {[]ask.Question{region}, []string{"1  Europe (eu)\r\n  2  us", "2\n"}, []string{"us"}},
		"choices by value":          {[]ask.Question{region}, []string{"Number or value: ", "asia\n", "is none of the choices\r\nNumber or value: ", "0\n", "0\r\n  is none of the choices\r\nNumber or value: ", "eu\n"}, []string{"eu"}},
		"a default":                 {[]ask.Question{{Name: "h", Title: "H", Default: "api.example"}}, []string{"H [api.example]: ", "\n"}, []string{"api.example"}},
		"Ctrl+D twice ends a line":  {[]ask.Question{plain}, []string{"Host: ", "abc\x04\x04"}, []string{"abc"}},
		"help commands no terminal": {[]ask.Question{{Name: "h", Title: "T\x1b[2J", Help: "H\x1b]0;x\x07"}}, []string{`H\x1b]0;x\x07`, "", `T\x1b[2J: `, "h\n"}, []string{"h"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := sit(t)
			answers, err := p.asked(row.questions, row.steps...)
			require.NoError(t, err)
			assert.Equal(t, row.want, answers)
			seen := p.seen()
			assert.NotContains(t, seen, "secret")
			assert.NotContains(t, seen, "BCIEIPD6")
			assert.NotContains(t, seen, "\x1b")
		})
	}
}

func TestATerminalThatEnds(t *testing.T) {
	plain, secret := ask.Question{Name: "host", Title: "Host"}, ask.Question{Name: "key", Title: "Key", Secret: true}
	for name, row := range map[string]struct {
		q     ask.Question
		typed string
		code  exit.Code
		says  string
	}{
		"Ctrl+D":             {plain, "\x04", exit.Usage, "the terminal was closed before the answer"},
		"Ctrl+D of a secret": {secret, "\x04", exit.Usage, "the terminal was closed before the answer"},
		"Ctrl+C of a secret": {secret, "abc\x03", exit.Interrupted, "interrupted"},
		"Ctrl+C within PEM":  {secret, "-----BEGIN PRIVATE KEY-----\rabc\r\x03", exit.Interrupted, "interrupted"},
		"a line that is cut": {plain, strings.Repeat("abc", 2000) + "\n", exit.Usage, "the terminal cuts lines after 4095 bytes: give the answer by --values FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			if len(row.typed) > ask.MaxLine && runtime.GOOS != "linux" {
				t.Skip("other systems drop Enter, too, so the line has no end")
			}
			p := sit(t)
			_, err := p.asked([]ask.Question{row.q}, row.q.Title+": ", row.typed)
			require.ErrorContains(t, err, row.says)
			assert.Equal(t, row.code, exit.Of(err))
		})
	}
}

func TestTheEndOfTheContextGivesTheTerminalItsModeBack(t *testing.T) {
	for _, secret := range []bool{false, true} {
		p := sit(t)
		before, err := term.GetState(int(p.line.Fd()))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		a, err := ask.New(ctx, p.line, p.line, "--values", "")
		require.NoError(t, err)
		go func() {
			p.sees("Key: ")
			cancel()
		}()
		_, err = a.Ask(ctx, ask.Question{Name: "key", Title: "Key", Secret: secret})
		require.ErrorIs(t, err, context.Canceled)
		after, err := term.GetState(int(p.line.Fd()))
		require.NoError(t, err)
		assert.Equal(t, *before, *after)
		assert.Contains(t, p.seen(), "Key: \r\n")
		p.types("\n") // ends the read that is left
	}
}

func TestAnswersAreNotTypedAsADocument(t *testing.T) {
	p := sit(t)
	_, err := ask.New(t.Context(), p.line, p.line, "--values", "-")
	require.ErrorContains(t, err, "standard input is a terminal: leave --values out")
	assert.ErrorContains(t, err, "--values FILE")
}

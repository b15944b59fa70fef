package ask

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Text returns the UTF-8 of a file without the byte order mark that some editors write. The
// error says that the file is UTF-16. Text leaves other bytes that are no UTF-8 to the parser,
// who knows the line.
func Text(file []byte) ([]byte, error) {
	if bytes.HasPrefix(file, []byte("\xff\xfe")) || bytes.HasPrefix(file, []byte("\xfe\xff")) || bytes.IndexByte(file[:min(4, len(file))], 0) >= 0 {
		return nil, errors.New("is UTF-16: save the file as UTF-8")
	}
	return bytes.TrimPrefix(file, []byte("\ufeff")), nil
}

// Await returns what read returns, or the error of ctx at the end of ctx. Nothing ends a read of
// a terminal or a pipe: such a read goes on, and nobody sees what is read.
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		read T
		err  error
	}
	results := make(chan result, 1)
	go func() {
		r, err := read()
		results <- result{r, err}
	}()
	select {
	case <-ctx.Done():
		var nothing T
		return nothing, ctx.Err()
	case r := <-results:
		return r.read, r.err
	}
}

// decode reads answers. The error quotes nothing of the text but names.
func decode(file []byte) (map[string]string, error) {
	text, err := Text(file)
	if err != nil {
		return nil, fmt.Errorf("the file %w", err)
	}
	if !utf8.Valid(text) { // which package json replaces without a word
		return nil, errors.New("the file is not UTF-8: save the file as UTF-8")
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(text, &raw) != nil {
		return nil, errors.New(`want a JSON object with answers by name, such as {"apiKey": "..."}`)
	}
	answers := map[string]string{}
	for name, value := range raw {
		s := string(value)
		switch {
		case s == "null" || s[0] == '{' || s[0] == '[':
			return nil, fmt.Errorf("the answer %q is no text, number or truth value", name)
		case s[0] == '"':
			if err := json.Unmarshal(value, &s); err != nil {
				return nil, err
			}
		}
		answers[name] = s
	}
	return answers, nil
}

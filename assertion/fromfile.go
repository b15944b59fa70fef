package assertion

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/connectorauth/connectorauth"
)

// FromFile returns a file's text as an assertion, without space at its ends: as when a
// platform renews the token of a workload in a file, such as Kubernetes. Each call reads
// the file anew. For a [TokenExchange], see [AsToken].
func FromFile(path string) func(context.Context) (connectorauth.Secret, error) {
	return func(context.Context) (connectorauth.Secret, error) {
		text, err := readFile(path)
		return connectorauth.Secret(trimmed(text)), err
	}
}

// AsToken gives a type, such as [TypeJWT], to the tokens of a function, such as that of
// [FromFile]: as the Subject or Actor of a [TokenExchange].
func AsToken(kind string, get func(context.Context) (connectorauth.Secret, error)) func(context.Context) (Token, error) {
	return func(ctx context.Context) (Token, error) {
		if get == nil {
			return Token{}, errors.New("assertion: AsToken: the function is nil")
		}
		value, err := get(ctx)
		return Token{value, kind}, err
	}
}

// readFile returns the text of a file, which must not be long.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bounded(f)
}

// trimmed returns a token as a file has it, which may begin with a byte order mark.
func trimmed(text []byte) string {
	return strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
}

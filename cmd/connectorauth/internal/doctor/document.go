package doctor

import (
	"encoding/json"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/lazy"
)

// textLimit bounds a text of a document, in bytes.
const textLimit = 4000

// documentOf returns the document of a definition, without secrets.
func documentOf(d *definition.Definition, m *mask) []byte {
	text, err := d.Document()
	if err != nil {
		return nil
	}
	return masked(text, m)
}

// masked returns a JSON document without secrets, and nothing for a text that is no JSON.
func masked(text []byte, m *mask) []byte {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return nil
	}
	out, err := json.MarshalIndent(maskedValue("", v, m), "", "  ")
	if err != nil {
		return nil
	}
	return out
}

func maskedValue(name string, v any, m *mask) any {
	switch v := v.(type) {
	case string:
		if isLiteral(name, v) {
			return "[redacted]"
		}
		return m.text(v, textLimit)
	case []any:
		for i := range v {
			v[i] = maskedValue(name, v[i], m)
		}
	case map[string]any:
		for n, e := range v {
			v[n] = maskedValue(n, e, m)
		}
	}
	return v
}

// ofCredential matches the members of a document whose text may have a credential.
var ofCredential = lazy.Regexp(`(?i)secret|passw|^key$|api.?key|^token$|^private$|^value$|authorization|cookie|x-.*(key|token)`)

// isLiteral reports whether a member holds a credential itself, and not the name of an input.
func isLiteral(name, text string) bool {
	rest := placeholder().ReplaceAllString(text, "")
	return ofCredential().MatchString(name) && len(strings.TrimSpace(rest)) >= minSecret
}

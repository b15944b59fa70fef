package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/connectorauth/connectorauth/dialect"
)

// encodeValue checks the value of a field against the type and returns the value
// as JSON.
func encodeValue(field Field) ([]byte, error) {
	switch field.Type {
	case "", dialect.FieldText, dialect.FieldPassword:
		if !utf8.ValidString(field.Value) {
			return nil, errors.New("the value is not UTF-8: encode it, for instance as base64")
		}
		return quote(field.Value), nil
	case dialect.FieldInteger:
		if !isNumber(field.Value) || strings.ContainsAny(field.Value, ".eE") {
			return nil, errors.New("the value is not an integer: give digits, with a minus sign if negative and no leading zeros")
		}
	case dialect.FieldNumber:
		if !isNumber(field.Value) {
			return nil, errors.New("the value is not a number as JSON spells it: give one like -12.5 or 3e8")
		}
	case dialect.FieldBoolean:
		if field.Value != "true" && field.Value != "false" {
			return nil, errors.New("the value is not a boolean: give true or false")
		}
	default:
		return nil, fmt.Errorf("unknown type %q: use text, password, integer, number or boolean", field.Type)
	}
	return []byte(field.Value), nil
}

// isNumber reports whether s is a JSON number.
func isNumber(s string) bool {
	end, ok := numberEnd([]byte(s), 0)
	return ok && end == len(s)
}

// quote returns s as a JSON string.
func quote(s string) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	e.Encode(s) // a string cannot fail
	return bytes.TrimSpace(buf.Bytes())
}

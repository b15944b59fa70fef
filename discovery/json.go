package discovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/connectorauth/connectorauth/internal/scrub"
)

// decode reads a JSON object into a struct, as package json does, but for two things: the
// case of names counts, and an object must not have a name twice, because readers do not
// agree on what a second value means (RFC 8259 section 4).
func decode(body []byte, into any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return errors.New("the response is not a JSON object")
	}
	if err := checkUnique(body); err != nil {
		return err
	}
	v := reflect.ValueOf(into).Elem()
	for _, field := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		raw, ok := members[name]
		if !ok || name == "" || name == "-" {
			continue
		}
		if json.Unmarshal(raw, v.FieldByIndex(field.Index).Addr().Interface()) != nil {
			return fmt.Errorf("%s is no %s", name, words[field.Type.Kind()])
		}
	}
	return nil
}

// words say what a member should be.
var words = map[reflect.Kind]string{
	reflect.String: "string", reflect.Slice: "list of strings", reflect.Bool: "boolean", reflect.Map: "object of strings",
}

// checkUnique reports a name that an object of a valid JSON document has twice.
func checkUnique(body []byte) error {
	var open []map[string]bool // the names of each object around, nil for a list
	name := false              // the next token is a name
	for dec := json.NewDecoder(bytes.NewReader(body)); ; {
		token, err := dec.Token()
		if err != nil {
			return nil // the end
		}
		text, isText := token.(string)
		switch {
		case token == json.Delim('{'):
			open = append(open, map[string]bool{})
		case token == json.Delim('['):
			open = append(open, nil)
		case token == json.Delim('}') || token == json.Delim(']'):
			open = open[:len(open)-1]
		case name && isText:
			names := open[len(open)-1]
			if names[text] {
				return fmt.Errorf("%q is there twice", scrub.Text(text, 64))
			}
			names[text], name = true, false
			continue
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}

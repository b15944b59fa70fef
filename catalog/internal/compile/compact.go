package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// width is how long a line may be.
const width = 140

// lines writes JSON so each value that fits into a line is in a line.
func lines(text json.RawMessage, indent string) string {
	text = bytes.TrimSpace(text)
	if len(indent)+len(text) < width || text[0] != '{' && text[0] != '[' {
		return spaced(text)
	}
	inner := indent + "  "
	var out []string
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.Token()
	for dec.More() {
		name := ""
		if text[0] == '{' {
			token, _ := dec.Token()
			name, _ = marshal(token)
			name += ": "
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			panic(err) // of JSON that encoding/json has written
		}
		out = append(out, inner+name+lines(value, inner))
	}
	return string(text[:1]) + "\n" + strings.Join(out, ",\n") + "\n" + indent + string(text[len(text)-1:])
}

// spaced writes JSON in one line, with a space after each comma and colon.
func spaced(text json.RawMessage) string {
	var out strings.Builder
	isText := false
	for i, b := range text {
		out.WriteByte(b)
		switch {
		case b == '"' && !(isText && text[i-1] == '\\'):
			isText = !isText
		case !isText && (b == ',' || b == ':'):
			out.WriteByte(' ')
		}
	}
	return out.String()
}

package wire

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// Lookup returns the member at path of v, a value that encoding/json decoded
// into an any. A path is the name of a member, or names joined by dots for a
// nested member. In a list, a number counts from 0. Lookup returns nil if there
// is no such member.
func Lookup(v any, path string) any { return At(v, strings.SplitSeq(path, ".")) }

// At is Lookup with the names one by one.
func At(v any, names iter.Seq[string]) any {
	for name := range names {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(inner) || strconv.Itoa(i) != name {
				return nil
			}
			v = inner[i]
		default:
			return nil
		}
	}
	return v
}

// Scalar returns a text, a number or a boolean as text. All else is "".
func Scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64: // never with an exponent, which identifiers do not have
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool, int, int64, json.Number:
		return fmt.Sprint(v)
	}
	return ""
}

// CloneJSON returns a copy of decoded JSON that shares no map or list with v.
func CloneJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		members := make(map[string]any, len(v))
		for name, member := range v {
			members[name] = CloneJSON(member)
		}
		return members
	case []any:
		elements := make([]any, len(v))
		for i, element := range v {
			elements[i] = CloneJSON(element)
		}
		return elements
	}
	return v
}

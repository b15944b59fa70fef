package connectorauth

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a string that never prints itself: every fmt verb, log/slog, JSON
// and text encoding give "[redacted]" instead ("" for an empty Secret, so that
// a missing value is visible). Convert with string(s) where the value itself
// is needed.
//
// encoding/json and the like do not read the value back: a Secret decodes as
// an ordinary string and encodes as "[redacted]", so keep credentials in a
// store of your own rather than in a marshalled config.
type Secret string

// String returns "[redacted]", or "" for an empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is String, quoted; it serves the %#v verb.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format writes the redacted form for every verb.
func (s Secret) Format(f fmt.State, verb rune) {
	switch verb {
	case 'q':
		io.WriteString(f, s.GoString())
	case 'v':
		if f.Flag('#') {
			io.WriteString(f, s.GoString())
			return
		}
		fallthrough
	default:
		io.WriteString(f, s.String())
	}
}

// LogValue redacts the Secret in log/slog output.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText encodes the redacted form.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON encodes the redacted form as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

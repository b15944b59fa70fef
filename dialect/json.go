package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/connectorauth/connectorauth/internal/words"
)

// The plain types have the fields and not the methods, so encoding/json decodes
// the fields.
type (
	plainOAuth2        OAuth2
	plainRegions       Regions
	plainTokenExchange TokenExchange
	plainRejection     Rejection
	plainPlacement     Placement
	plainResponse      Response
)

// UnmarshalJSON reads the JSON form and refuses unknown members. What is read
// replaces all of d.
func (d *OAuth2) UnmarshalJSON(text []byte) error { return strict(text, (*plainOAuth2)(d)) }

// UnmarshalJSON reads the JSON form and refuses unknown members. What is read
// replaces all of r.
func (r *Regions) UnmarshalJSON(text []byte) error { return strict(text, (*plainRegions)(r)) }

// UnmarshalJSON reads the JSON form and refuses unknown members. What is read
// replaces all of e.
func (e *TokenExchange) UnmarshalJSON(text []byte) error {
	return strict(text, (*plainTokenExchange)(e))
}

// UnmarshalJSON reads the JSON form and refuses unknown members. What is read
// replaces all of r.
func (r *Rejection) UnmarshalJSON(text []byte) error { return strict(text, (*plainRejection)(r)) }

// UnmarshalJSON reads the JSON form and refuses unknown members. What is read
// replaces all of p.
func (p *Placement) UnmarshalJSON(text []byte) error { return strict(text, (*plainPlacement)(p)) }

// withLifetime is the JSON form of a Response.
type withLifetime struct {
	*plainResponse
	Lifetime *string `json:"lifetime,omitempty"`
}

// MarshalJSON writes the JSON form, with Lifetime as text.
func (r Response) MarshalJSON() ([]byte, error) {
	w := withLifetime{plainResponse: (*plainResponse)(&r)}
	if r.Lifetime != 0 {
		text := r.Lifetime.String()
		w.Lifetime = &text
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads the JSON form and refuses unknown members. What is read
// replaces all of r.
func (r *Response) UnmarshalJSON(text []byte) error {
	var read plainResponse
	w := withLifetime{plainResponse: &read}
	if err := decode(text, &w); err != nil {
		return err
	}
	if w.Lifetime != nil {
		lifetime, err := time.ParseDuration(*w.Lifetime)
		if err != nil || lifetime <= 0 {
			return errors.New("lifetime: want a positive duration such as 1h30m")
		}
		read.Lifetime = lifetime
	}
	*r = Response(read)
	return nil
}

// strict replaces the struct at to by what text has. After an error, the struct is
// as it was.
func strict[T any](text []byte, to *T) error {
	var read T
	if err := decode(text, &read); err != nil {
		return err
	}
	*to = read
	return nil
}

// decode reads an object into the struct at to and refuses unknown members. The
// names of members are case-sensitive, as in every other reader of JSON.
func decode(text []byte, to any) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	known := memberNames(reflect.TypeOf(to).Elem())
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains(known, name) {
			hint := ""
			if near := words.Nearest(name, known); near != "" {
				hint = fmt.Sprintf("; did you mean %s?", near)
			}
			return fmt.Errorf("dialect: unknown field %q%s", name, hint)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	return dec.Decode(to)
}

// memberNames lists the names of a struct's members in JSON.
func memberNames(t reflect.Type) (names []string) {
	for _, field := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

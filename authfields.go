package connectorauth

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/inject"
)

// FieldType says how a field's value is asked for and how it is spelled in JSON.
type FieldType int

// The field types. FieldText is the zero FieldType.
const (
	FieldText     FieldType = iota // a string
	FieldPassword                  // a string not to be shown while it is typed
	FieldInteger                   // digits, with a minus sign perhaps; a JSON number
	FieldNumber                    // a number as JSON writes it
	FieldBoolean                   // true or false
)

// BodyFormat is the format of a request's body.
type BodyFormat int

// The body formats. BodyAuto is the zero BodyFormat.
const (
	BodyAuto      BodyFormat = iota // as the request's Content-Type says; a form if there is no body
	BodyJSON                        // application/json and the like, an object
	BodyForm                        // application/x-www-form-urlencoded
	BodyMultipart                   // multipart/form-data
	BodyXML                         // application/xml, text/xml and the like
)

// An AuthField is one credential that an API wants inside its messages.
type AuthField struct {
	// Name is the label under which the account owner knows the field, such as
	// "Account number". It is not sent. Empty means Key.
	Name string
	// Key is where the value goes; required. In forms and multipart it is the
	// name. In JSON and XML, "token" is a member of the top-level object or
	// element, "auth.token" one of auth (created if absent), and a key that begins
	// with a slash is a JSON Pointer (RFC 6901): "/auth.token" is a member with a
	// dot in its name.
	Key string
	// Type says how Value is spelled; empty means FieldText.
	Type FieldType
	// Value is what is sent. It may be empty for FieldText and FieldPassword.
	Value Secret
}

// AuthFieldsConfig holds the fields and says which bodies they go into.
type AuthFieldsConfig struct {
	// Fields are what to put in; at least one.
	Fields []AuthField
	// Body is the format of the bodies; empty means that each request's
	// Content-Type tells. A request of another format is refused.
	Body BodyFormat
	// Methods are the HTTP methods whose requests carry the fields; empty means
	// POST, PUT and PATCH. A request with another method is refused, unless a
	// redirect made it so and took its body away (RFC 9110 section 15.4.4).
	Methods []string
	// MaxBody limits the bodies that have to be held in memory, in bytes;
	// 0 means 16 MiB.
	MaxBody int64
	// Hosts are the places that may see the fields: see [APIKeyConfig].
	Hosts []string
}

// AuthFields is the [Connector] of services that want credentials inside the
// body of each message.
type AuthFields struct {
	*guarded
	fields []AuthField // without values
}

// NewAuthFields returns a connector that puts fields into the body of each
// request, in place of any that the body already has, all other bytes untouched:
//
//   - JSON must be an object. A field is replaced where it stands, or comes last.
//   - In a form, the fields come last.
//   - In multipart, which is streamed and never held in memory, each field is a
//     part of its own, before the others. A later part of the same name makes the
//     request fail, because its announced length has no room for leaving it out.
//   - In XML, a field is an element below the root, or at the path in Key.
//   - A request without a body gets one, in the format of Body or a form.
//
// A body that cannot carry the fields is refused with [ErrBodyNotInjectable]:
// one of another format, without a Content-Type, with a Content-Encoding, or
// with a digest that would no longer match. Nothing is sent then.
func NewAuthFields(config AuthFieldsConfig) (*AuthFields, error) {
	c, err := newAuthFields(config)
	if err := configError("AuthFieldsConfig", err); err != nil {
		return nil, err
	}
	return c, nil
}

func newAuthFields(config AuthFieldsConfig) (*AuthFields, error) {
	form := slices.Clone(config.Fields)
	fields := make([]inject.Field, len(form))
	for i, f := range config.Fields {
		kind, err := f.Type.kind()
		if err != nil {
			return nil, fmt.Errorf("Fields: %q: %w", f.Key, err)
		}
		fields[i] = inject.Field{Key: f.Key, Value: string(f.Value), Kind: kind}
		form[i].Value = ""
		if f.Name == "" {
			form[i].Name = f.Key
		}
	}
	body, err := inject.NewFields(fields, inject.Format(config.Body), config.MaxBody)
	if err != nil {
		return nil, fmt.Errorf("Fields, Body, MaxBody: %w", err)
	}
	methods := defaultBodyMethods
	if len(config.Methods) > 0 {
		methods = slices.Clone(config.Methods)
	}
	for _, method := range methods {
		if !isToken(method) || method == http.MethodHead || method == http.MethodTrace || method == http.MethodConnect {
			return nil, fmt.Errorf("Methods: %q is not a method whose requests have bodies", method)
		}
	}
	g, err := newGuarded(&bodyFields{body, methods}, "", config.Hosts)
	if err != nil {
		return nil, err
	}
	return &AuthFields{g, form}, nil
}

// kind translates t for the inject package.
func (t FieldType) kind() (inject.Kind, error) {
	switch t {
	case FieldText, FieldPassword:
		return inject.Text, nil
	case FieldInteger:
		return inject.Integer, nil
	case FieldNumber:
		return inject.Number, nil
	case FieldBoolean:
		return inject.Boolean, nil
	}
	return 0, fmt.Errorf("unknown Type %d", t)
}

// AuthType returns AuthTypeAuthFields.
func (*AuthFields) AuthType() AuthType { return AuthTypeAuthFields }

// Fields lists the connector's fields without their values, as for a form that
// asks the account owner for them again.
func (c *AuthFields) Fields() []AuthField { return slices.Clone(c.fields) }

// defaultBodyMethods are those whose requests usually have a body.
var defaultBodyMethods = []string{http.MethodPost, http.MethodPut, http.MethodPatch}

// bodyFields is the scheme of credentials that go into bodies.
type bodyFields struct {
	fields  *inject.Fields
	methods []string
}

func (b *bodyFields) authenticate(req *http.Request) (sent any, err error) {
	if slices.Contains(b.methods, req.Method) {
		return nil, b.fields.Apply(req)
	}
	if hasBody := req.Body != nil && req.Body != http.NoBody; !hasBody && req.Response != nil {
		return nil, nil // a redirect has turned a message into a plain GET
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	return nil, fmt.Errorf("%w: a %s request is none of %s, whose bodies carry the credentials", ErrBodyNotInjectable, method, strings.Join(b.methods, ", "))
}

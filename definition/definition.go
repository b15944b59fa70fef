package definition

import (
	"slices"
	"time"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/template"
)

// A Definition is what a service wants of every account. Parse returns definitions. A
// Definition must not be modified, and is safe for concurrent use.
type Definition struct {
	// Schema is where editors find the format as JSON Schema. Nothing reads the URL. Empty
	// means none.
	Schema string `json:"$schema"`
	// Version is the version of the format: 1. Required.
	Version int `json:"connectorauth"`
	// Name names the definition for programs: lower-case letters, digits, '-' and '_'.
	// Required.
	Name string
	// Was are former names. Empty means none.
	Was []string
	// Revision counts the definitions of the service: a whole number from 1. Raise the
	// number, and keep the old definition in a file of its own, where accounts of before
	// must stay as they are. Empty means 1.
	Revision int
	// Title names the service for people. Empty means Name.
	Title string
	// Links lead to documentation. Empty means none.
	Links []Link
	// Inputs are the inputs of all methods. Empty means none.
	Inputs []Input
	// BaseURL is the template of the URL of the API. Required, unless each method has a
	// BaseURL.
	BaseURL string
	// BaseURLs are further base URLs by name, such as upload. Empty means none.
	BaseURLs map[string]string `json:"baseUrls"`
	// Headers are the templates of headers that go along with each request to the API, by
	// name. A header whose value comes out empty is left out. Empty means none.
	Headers map[string]string
	// Params are the templates of query parameters that go along with each request to the
	// API, by name. A parameter whose value comes out empty is left out. Empty means none.
	Params map[string]string
	// Methods are the ways to authenticate, of which an account has one. At least one.
	Methods []Method
	// Test is a request that shows whether an account works. Empty means none.
	Test *Test

	anyHost bool          // the program allows AnyHost
	guard   *guard        // of inputs with AnyHost; nil without any
	body    template.JSON // of Test
	texts   map[string]template.Template
	urls    map[string]*urlTemplate
}

// A Link leads to documentation.
type Link struct {
	Title string // Empty means URL.
	URL   string // Required; https.
}

// A Test is a request that shows whether an account works, and whose account it is.
type Test struct {
	// Request is the HTTP method, a space, and a path that is added to the base URL, such
	// as "GET /me". The path is a template, and may have a query. An input of methods counts
	// if all methods have the input. Required.
	Request string
	// Body is the body of the request as JSON, such as a query of GraphQL. Its texts are
	// templates, in which no secret stands. Empty means no body.
	Body any
	// Base is the name of one of the BaseURLs. Empty means BaseURL.
	Base string
	// OK are the statuses that mean that the account works. Empty means 200 to 299.
	OK []int
	// Rejections are responses that mean that the account does not work, whatever OK says, for
	// a service that says no with status 200. Empty means none.
	Rejections []dialect.Rejection
	// ID is the JSON Pointer (RFC 6901) of the account's identity in the response. Empty
	// means none.
	ID string
	// Label is the template of a text that names the account for people. Its values are
	// JSON Pointers: "{/email} ({/org/name})". Empty means none.
	Label string
}

// A Method is a way to authenticate.
type Method struct {
	// Name names the method for programs: see Definition. Stored accounts keep the name.
	// Required.
	Name string
	// Was are former names. Empty means none.
	Was []string
	// Title names the method for people. Empty means Name.
	Title string
	// Default: programs offer this method first. One method at most.
	Default bool
	// Inputs are further inputs. Empty means none.
	Inputs []Input
	// BaseURL takes the place of Definition.BaseURL for accounts of this method. Empty
	// means Definition.BaseURL.
	BaseURL string
	// Credential is what requests carry.
	Credential
	// And are credentials that requests carry as well. Empty means none.
	And []Credential
	// RefreshLifetime is how long a refresh token of an OAuth2 lasts where responses do not
	// tell, and RefreshIdle how long without a use: Status of the connector then has a
	// ReauthBy. 0 means for ever.
	RefreshLifetime, RefreshIdle time.Duration
	// RenewBefore is how long before its expiry a token or session is renewed in the
	// background, at most a fifth of its lifetime, where Connection.RenewBefore is empty: days,
	// for tokens that only a token that is still valid can extend. 0 means 5 minutes.
	RenewBefore time.Duration
	// KeepAlive is how often the token or session of an account that nobody uses should be
	// renewed. KeepAlive is for programs, which call Renew: a connector renews nothing while
	// there are no requests. 0 means never.
	KeepAlive time.Duration
}

// Scopes returns the scopes of the method's first credential. Empty means none.
func (m *Method) Scopes() []Scope {
	switch scheme := m.Scheme.(type) {
	case *OAuth2:
		return scheme.Scopes
	case *Session:
		return scheme.Scopes
	}
	return nil
}

// find returns the method called name, or formerly called so. Empty means the default
// method, or the only one.
func (d *Definition) find(name string) *Method {
	for i := range d.Methods {
		if m := &d.Methods[i]; name != "" && m.Name == name || name == "" && (m.Default || len(d.Methods) == 1) {
			return m
		}
	}
	for i := range d.Methods {
		for _, was := range d.Methods[i].Was {
			if was == name {
				return &d.Methods[i]
			}
		}
	}
	return nil
}

// input returns the i-th of the inputs of a method.
func (d *Definition) input(m *Method, i int) *Input {
	if i < len(d.Inputs) {
		return &d.Inputs[i]
	}
	return &m.Inputs[i-len(d.Inputs)]
}

// inputs returns the inputs of a method, first those of the definition.
func (d *Definition) inputs(m *Method) []*Input {
	list := make([]*Input, 0, len(d.Inputs)+len(m.Inputs))
	for i := range d.Inputs {
		list = append(list, &d.Inputs[i])
	}
	for i := range m.Inputs {
		list = append(list, &m.Inputs[i])
	}
	return list
}

// hides reports whether a hidden input of some method has a name.
func (d *Definition) hides(name string) bool {
	return slices.ContainsFunc(d.Methods, func(m Method) bool {
		return slices.ContainsFunc(m.Inputs, func(i Input) bool { return i.Hidden && i.isCalled(name) })
	})
}

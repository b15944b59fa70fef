package definition

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

// A Kind is a kind of credential of another package, as a type of methods. A program
// passes Kinds in Options, and does not modify them afterwards.
type Kind struct {
	// Name is the type in documents: letters and digits, such as "Digest". No Scheme of
	// this package has the name. Required.
	Name string
	// Members are the members of such a method in documents. Each value is a template.
	Members []Member
	// Connect returns the connector of an account. texts has the filled templates by the
	// names of Members, with "" for a member that is absent. hosts are the Hosts of the
	// connector, and connection says the rest: Client, Scopes, Store, Account, Shared,
	// RenewBefore, HTTPClient and Observe. Connect makes no request, and is safe for concurrent
	// use. Required, unless there is a Consent.
	//
	// Parse and Ready call Connect too, with samples in texts: see Connection.Trial. Parse has
	// a sample of a Client and no Store, and lists the error as a mistake of the document. Ready
	// has what the program gives, also as values of hidden inputs, and a Store in memory and an
	// Account; the error is a *NotReadyError, because the program lacks something. So a trial must
	// not fail because of a sample. A nil Store alone is no trial: Validate has the values of an
	// account owner, and no Store.
	Connect func(texts map[string]connectorauth.Secret, hosts []string, connection Connection) (connectorauth.Connector, error)
	// Consent takes the place of Connect where a consent decides what the connector is, as at
	// a server that is found by its metadata. The arguments, and who calls, are as with
	// Connect. Further records in Store have keys that begin with Account and "#". Nil means
	// that Connect returns the connector.
	Consent func(texts map[string]connectorauth.Secret, hosts []string, connection Connection) (Consent, error)
	// Check asks the service whether an account works, and whose account it is, for a
	// definition without a Test. texts are as with Connect. send sends a request with the
	// account's credentials, and returns the response, or an error for Check to return: a
	// *CheckError if the status is none of 200 to 299. Check closes the body. A *CheckError of
	// Check's own has a Reason, and Definition is empty. Nil means that the definition has the
	// test.
	Check func(ctx context.Context, texts map[string]connectorauth.Secret, send func(*http.Request) (*http.Response, error)) (Identity, error)
}

// Trial reports whether Parse or Ready calls a Kind with samples, which no account owner has
// given: see [Kind]. The Connection of a program is no trial.
func (c Connection) Trial() bool { return c.trial }

// A Member is a member of a Kind in documents.
type Member struct {
	// Name is the name in documents: letters and digits, and none of the other members of a
	// method, such as inputs. Required.
	Name string
	// Required: a document that leaves the member out is a mistake.
	Required bool
	// Secret: no error, record or browser shows the text, so secrets may stand there.
	Secret bool
	// URL: the text is a URL, and where inputs may stand is as with all URLs: no value leads to
	// an origin that the definition does not declare. A URL is not Secret.
	URL bool
	// Client: the secret of Connection.Client may go to the URL, so Lint advises against a URL
	// that account owners choose.
	Client bool
	// Enum are the texts that are allowed. Empty means all texts.
	Enum []string
}

// Foreign is a credential of a Kind.
type Foreign struct {
	Members map[string]string // templates, by name

	kind *Kind
}

// Type is the name of the Kind, and the member type of the method.
func (s *Foreign) Type() string {
	if s.kind == nil {
		return ""
	}
	return s.kind.Name
}

// Consents reports whether the account owner must consent: see [Kind].
func (s *Foreign) Consents() bool { return s.kind != nil && s.kind.Consent != nil }

func (s *Foreign) check(c *checker, p *path) {
	for _, m := range s.kind.Members {
		text, given := s.Members[m.Name]
		at := p.member(m.Name)
		switch {
		case m.Required && text == "":
			c.add(at, "is missing")
		case given && len(m.Enum) > 0 && !slices.Contains(m.Enum, text):
			c.add(at, "%s is none of %s%s", shown(text), strings.Join(m.Enum, ", "), c.hint(text, m.Enum))
		case m.Secret:
			c.text(at, text)
		case m.URL:
			c.url(at, text)
		default:
			c.public(at, text)
		}
	}
}

func (s *Foreign) connector(b *builder) (connectorauth.Connector, error) {
	texts := make(map[string]connectorauth.Secret, len(s.kind.Members))
	var secrets []string
	for _, m := range s.kind.Members {
		if m.URL {
			texts[m.Name] = connectorauth.Secret(b.url(s.Members[m.Name]))
		} else {
			texts[m.Name] = b.secret(s.Members[m.Name])
		}
		if m.Secret {
			secrets = append(secrets, string(texts[m.Name]))
		}
	}
	connector, err := s.kind.connect(b, texts)
	if err == nil {
		return connector, nil
	}
	err = scrub.Withhold(err, scrub.Spellings(secrets...)...)
	if _, several := errors.Unwrap(err).(interface{ Unwrap() []error }); !several { // as of constructors
		err = fmt.Errorf("%s: %w", s.kind.Name, err)
	}
	return nil, err
}

// find returns the member called name, or nil.
func (k *Kind) find(name string) *Member {
	for i := range k.Members {
		if k.Members[i].Name == name {
			return &k.Members[i]
		}
	}
	return nil
}

// names lists the names of the members.
func (k *Kind) names() (list []string) {
	for _, m := range k.Members {
		list = append(list, m.Name)
	}
	return list
}

// checkKinds reports the mistakes of a program in its Kinds.
func checkKinds(kinds []Kind) error {
	for i, k := range kinds {
		switch {
		case !isWord(k.Name) || schemeOf(k.Name) != nil:
			return fmt.Errorf("definition: Options.Kinds[%d]: Name: %q is no name of letters and digits, or a type of package definition", i, k.Name)
		case slices.ContainsFunc(kinds[:i], func(other Kind) bool { return other.Name == k.Name }):
			return fmt.Errorf("definition: Options.Kinds[%d]: Name: %q is there twice", i, k.Name)
		case k.Connect == nil && k.Consent == nil:
			return fmt.Errorf("definition: Options.Kinds[%d]: Connect: is nil, and so is Consent", i)
		}
		for j, m := range k.Members {
			if !isWord(m.Name) || k.find(m.Name) != &k.Members[j] || reserved(m.Name) {
				return fmt.Errorf("definition: Options.Kinds[%d]: Members[%d]: Name: %q is no name of letters and digits, is there twice, or is a member of all methods", i, j, m.Name)
			}
			if m.URL && m.Secret || m.Client && !m.URL {
				return fmt.Errorf("definition: Options.Kinds[%d]: Members[%d]: a URL is not Secret, and Client is for a URL", i, j)
			}
		}
	}
	return nil
}

// reserved reports whether all methods, or all credentials in And, have a member.
func reserved(name string) bool {
	_, ofMethod := shapes()[reflect.TypeFor[Method]()].fields[name]
	_, ofCredential := shapes()[reflect.TypeFor[Credential]()].fields[name]
	return ofMethod || ofCredential
}

// isWord reports whether a name has letters and digits only.
func isWord(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9')
	})
}

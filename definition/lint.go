package definition

import (
	"errors"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/internal/template"
)

// Lint lists what a document may say, and should not: each Finding is an advice, and at
// most 100 come back. Nil means none. The error is that of Parse.
func Lint(file string, document []byte, options Options) ([]Finding, error) {
	d, r, err := parse(file, string(document), options)
	if err != nil {
		return nil, err
	}
	l := &linter{reader: r, d: d}
	l.definition()
	var found *Error
	if errors.As(r.err(), &found) {
		return found.Findings, nil
	}
	return nil, nil
}

// A linter lists what is doubtful in a definition without mistakes.
type linter struct {
	*reader
	d *Definition
	m *Method // whose credentials are looked at
}

func (l *linter) definition() {
	var root *path
	if l.d.Title == "" {
		l.add(root.member("title"), "is missing; people see the name")
	}
	switch {
	case l.d.Test == nil && slices.ContainsFunc(l.d.Methods, func(m Method) bool { return !m.checks() }):
		l.add(root.member("test"), "is missing; without a test request nobody can tell whether an account works")
	case l.d.Test != nil && l.d.Test.ID == "":
		l.add(root.member("test").member("id"), "is missing; without an identity nobody can tell whether a new consent is of the same account")
	}
	if l.d.Test != nil && l.d.Test.Label != "" && !strings.Contains(l.d.Test.Label, "{") {
		l.add(root.member("test").member("label"), "is the same text for every account; write a JSON Pointer in braces, such as {/user/name}")
	}
	l.plain(&l.root, nil, "")
	used := map[string]bool{}
	l.templates(&l.root, nil, used)
	l.inputs(root.member("inputs"), l.d.Inputs)
	l.unused(root.member("inputs"), l.d.Inputs, used)
	for i := range l.d.Methods {
		m, p := &l.d.Methods[i], root.member("methods").element(i)
		if l.m = m; m.Title == "" && len(l.d.Methods) > 1 {
			l.add(p.member("title"), "is missing; people choose a method by its title")
		}
		l.inputs(p.member("inputs"), m.Inputs)
		l.unused(p.member("inputs"), m.Inputs, used)
		l.credential(p, m.Credential)
		for j, and := range m.And {
			l.credential(p.member("and").element(j), and)
		}
		l.strangers(p)
	}
}

// plain lists the http URLs below n, which all lead to this machine.
func (l *linter) plain(n *node, p *path, name string) {
	if n.kind == text && strings.HasPrefix(n.text, "http://") && (name == "url" || name == "issuer" || strings.HasSuffix(name, "Url") || name == "baseUrls" || name == "origins") {
		l.addAt(int(n.at), p, "is plain http, which is for tests on one machine")
	}
	for i := range n.list {
		m := &n.list[i]
		inner := m.name
		if name == "baseUrls" || name == "origins" { // whose members are names
			inner = name
		}
		switch {
		case n.kind == array:
			l.plain(&m.value, p.element(i), name)
		case !strings.HasPrefix(m.name, "x-"):
			l.plain(&m.value, p.member(m.name), inner)
		}
	}
}

// secretName matches the last words of names whose values are secrets.
var secretName = lazy.Regexp(`(?i)(^|_)(password|passwd|passphrase|secret|token|api_?key)$|(Password|Passwd|Passphrase|Secret|Token|APIKey|ApiKey)$`)

// inputs looks at what people are asked for.
func (l *linter) inputs(p *path, list []Input) {
	for i := range list {
		input, at := &list[i], p.element(i)
		if input.AnyHost {
			l.add(at.member("anyHost"), "lets the account owner choose any host; give suffixes or an enum if the service has some")
		}
		isText := len(input.Enum) == 0 && (input.Format == "" || input.Format == FormatText || input.Format == FormatKey)
		if !input.Secret && isText && secretName().MatchString(input.Name) || input.Format == FormatKey && !input.Secret {
			l.add(at.member("name"), "looks like the name of a secret; say \"secret\": true, or choose another name")
		}
		if n := len(input.Pattern); n > 1 && input.Pattern[0] == '/' && input.Pattern[n-1] == '/' {
			l.add(at.member("pattern"), "has slashes around it, which the value must have too; leave them out")
		}
		if input.Hidden {
			continue
		}
		if input.Title == "" {
			l.add(at.member("title"), "is missing; people see the name of the input")
		}
		if input.Secret && input.Help == "" && len(l.d.Links) == 0 {
			l.add(at.member("help"), "is missing, and the definition has no links; say where people find the value")
		}
		isShaped := input.Pattern != "" || !isText
		if isShaped && !input.Secret && len(input.Enum) == 0 && input.Example == "" && input.Default == "" && !slices.Contains([]Format{FormatEmail, FormatInteger, FormatUUID}, input.Format) {
			l.add(at.member("example"), "is missing; the value has a shape that people should see")
		}
	}
}

// credential looks at one credential of the method.
func (l *linter) credential(p *path, c Credential) {
	switch s := c.Scheme.(type) {
	case *APIKey:
		if l.literal(p.member("key"), s.Key); len(l.m.And) == 0 { // or the secret is another one
			l.shown(p.member("key"), s.Key)
		}
		l.placed(p.member("placement"), s.Placement, l.hasSecret(s.Key))
	case *Basic:
		l.literal(p.member("password"), s.Username+s.Password)
		l.shown(p.member("password"), s.Password)
	case *OAuth1:
		l.secret(p.member("clientSecret"), s.ClientSecret)
		l.secret(p.member("tokenSecret"), s.TokenSecret)
		l.secret(p.member("private"), s.Private)
	case *OAuth2:
		l.oauth2(p, s)
	case *Session:
		if s.Auth != nil {
			l.credential(p.member("auth"), *s.Auth)
		}
		for i, place := range s.Places {
			l.placed(p.member("places").element(i), place.Placement, true)
		}
	case *JWT:
		l.key(p, &s.Assertion)
		l.placed(p.member("placement"), s.Placement, true)
	}
}

// tooMany is how many scopes a program asks for without having said so.
const tooMany = 5

func (l *linter) oauth2(p *path, s *OAuth2) {
	l.secret(p.member("clientSecret"), s.ClientSecret)
	if s.ClientAssertion != nil {
		l.key(p.member("clientAssertion"), s.ClientAssertion)
	}
	grant := p.member("grant")
	if code := s.Grant.AuthorizationCode; code != nil {
		if code.DisablePKCE {
			l.add(grant.member("authorizationCode").member("disablePkce"), "gives up the protection of RFC 7636; keep PKCE unless the provider refuses the parameters")
		}
	}
	if consents(s) && s.RevokeURL == "" && s.Issuer == nil {
		l.add(p.member("revokeUrl"), "is missing; Revoke forgets the token, and the provider is not told")
	}
	if password := s.Grant.PasswordCredentials; password != nil {
		l.add(grant.member("passwordCredentials"), "shows the account owner's password to the program, which RFC 9700 section 2.4 forbids; use another grant if the provider has one")
		l.secret(grant.member("passwordCredentials").member("password"), string(password.Password))
	}
	if s.Grant.JWTBearer != nil {
		l.key(grant.member("jwtBearer"), s.Grant.JWTBearer)
	}
	if len(s.Scopes) > tooMany && !slices.ContainsFunc(s.Scopes, func(scope Scope) bool { return scope.Default }) {
		l.add(p.member("scopes"), "are all asked for, because none is a default; say \"default\": true for those that every program needs")
	}
	l.placed(p.member("dialect").member("placement"), s.Dialect.Placement, true)
}

func (l *linter) key(p *path, s *Assertion) {
	l.secret(p.member("private"), s.Private)
	l.isKey(p.member("private"), s.Private)
	l.secret(p.member("secret"), s.Secret)
}

// secret lists what is wrong with a text that is a secret.
func (l *linter) secret(p *path, s string) {
	l.literal(p, s)
	l.shown(p, s)
}

// shown lists a secret whose inputs are none, so forms, merge fields and stored accounts
// show them.
func (l *linter) shown(p *path, s string) {
	names := l.d.texts[s].Names()
	isInput := func(i *Input) bool { return slices.Contains(names, i.Name) }
	if slices.ContainsFunc(l.d.inputs(l.m), isInput) && !l.hasSecret(s) {
		l.add(p, "has no secret among its inputs, and forms and stored accounts show the others; say \"secret\": true in the input")
	}
}

// literal lists a secret that is in the definition itself.
func (l *linter) literal(p *path, s string) {
	if t, err := template.Parse(s); err == nil && s != "" && len(t.Names()) == 0 {
		l.add(p, "is the same for all accounts, and everybody who reads the definition sees the text; use an input")
	}
}

// hasSecret reports whether a template has a secret of the method.
func (l *linter) hasSecret(s string) bool {
	t := l.d.texts[s]
	return slices.ContainsFunc(l.d.inputs(l.m), func(i *Input) bool { return i.Secret && slices.Contains(t.Names(), i.Name) })
}

// placed lists a secret in the query.
func (l *linter) placed(p *path, placement dialect.Placement, secret bool) {
	if placement.In == dialect.InQuery && secret {
		l.add(p, "puts a secret into URLs, which end up in logs; use a header if the service takes one")
	}
}

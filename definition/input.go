package definition

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/lazy"
	"github.com/connectorauth/connectorauth/internal/origin"
	"golang.org/x/net/publicsuffix"
)

// An Input is a value that the account owner or the program gives, once per account.
type Input struct {
	// Name names the input in templates: letters, digits and '_'. Required.
	Name string
	// Was are former names, under which stored accounts may have the value. Templates use
	// Name alone. Empty means none.
	Was []string
	// Title names the input for people. Empty means Name.
	Title string
	// Help is a text that says where to find the value. Example is a value for people to
	// see. Empty means none.
	Help, Example string
	// Secret: forms and programs must not show the value.
	Secret bool
	// Optional: the value may be absent. Default replaces an absent value. A Default makes
	// an input optional. A secret has no Default.
	Optional bool
	Default  string
	// Hidden: forms do not ask for the input. The program gives the value, or Default is
	// the value.
	Hidden bool
	// Prefix and Suffix are shown around the field of a form, and are no part of the value.
	Prefix, Suffix string
	Limits
}

// Limits say which values are allowed, and where a value may lead.
type Limits struct {
	// Format is the kind of the value. Empty means FormatText.
	Format Format
	// Pattern is a regular expression (RE2) for the whole value, of at most 500 bytes.
	// Repetitions count as often as they repeat, up to 2,000 in all. Empty means any value.
	Pattern string
	// Enum are the allowed values. A value may be a whole URL, for a template such as
	// "{site}/api". Empty means all values.
	Enum []Choice
	// Suffixes are how a host may end, such as ".example.com". Required for FormatHost,
	// FormatOrigin and FormatURL in a URL, unless Enum or AnyHost is given. A suffix is not a public
	// suffix of a registry, such as ".co.uk". Empty means none.
	Suffixes []string
	// AnyHost: the value may lead to any host of public addresses, as with products that
	// people host themselves. The program must allow AnyHost: see Options. All
	// requests of an account go through package egress alone if its method has such an
	// input: see Connection and Connected.Connector.
	AnyHost bool

	pattern *pattern
	origins bool // Enum has whole origins, or URLs below them
}

// A Choice is a value of an enum. In a document, a text is a Choice without a Title.
type Choice struct {
	Value string // Required.
	Title string // Empty means Value.
}

func (c *Choice) short(text string) { c.Value = text }

// Format is the kind of a value.
type Format string

// The formats.
const (
	FormatText    Format = "text"    // text without line breaks and other control characters
	FormatLabel   Format = "label"   // a label of a host: lower-case letters, digits and '-'
	FormatHost    Format = "host"    // the name of a host, such as www.example.com; no address, no port
	FormatOrigin  Format = "origin"  // https:// and a host, and perhaps a port
	FormatURL     Format = "url"     // https://, a host, and perhaps a port and a path
	FormatUUID    Format = "uuid"    // RFC 9562, with hyphens
	FormatEmail   Format = "email"   // an address of mail
	FormatInteger Format = "integer" // digits, with a minus sign if negative
	FormatKey     Format = "key"     // a private key, which may have line breaks: PEM, or a JSON Web Key
)

// A formatRule is a Format, and what a value of the Format must be.
type formatRule struct {
	format Format
	valid  func(string) bool // nil means that every text is valid
	words  string            // for the account owner: what is valid
}

var formatRules = []formatRule{
	{FormatText, nil, ""},
	{FormatLabel, isLabel, "use lower-case letters, digits and hyphens only, such as mycompany"},
	{FormatHost, isHostName, "give the name of a host, such as www.example.com, in lower case"},
	{FormatOrigin, isOrigin, "give an address such as https://www.example.com, in lower case, without a path"},
	{FormatURL, isURL, "give an address such as https://www.example.com/path, with the host in lower case, and without a question mark"},
	{FormatUUID, isMatch(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`), "give an ID such as 123e4567-e89b-12d3-a456-426614174000"},
	{FormatEmail, isMatch(`^[^\s@<>"]+@[^\s@<>"]+$`), "give an address such as ada@example.com"},
	{FormatInteger, isMatch(`^-?[0-9]{1,18}$`), "give a whole number"},
	{FormatKey, nil, ""},
}

// formats are the words of Format.
func formats() (words []string) {
	for _, rule := range formatRules {
		words = append(words, string(rule.format))
	}
	return words
}

// ruleOf returns the rule of a Format. An empty Format has no rule.
func ruleOf(format Format) (none formatRule) {
	for _, rule := range formatRules {
		if rule.format == format {
			return rule
		}
	}
	return none
}

// isMatch returns a function that reports whether a text matches expr.
func isMatch(expr string) func(string) bool {
	compiled := lazy.Regexp(expr)
	return func(s string) bool { return compiled().MatchString(s) }
}

// isLabel reports whether s is a label of a host, in lower case.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// isHostName reports whether s is the name of a host, in lower case, with two labels at
// least. The last label begins with a letter, so s is no address.
func isHostName(s string) bool {
	labels := 0
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
		labels++
		last = label
	}
	return labels > 1 && len(s) <= 253 && 'a' <= last[0] && last[0] <= 'z'
}

var port = lazy.Regexp(`:[1-9][0-9]{0,4}$`)

// isOrigin reports whether s is https, the name of a host, and perhaps a port.
func isOrigin(s string) bool {
	host, secure := strings.CutPrefix(s, "https://")
	end := port().FindString(host)
	if _, err := strconv.ParseUint(strings.TrimPrefix(end, ":"), 10, 16); end != "" && err != nil {
		return false
	}
	return secure && isHostName(strings.TrimSuffix(host, end))
}

// urlPath matches the path of a URL as the path goes out.
var urlPath = lazy.Regexp(`^(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*$`)

// isURL reports whether s is an origin, and perhaps a path.
func isURL(s string) bool {
	base := s
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if host, _, ok := strings.Cut(rest, "/"); ok {
			base = scheme + "://" + host
		}
	}
	u, err := url.Parse(s)
	return err == nil && isOrigin(base) && urlPath().MatchString(s[len(base):]) && !hasDots(u)
}

const maxValue = 64 << 10 // the length in bytes of the longest value

// check says what is wrong with a value, without the value.
func (l *Limits) check(value string) error {
	if len(value) > maxValue {
		return fmt.Errorf("is longer than %d bytes", maxValue)
	}
	text := check.Text
	if l.Format == FormatKey {
		text = check.Lines
	}
	if err := text(value); err != nil {
		return err
	}
	if len(l.Enum) > 0 {
		if !slices.ContainsFunc(l.Enum, func(c Choice) bool { return c.Value == value }) {
			return &limitError{InputNoChoice, "is none of the choices"}
		}
		return nil
	}
	rule := ruleOf(l.Format)
	isWrong, isOther := rule.valid != nil && !rule.valid(value), l.pattern != nil && !l.pattern.matches(value)
	switch {
	case (isWrong || isOther) && strings.TrimSpace(value) != value:
		return &limitError{InputSpace, "has a space at an end; remove the space"}
	case isWrong:
		return &limitError{InputFormat, rule.words}
	case isOther:
		return &limitError{InputPattern, "does not look as the service writes it"}
	}
	if l.Format == FormatHost || l.Format == FormatOrigin || l.Format == FormatURL {
		return l.checkHost(value)
	}
	return nil
}

// checkHost says what is wrong with the host of a value.
func (l *Limits) checkHost(value string) error {
	host := value
	if l.Format != FormatHost {
		u, err := origin.Endpoint(value)
		if err != nil {
			return err
		}
		host = u.Hostname()
	}
	if len(l.Suffixes) == 0 {
		return nil
	}
	var below string
	for _, suffix := range l.Suffixes {
		if strings.HasSuffix(host, suffix) && len(suffix) > len(below) {
			below = suffix
		}
	}
	if below == "" {
		return &limitError{InputHost, "must end in " + strings.Join(l.Suffixes, " or ")}
	}
	if public, _ := publicsuffix.PublicSuffix(host); len(public) > len(below)-len(".") && !isPublic(below) {
		return &limitError{InputHost, fmt.Sprintf("ends in .%s, where names belong to different owners", public)}
	}
	return nil
}

// of returns the value of the input among values by name. A former name counts where the
// name itself has none: a form shows no secret, so an empty one is absent too.
func (i *Input) of(values map[string]connectorauth.Secret) string {
	if value, ok := values[i.Name]; value != "" || ok && !i.Secret {
		return string(value)
	}
	for _, was := range i.Was {
		if value := values[was]; value != "" {
			return string(value)
		}
	}
	return ""
}

// isCalled reports whether name is the name of the input, or a former one.
func (i *Input) isCalled(name string) bool { return i.Name == name || slices.Contains(i.Was, name) }

// optional reports whether a value may be absent.
func (i *Input) optional() bool { return i.Optional || i.Default != "" }

// title names the input for people.
func (i *Input) title() string {
	if i.Title != "" {
		return i.Title
	}
	return i.Name
}

// isOrigin reports whether the value is a whole origin, or a URL below one.
func (l *Limits) isOrigin() bool {
	return len(l.Enum) == 0 && (l.Format == FormatOrigin || l.Format == FormatURL) || len(l.Enum) > 0 && l.origins
}

// isOrigin reports whether a choice is an origin that can be a Host, or a URL below one.
func (c *Choice) isOrigin() bool {
	u, err := origin.Endpoint(c.Value)
	if err != nil || strings.ContainsAny(c.Value, "{}") || u.RawQuery != "" || u.ForceQuery || strings.HasSuffix(c.Value, "/") || u.Path != "" && hasDots(u) {
		return false
	}
	_, err = origin.Parse([]string{withoutPath(c.Value)})
	return err == nil
}

func hasDots(u *url.URL) bool {
	return slices.ContainsFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "." || s == ".." })
}

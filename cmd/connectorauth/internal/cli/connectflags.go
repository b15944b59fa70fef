package cli

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/exit"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/local"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/show"
	"github.com/connectorauth/connectorauth/definition"
)

// accountName matches the names that accounts may have: those of package accounts that are no
// flag. A name of dots alone is no segment of a URL, which serve needs.
var accountName = regexp.MustCompile(`^\.*[A-Za-z0-9_:][A-Za-z0-9._:-]*$`)

// check returns what is wrong with the flags, before anybody is asked for a secret.
func (w *connecting) check(named bool) error {
	switch {
	case named && w.again != "":
		return errors.New("--name is for a new account: an account that is connected again keeps its name")
	case named && (len(w.name) > 100 || !accountName.MatchString(w.name)):
		return errors.New("--name: want at most 100 letters, digits and characters of -_.: with no hyphen in front")
	}
	for _, text := range w.allow {
		if !local.Allowed(text) {
			return fmt.Errorf("--allow: %q is no host, address or prefix: want such as wiki.example.com, 10.1.2.3 or 10.1.2.0/24", text)
		}
	}
	return w.checkRedirect()
}

// checkRedirect returns what is wrong with the redirect URL. An address that is no page of this
// machine is pasted by the person.
func (w *connecting) checkRedirect() error {
	if w.redirectURL == "" {
		return nil
	}
	u, err := url.Parse(w.redirectURL)
	if w.redirectURL != "oob" && (err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Path == "") {
		return errors.New("--redirect-url: want a URL such as http://127.0.0.1/callback, as your application is registered with")
	}
	if (err != nil || u.Scheme != "http") && w.terminal() == nil {
		return errors.New("--redirect-url: there is no terminal to paste what the browser shows: use a terminal, or a redirect URL such as http://127.0.0.1/callback")
	}
	return nil
}

// terminal returns the terminal in which the person can paste an address, or nil.
func (w *connecting) terminal() *os.File {
	if in, ok := w.app.In.(*os.File); ok && show.Terminal(in) {
		return in
	}
	return nil
}

// checkScopes returns why a method cannot ask for the scopes of the command line. The scopes of
// an MCP server are known to the server alone, and a template is known with the answers.
func (w *connecting) checkScopes(m *definition.Method) error {
	if len(w.scopes) == 0 || m.Type == "MCP" {
		return nil
	}
	var names []string
	for _, s := range m.Scopes() {
		if strings.Contains(s.Name, "{") {
			return nil
		}
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return exit.With(exit.Usage, fmt.Errorf("--scopes: the method %s asks for no scopes", m.Name))
	}
	for _, name := range w.scopes {
		if !slices.Contains(names, name) {
			return exit.With(exit.Usage, fmt.Errorf("--scopes: the method %s has no scope %q; its scopes are %s", m.Name, name, strings.Join(names, ", ")))
		}
	}
	return nil
}

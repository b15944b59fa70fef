package pending

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/origin"
)

// OutOfBand reports whether a provider shows the code of an OAuth2 consent on a page
// of its own, for the account owner to copy, instead of sending the browser to
// redirectURL.
func OutOfBand(redirectURL string) bool {
	return redirectURL == "urn:ietf:wg:oauth:2.0:oob" || redirectURL == "urn:ietf:wg:oauth:2.0:oob:auto"
}

// Native reports whether redirectURL is for a program without a web page: out of
// band, or with a private-use scheme (RFC 8252 section 7.1). No scheme that a browser
// runs or opens by itself has a dot. A host and port without a scheme, such as
// app.example.com:8443/callback, is none.
func Native(redirectURL string) bool {
	u, err := url.Parse(redirectURL)
	if err != nil || OutOfBand(redirectURL) {
		return err == nil
	}
	labels := strings.Split(u.Scheme, ".")
	return len(labels) > 1 && !slices.Contains(labels, "") && u.User == nil && u.Host+u.Path != "" &&
		!strings.Contains(redirectURL, "#")
}

// CheckRedirect reports whether a provider may send the browser to raw, a web page.
func CheckRedirect(raw string) error {
	if _, err := origin.Endpoint(raw); err != nil {
		return fmt.Errorf("connectorauth: redirectURL: %w", err)
	}
	return nil
}

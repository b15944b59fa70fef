package discovery

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/internal/challenge"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/scrub"
)

const (
	serverPlace   = "/.well-known/oauth-authorization-server"
	openIDPlace   = "/.well-known/openid-configuration"
	resourcePlace = "/.well-known/oauth-protected-resource"
)

// serverPlaces returns where the metadata of an issuer may be, in order.
func serverPlaces(issuer string) ([]string, error) {
	u, err := parseIssuer(issuer)
	if err != nil {
		return nil, fmt.Errorf("connectorauth: discovery: issuer: %w", err)
	}
	at, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	places := []string{at + serverPlace + path, at + openIDPlace + path}
	if path != "" {
		places = append(places, at+path+openIDPlace)
	}
	return places, nil
}

// maxIssuer is the length of the longest issuer identifier, in bytes.
const maxIssuer = 2048

// parseIssuer reads an issuer identifier (RFC 8414 section 2).
func parseIssuer(issuer string) (*url.URL, error) {
	u, err := parse(issuer)
	switch {
	case err != nil:
	case u.RawQuery != "" || u.ForceQuery:
		err = errors.New("an issuer identifier has no query (RFC 8414 section 2)")
	case len(issuer) > maxIssuer:
		err = fmt.Errorf("an issuer identifier is no longer than %d bytes", maxIssuer)
	}
	return u, err
}

// parse reads the URL of an issuer or of an API.
func parse(raw string) (*url.URL, error) {
	u, err := origin.Endpoint(raw)
	if err != nil {
		return nil, err
	}
	if hasDots(u) {
		return nil, errDots
	}
	return u, nil
}

var errDots = errors.New(`the path has a segment "." or ".."`)

// hasDots reports whether a path has segments that lead elsewhere.
func hasDots(u *url.URL) bool {
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// resourcePlaces returns where the metadata of an API may be, in order. told means that
// resp says where.
func resourcePlaces(resource string, resp *http.Response) (places []string, told bool, err error) {
	u, err := parse(resource)
	if err != nil {
		return nil, false, fmt.Errorf("connectorauth: discovery: resource: %w", err)
	}
	if resp != nil {
		if from := resp.Request; from != nil && from.URL != nil && !origin.Same(from.URL, u) {
			return nil, false, fmt.Errorf("connectorauth: discovery: a redirect has led to %s, whose challenge is none of the resource", scrub.Text(from.URL.Scheme+"://"+from.URL.Host, 200))
		}
		if place := challenge.Param(resp.Header, "resource_metadata"); place != "" {
			if err := checkEndpoint(u, place); err != nil {
				return nil, false, fmt.Errorf("connectorauth: discovery: resource_metadata: %w", err)
			}
			return []string{place}, true, nil
		}
	}
	root := u.Scheme + "://" + u.Host + resourcePlace
	place := root + strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		place += "?" + u.RawQuery
	}
	if place == root {
		return []string{root}, false, nil
	}
	return []string{place, root}, false, nil
}

// checkEndpoint checks a URL that a server at from names. Only a server on loopback may lead
// to loopback.
func checkEndpoint(from *url.URL, raw string) error {
	u, err := origin.Endpoint(raw)
	if err == nil && loopback(u) && !loopback(from) {
		err = errors.New("leads to loopback, and the server that says so is elsewhere")
	}
	return err
}

// loopback reports whether a URL leads to this machine, by its name.
func loopback(u *url.URL) bool { return origin.Loopback(u.Hostname()) }

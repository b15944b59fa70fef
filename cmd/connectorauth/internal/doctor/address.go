package doctor

import (
	"net"
	"net/url"
	"strings"
)

// hostPort returns the host and the port of a URL.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// originOf returns the scheme and the host of a URL, or the text "[unreadable]". A path may
// carry a token.
func originOf(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "[unreadable]"
	case u.Host == "":
		return "[same origin]"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

// withoutValues returns a URL without user, fragment and the values of the query.
func withoutValues(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	text := shown.String()
	var names []string
	for _, pair := range strings.Split(u.RawQuery, "&") {
		name, _, is := strings.Cut(pair, "=")
		switch {
		case is:
			names = append(names, name+"=[redacted]")
		case pair != "":
			names = append(names, "[redacted]")
		}
	}
	if len(names) > 0 {
		text += "?" + strings.Join(names, "&")
	}
	return text
}

// another reports whether a redirect leads to another origin. from is where the response came
// from.
func another(from *url.URL, location string) (to *url.URL, is bool) {
	to, err := from.Parse(location)
	if location == "" || err != nil {
		return nil, false
	}
	return to, to.Scheme != from.Scheme || !strings.EqualFold(hostPort(to), hostPort(from))
}

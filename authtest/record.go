package authtest

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	keepRequests = 100     // requests kept for each endpoint
	keepBody     = 1 << 20 // bytes kept of each body
)

// A Request is one request as it arrived. It is shared: do not change what it
// points to.
type Request struct {
	Time   time.Time
	Method string
	Host   string
	URL    *url.URL // path and query, as in the request line
	Header http.Header
	Body   []byte // at most 1 MiB of it

	number int
}

// Stats counts what a provider has seen and done since it started.
type Stats struct {
	TokenRequests  int            // requests that arrived at TokenURL, whatever became of them
	Issued         map[string]int // OAuth2 access tokens issued, by grant_type; "refresh_token" counts refreshes
	ReuseDetected  int            // codes and refresh tokens that came a second time
	RevokedGrants  int            // OAuth2 grants ended, with their whole family of tokens
	RequestTokens  int            // OAuth1 temporary credentials issued
	AccessTokens   int            // OAuth1 token credentials issued by AccessTokenURL
	Consents       int            // times the account owner pressed Allow
	Denials        int            // times the account owner pressed Deny
	APIAccepted    int            // API requests answered with success
	APIRefused     int            // API requests refused
	FaultsInjected int            // requests that met a fault, those injected Always not counted
}

// Stats returns the counts so far.
func (p *Provider) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := p.stats
	stats.Issued = maps.Clone(stats.Issued)
	return stats
}

// Requests returns the requests that arrived at an endpoint, given by its URL,
// in order of arrival. An empty endpoint means all of them, unknown paths
// included. The latest 100 of each endpoint are kept.
func (p *Provider) Requests(endpoint string) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	if endpoint != "" {
		return slices.Clone(p.requests[p.routeOf(endpoint)])
	}
	var all []Request
	for _, list := range p.requests {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b Request) int { return a.number - b.number })
	return all
}

// routeOf returns the route that a URL of the provider leads to. The URL comes
// from the test, so a wrong one is a mistake in the program.
func (p *Provider) routeOf(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err == nil {
		if route, _ := p.find(u.Path); route != "" {
			return route
		}
	}
	panic("authtest: this provider has no such endpoint: use a URL field of the Provider")
}

func (p *Provider) record(route string, r *http.Request, body []byte) {
	u := *r.URL
	request := Request{
		Time: time.Now(), Method: r.Method, Host: r.Host, URL: &u,
		Header: r.Header.Clone(), Body: body[:min(len(body), keepBody)],
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen++
	request.number = p.seen
	if route == tokenPath {
		p.stats.TokenRequests++
	}
	list := append(p.requests[route], request)
	p.requests[route] = list[max(0, len(list)-keepRequests):]
}

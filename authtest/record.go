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

// A Request is a request as received. Callers share the Header, URL and Body:
// do not change them.
type Request struct {
	Time   time.Time
	Method string
	Host   string
	URL    *url.URL // path and query, as in the request line
	Header http.Header
	Body   []byte // at most the first 1 MiB

	number int
}

// Stats counts what a provider has received and done since the start.
type Stats struct {
	TokenRequests   int            // requests to TokenURL, successful or not
	Issued          map[string]int // OAuth2 access tokens issued, by grant_type; "refresh_token" is for refreshes
	ReuseDetected   int            // codes and refresh tokens that were used again
	RevokedGrants   int            // OAuth2 grants revoked, with all their tokens
	Proofs          int            // proofs of DPoP accepted
	NoncesDemanded  int            // proofs of DPoP that lacked the nonce
	RequestTokens   int            // OAuth1 temporary credentials issued
	AccessTokens    int            // OAuth1 token credentials issued by AccessTokenURL
	Registrations   int            // applications that have registered themselves
	Consents        int            // how often the account owner pressed Allow
	Denials         int            // how often the account owner pressed Deny
	Logins          int            // sessions that a login has begun
	LoginsRefused   int            // logins with wrong credentials, or while the account was locked
	SessionRenewals int            // sessions replaced at SessionRenewURL
	Logouts         int            // sessions ended at LogoutURL
	APIAccepted     int            // API requests accepted
	APIRefused      int            // API requests refused
	FaultsInjected  int            // requests with injected faults; Always does not count
}

// Stats returns the counts so far.
func (p *Provider) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := p.stats
	stats.Issued = maps.Clone(stats.Issued)
	return stats
}

// Requests returns the requests to an endpoint, given by the endpoint's URL, in
// order of arrival. An empty endpoint means all endpoints, and unknown paths too.
// The provider keeps the latest 100 requests to each endpoint.
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

// routeOf returns the route of an endpoint's URL. The URL comes from a test, so
// an unknown URL is a mistake in the test: routeOf panics.
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

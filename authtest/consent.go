package authtest

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
)

type decision int

const (
	undecided decision = iota // the person sees a page and has not decided yet
	allowed
	denied
)

// consent asks the account owner for a decision, with a form that posts to the
// same URL, and returns who has allowed access. The form is filled in with what the first
// account owner of the tenant types, who only has to press Allow.
func (p *Provider) consent(w http.ResponseWriter, r *http.Request, scope string) (decision, *Owner) {
	form := page{Form: true, Client: p.ClientID, Scope: scope}
	for _, o := range p.config.Owners {
		if !p.elsewhere(r, o.Username) {
			form.Username, form.Password = o.Username, o.Password
			break
		}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		writePage(w, http.StatusOK, form)
		return undecided, nil
	case http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		writePage(w, http.StatusMethodNotAllowed, page{Error: "Use GET or POST."})
		return undecided, nil
	}
	posted, _ := url.ParseQuery(string(bodyOf(r)))
	owner := p.owners.signIn(posted.Get("username"), posted.Get("password"))
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case posted.Get("decision") == "deny":
		p.stats.Denials++
		return denied, nil
	case posted.Get("decision") != "allow":
		form.Error = "Press Allow or Deny."
	case owner == nil || p.elsewhere(r, owner.Username):
		form.Error = "The user name or password is wrong."
	default:
		p.stats.Consents++
		return allowed, owner
	}
	writePage(w, http.StatusUnprocessableEntity, form)
	return undecided, nil
}

// Authorize takes the part of the account owner and the account owner's
// browser. Authorize opens an authorization URL of OAuth2 or OAuth1, signs in,
// presses Allow, and returns the callback URL to which the provider redirects.
// Authorize does not call the callback.
//
// A callback with an error for the application is returned like any other
// callback. Authorize returns an error if the provider shows an error page to
// the person. For an OAuth1 "oob" callback, the URL is
// oob:?oauth_token=…&oauth_verifier=… For an out-of-band redirect URI of OAuth2, the
// URL is the redirect URI with the code of the page, and with the state, which a person
// does not see.
func (p *Provider) Authorize(authURL string) (callback *url.URL, err error) {
	return p.browse(authURL, p.Username, "allow")
}

// AuthorizeAs does the same as [Provider.Authorize], and signs in as another account
// owner.
func (p *Provider) AuthorizeAs(username, authURL string) (callback *url.URL, err error) {
	return p.browse(authURL, username, "allow")
}

// Deny does the same as [Provider.Authorize], but presses Deny.
func (p *Provider) Deny(authURL string) (callback *url.URL, err error) {
	return p.browse(authURL, p.Username, "deny")
}

func (p *Provider) browse(authURL, username, decision string) (*url.URL, error) {
	owner := p.mustOwner(username)
	u, err := url.Parse(authURL)
	if err != nil || !p.ours(u) {
		return nil, errors.New("authtest: the authorization URL does not lead to this provider")
	}
	browser := p.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := browser.Get(authURL)
	if err == nil && resp.StatusCode == http.StatusOK {
		resp.Body.Close()
		resp, err = browser.PostForm(authURL, url.Values{
			"username": {owner.Username}, "password": {owner.Password}, "decision": {decision},
		})
	}
	if err != nil {
		return nil, fmt.Errorf("authtest: cannot reach the authorization page: %w", errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if callback, err := resp.Location(); err == nil {
		return callback, nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("authtest: cannot read the authorization page: %w", err)
	}
	if verifier := elementText(body, "verifier"); verifier != "" {
		q := url.Values{"oauth_token": {u.Query().Get("oauth_token")}, "oauth_verifier": {verifier}}
		return &url.URL{Scheme: "oob", RawQuery: q.Encode()}, nil
	}
	if elementText(body, "allowed") != "" { // without a verifier
		return &url.URL{Scheme: "oob", RawQuery: url.Values{"oauth_token": u.Query()["oauth_token"]}.Encode()}, nil
	}
	return nil, fmt.Errorf("authtest: the authorization page says: %d %s", resp.StatusCode, elementText(body, "error"))
}

// elementText returns the text of the element with the given id, in a page of
// the provider.
func elementText(page []byte, id string) string {
	_, rest, _ := strings.Cut(string(page), `id="`+id+`"`)
	_, rest, _ = strings.Cut(rest, ">")
	text, _, _ := strings.Cut(rest, "<")
	return html.UnescapeString(text)
}

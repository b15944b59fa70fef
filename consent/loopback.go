package consent

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/pending"
	"github.com/connectorauth/connectorauth/internal/ports"
)

// LoopbackOptions are the options of [Loopback]. The zero value is ready to use.
type LoopbackOptions struct {
	// RedirectURL is the redirect URL as the program's owner registered it at the
	// provider, byte for byte. Empty means http://127.0.0.1/callback.
	//
	// With http and a loopback host, such as 127.0.0.1, [::1] or localhost, Loopback
	// receives the callback itself, at the URL's port and path. Port 0, or no port, means
	// any free port (RFC 8252 section 7.3). The name localhost, and each name below
	// localhost, means 127.0.0.1 and ::1, and never another machine. Prefer an address
	// where the provider allows one: another program may have the port of the other
	// address (RFC 8252 section 8.3).
	//
	// With every other URL the person pastes what the browser shows, so In is required:
	//   - "urn:ietf:wg:oauth:2.0:oob", or "oob" for OAuth1: the provider shows a code, or
	//     nothing with OAuth1Config.NoVerifier: then the person pastes any word after the
	//     consent;
	//   - https: a page of the provider shows a code, or "code#state";
	//   - a private-use scheme such as com.example.app:/callback (RFC 8252 section 7.1):
	//     the browser shows an address that it cannot open.
	RedirectURL string
	// Open opens a URL in the person's browser. Nil means the system's default
	// browser. If Open fails, the person can open the printed URL. Loopback calls Open
	// in a goroutine, and does not wait for an Open that returns only when the person
	// closes the browser.
	Open func(url string) error
	// Out receives the URL and the instructions for the person, in English. Nil means
	// os.Stderr.
	Out io.Writer
	// In is a terminal for a person whose browser runs on another machine, as with
	// ssh. The browser there ends on an address that it cannot open, and the person
	// pastes the address into In. Nil means no terminal.
	//
	// The address may be wrapped, quoted, or escaped for HTML or for a URL. Loopback
	// reads what was pasted one second after the last line. What is neither a code nor
	// an address of this consent, or only a part of the address, may be pasted again. A
	// code that the provider refuses ends the consent.
	//
	// A goroutine reads In. At the end, Loopback stops the goroutine with
	// In.SetReadDeadline. If In has no deadlines, the goroutine ends with the next
	// line or with the end of In.
	In io.Reader
	// Service is the display name of the connector's service for the page, such as
	// "Google Calendar". Empty means that the page names no service.
	Service string
	// Pages says how the page looks and which languages the page speaks.
	Pages Pages
}

// Loopback runs the consent of a command-line program (RFC 8252). Loopback opens
// the browser, waits for the callback on a loopback port or in LoopbackOptions.In,
// finishes the flow and closes the port. Loopback gives up after ten minutes, or after
// the ConsentLifetime of the connector. The error is an [*Error], the error of ctx if
// ctx ends first, a network error if the port cannot be opened, or an error that names
// all mistakes in options.
//
// # Several authorization servers
//
// A program that connects accounts of several authorization servers should give each
// one a path of its own, such as http://127.0.0.1/callback/google, and register the
// whole URL there. Otherwise a hostile server can send the browser on to an honest
// one, and receive the honest server's code (RFC 9700 section 4.4). A path that is new
// for each consent is no help: providers compare the path with the registered one, and
// the hostile server knows the path of its own consent. Where a server sends iss,
// AuthorizationCode.Issuer protects as well.
//
// # Codes without a state
//
// A pasted address must have the state of this consent. A code that is pasted alone
// cannot prove whose consent the code is from: somebody may have talked the person
// into pasting a stranger's code. PKCE then protects, because the provider refuses a
// code of another consent (RFC 9700 section 2.1.1). So Loopback takes a code alone only
// where no browser can bring an address, and with OAuth2 only with PKCE and without an
// Issuer, because a code alone has no iss. With OAuth1 the temporary credentials do the
// same as PKCE (RFC 5849 section 2.3).
//
// # Who can reach the port
//
// Every program on the machine, and every page in the browser, can reach the port.
// Loopback refuses callbacks with another state, and goes on waiting. Some providers
// refuse without a state. Such a refusal ends the consent, and nothing in the refusal
// is trusted: a page that a person opens meanwhile, and that finds the port, can end a
// consent, but cannot connect an account. What a page loads in the background ends
// nothing.
func Loopback(ctx context.Context, flow Flow, options LoopbackOptions) error {
	var problems check.List
	look, err := options.Pages.check()
	problems.Field("LoopbackOptions.Pages", err)
	port, err := loopbackURL(options.RedirectURL)
	problems.Field("LoopbackOptions.RedirectURL", err)
	if pending.OutOfBand(options.RedirectURL) && issuerOf(flow) != "" {
		problems.Add("LoopbackOptions.RedirectURL: the provider shows a code, and a code has no iss, so the connector's Issuer refuses every code; remove the Issuer, or use another redirect URL")
	}
	if err == nil && port == nil && options.In == nil {
		problems.Add("LoopbackOptions.In: is nil, and a browser cannot reach the program at the RedirectURL")
	}
	if err := problems.Joined(); err != nil {
		return fmt.Errorf("consent: %w", err)
	}
	lifetime := lifetimeOf(flow)
	ctx, cancel := context.WithTimeoutCause(ctx, lifetime, fail(ReasonExpired, fmt.Errorf("no callback came within %v", lifetime)))
	defer cancel()
	l := &loopback{
		flow: flow, ctx: ctx, redirect: options.RedirectURL, look: look, service: options.Service,
		out: options.Out, ended: make(chan *Error, 1),
	}
	if l.out == nil {
		l.out = os.Stderr
	}
	if port != nil {
		end, err := l.serve(port)
		if err != nil {
			if ports.Taken(err) {
				err = fmt.Errorf("%w: another program has the port, perhaps for a consent of its own: wait until that consent ends, or use a redirect URL with another port", err)
			}
			return fmt.Errorf("consent: cannot listen on a loopback port: %w", err)
		}
		defer end()
	}
	authURL, value, err := flow.Begin(ctx, l.redirect)
	if err != nil {
		return classify(err, ReasonInternal)
	}
	if err := l.expect(authURL, value); err != nil {
		return fail(ReasonInternal, err)
	}
	open := options.Open
	if open == nil {
		open = openBrowser
	}
	if opens(ctx, open, authURL) {
		fmt.Fprintf(l.out, "Your browser should open now. If it does not, open this address:\n\n  %s\n\n", authURL)
	} else {
		fmt.Fprintf(l.out, "Open this address in your browser:\n\n  %s\n\n", authURL)
	}
	return l.wait(options.In)
}

// loopback is one consent of a command-line program.
type loopback struct {
	flow     Flow
	ctx      context.Context
	redirect string // redirect URL
	host     string // host and port of the callback; empty if the person pastes
	path     string // path of the callback, unescaped
	look     *appearance
	service  string // display name
	out      io.Writer
	ended    chan *Error // receives the outcome, once; nil means success

	mu        sync.Mutex
	reference string                       // of the expected callback; empty before Begin and after the callback
	alone     func(code string) url.Values // returns the callback for a code alone; nil if a code alone is not enough
	pending   connectorauth.Secret
}

// expect makes l accept the callback of the consent that begins at authURL.
func (l *loopback) expect(authURL string, value connectorauth.Secret) error {
	query, err := requested(authURL, value)
	if err != nil {
		return err
	}
	ref, err := reference(query)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reference, l.pending = ref, value
	switch {
	case l.host != "", issuerOf(l.flow) != "": // a code alone has no iss
	case query.Get("state") == "":
		l.alone = func(code string) url.Values { return url.Values{"oauth_token": {ref}, "oauth_verifier": {code}} }
	case query.Get("code_challenge") != "" || pending.Native(l.redirect):
		l.alone = func(code string) url.Values { return url.Values{"state": {ref}, "code": {code}} }
	}
	return nil
}

// take finishes the consent if the callback belongs to this consent and is the
// first. over reports that the consent is over, even if Finish fails. If again is true,
// the person can give another callback, and a callback that leaves the consent open does
// not end the consent.
func (l *loopback) take(query url.Values, again bool) (failed *Error, over bool) {
	ref, err := reference(query)
	if err != nil {
		return cmp.Or(unbound(query), fail(ReasonInvalid, err)), false
	}
	l.mu.Lock()
	value, ours := l.pending, l.reference != "" && equal(ref, l.reference)
	if ours {
		l.reference, l.pending = "", ""
	}
	l.mu.Unlock()
	if !ours {
		return fail(ReasonUnknown, errors.New("the callback has another state than this consent")), false
	}
	if err = l.flow.Finish(l.ctx, value, query); err == nil {
		return nil, true
	}
	if over = !again || pending.Over(err); !over {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reference, l.pending = ref, value
	}
	return classify(err, ReasonStore), over
}

// giveUp ends the consent because of a refusal without a state, and reports whether
// the consent was under way.
func (l *loopback) giveUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	underWay := l.reference != ""
	l.reference, l.pending = "", ""
	return underWay
}

// wait waits for the outcome: of a callback on the port, or of what is pasted into in.
func (l *loopback) wait(in io.Reader) error {
	var lines <-chan string
	if in != nil {
		l.ask()
		var end func()
		lines, end = readLines(in)
		defer end()
	}
	var pasted string
	var quiet <-chan time.Time // the person has pasted all
	for {
		select {
		case failed := <-l.ended:
			return l.outcome(failed)
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		case line, more := <-lines:
			if pasted += line + "\n"; more && len(pasted) <= maxPasted {
				quiet = time.After(pasteQuiet)
				continue
			}
			if !more {
				lines = nil
			}
		case <-quiet:
		}
		quiet = nil
		if failed, over := l.takePasted(pasted); over {
			return l.outcome(failed)
		}
		pasted = ""
		if lines == nil && l.host == "" {
			return fail(ReasonInvalid, errors.New("LoopbackOptions.In has ended without a code or an address of this consent"))
		}
	}
}

// outcome returns the error of Loopback. A nil failed means success. The person learns
// of a refusal without a state, which may be none of theirs.
func (l *loopback) outcome(failed *Error) error {
	if failed == nil {
		return nil
	}
	if failed.isUnbound() {
		fmt.Fprintln(l.out, "The sign-in has ended:", failed.err)
	}
	return failed
}

// equal compares two secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

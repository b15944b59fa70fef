package consent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/check"
)

// LoopbackOptions are the options of [Loopback]. The zero value is ready to use.
type LoopbackOptions struct {
	// Port is the port of the callback, for a provider that requires an exact
	// redirect URL: http://127.0.0.1:PORT/callback. 0 means any free port (RFC 8252
	// section 7.3).
	Port int
	// Open opens a URL in the person's browser. Nil means the system's default
	// browser. If Open fails, the person can open the printed URL.
	Open func(url string) error
	// Out receives the URL and the instructions for the person. Nil means
	// os.Stderr.
	Out io.Writer
	// In is a terminal for a person whose browser runs on another machine, as with
	// ssh. The browser there ends on an address that it cannot open, and the person
	// pastes the address into In. Nil means no terminal.
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
// the browser, waits for the callback on a loopback port, finishes the flow and
// closes the port. After ten minutes Loopback gives up. The error is an [*Error],
// the error of ctx if ctx ends first, or a network error if the port cannot be
// opened.
//
// Every program on the machine, and every page in the browser, can reach the port.
// Loopback refuses callbacks with another state, and goes on waiting.
//
// The callback URL does not name the authorization server. A program that connects
// accounts of several authorization servers should set AuthorizationCode.Issuer
// where the server sends iss (RFC 9700 section 4.4).
func Loopback(ctx context.Context, flow Flow, options LoopbackOptions) error {
	look, err := options.Pages.check()
	if err != nil {
		var problems check.List
		problems.Field("LoopbackOptions.Pages", err)
		return fmt.Errorf("consent: %w", problems.Joined())
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lifetime, fail(ReasonExpired, errors.New("no callback came within ten minutes")))
	defer cancel()
	listener, err := listen(ctx, options.Port)
	if err != nil {
		return fmt.Errorf("consent: cannot listen on a loopback port: %w", err)
	}
	l := &loopback{
		flow: flow, ctx: ctx, host: listener.Addr().String(), ended: make(chan *Error, 1),
		look: look, service: options.Service,
	}
	server := &http.Server{Handler: l, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 2 * maxCallback}
	served := make(chan struct{})
	go func() { server.Serve(listener); close(served) }()
	defer func() {
		l.close(server)
		<-served
	}()

	authURL, pending, err := flow.Begin(ctx, "http://"+l.host+"/callback")
	if err != nil {
		return classify(err, ReasonInternal)
	}
	reference, err := referenceOf(authURL)
	if err != nil {
		return fail(ReasonInternal, err)
	}
	l.expect(reference, pending)
	out := options.Out
	if out == nil {
		out = os.Stderr
	}
	open := options.Open
	if open == nil {
		open = openBrowser
	}
	if open(authURL) == nil {
		fmt.Fprintf(out, "Your browser should open now. If it does not, open this address:\n\n  %s\n\n", authURL)
	} else {
		fmt.Fprintf(out, "Open this address in your browser:\n\n  %s\n\n", authURL)
	}
	if options.In != nil {
		fmt.Fprintln(out, "If your browser is on another machine, copy the last address in the browser and paste it here:")
		defer l.readPasted(options.In, out)()
	}
	select {
	case failed := <-l.ended:
		if failed != nil {
			return failed
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// listen listens on 127.0.0.1. If port is 0 and the machine has no IPv4, listen
// uses ::1. The name "localhost" is not used, because the name can be configured to
// mean another machine (RFC 8252 section 8.3).
func listen(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil && port == 0 {
		listener, err = config.Listen(ctx, "tcp6", "[::1]:0")
	}
	return listener, err
}

// loopback is one consent of a command-line program. Its HTTP server receives the
// callback.
type loopback struct {
	flow    Flow
	ctx     context.Context
	host    string // address of the listener
	look    *look
	service string      // display name
	ended   chan *Error // receives the outcome, once; nil means success

	mu        sync.Mutex
	reference string // of the expected callback; empty before Begin and after the callback
	pending   connectorauth.Secret
}

// expect makes l accept the callback with this reference.
func (l *loopback) expect(reference string, pending connectorauth.Secret) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reference, l.pending = reference, pending
}

// ServeHTTP receives the callback. A website can make its own host name resolve to
// 127.0.0.1 (DNS rebinding). The check of the Host header refuses these requests.
func (l *loopback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Host != l.host && r.Host != strings.TrimSuffix(l.host, ":80") || r.URL.Path != "/callback":
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "use GET", http.StatusMethodNotAllowed)
		return
	}
	failed, ours := l.take(r.URL.RawQuery)
	subject, status := connected, http.StatusOK
	if failed != nil {
		subject, status = string(failed.Reason), failed.status()
	}
	w.Header().Set("Connection", "close")
	l.look.send(w, l.look.page(subject, l.look.choose("", r), l.service), "", status)
	if ours {
		l.ended <- failed
	}
}

// take finishes the consent if the callback belongs to this consent and is the
// first. ours reports this, even if Finish fails.
func (l *loopback) take(rawQuery string) (failed *Error, ours bool) {
	query, ref, err := readCallback(rawQuery)
	if err != nil {
		return fail(ReasonInvalid, err), false
	}
	l.mu.Lock()
	pending, ours := l.pending, l.reference != "" && equal(ref, l.reference)
	if ours {
		l.reference, l.pending = "", ""
	}
	l.mu.Unlock()
	if !ours {
		return fail(ReasonUnknown, errors.New("the callback has another state than this consent")), false
	}
	if err := l.flow.Finish(l.ctx, pending, query); err != nil {
		return classify(err, ReasonStore), true
	}
	return nil, true
}

// readPasted reads callback addresses that the person pastes into in. The function
// end stops the reading.
func (l *loopback) readPasted(in io.Reader, out io.Writer) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, maxCallback)
		for lines.Scan() {
			select {
			case <-stop:
				return
			default:
			}
			line := strings.TrimSpace(lines.Text())
			if line == "" {
				continue
			}
			if failed, ours := l.take(queryOf(line)); ours {
				l.ended <- failed
				return
			}
			fmt.Fprintf(out, "This is not the right address. The right address begins with http://%s/callback?\n", l.host)
		}
	}()
	return func() {
		close(stop)
		file, ok := in.(interface{ SetReadDeadline(time.Time) error })
		if ok && file.SetReadDeadline(time.Now()) == nil {
			<-done
			file.SetReadDeadline(time.Time{})
		}
	}
}

// queryOf returns the query of a pasted address.
func queryOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.RawQuery
}

// close closes the port after the browser has received the page, or after half a
// second.
func (l *loopback) close(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), 500*time.Millisecond)
	defer cancel()
	if server.Shutdown(ctx) != nil { // browsers keep spare connections open
		server.Close()
	}
}

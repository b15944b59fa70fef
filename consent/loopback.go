package consent

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
)

// LoopbackOptions are for [Loopback]; the zero value is ready to use.
type LoopbackOptions struct {
	// Port to listen on, for providers that want to know the redirect URL exactly:
	// http://127.0.0.1:PORT/callback. 0 means any free one (RFC 8252 section 7.3).
	Port int
	// Open shows a URL in the person's browser. Nil means the system's, if there
	// is one. If it fails the person still has the printed URL.
	Open func(url string) error
	// Out is where the URL and the instructions are printed; nil means os.Stderr.
	Out io.Writer
	// In is where a person whose browser runs on another machine, as over ssh,
	// can paste the address that it ends on; nil means nowhere. It is read in the
	// background; Loopback ends that read by SetReadDeadline if In has it and
	// else leaves it to the next line or the end of In.
	In io.Reader
	// Name is the program's, for the page; empty means "the application".
	Name string
	// Page renders the page, from a [Page]; nil means a page of our own.
	Page *template.Template
}

// Loopback takes the account owner through the consent of a command-line
// program (RFC 8252): it opens the browser, waits on a loopback port for the
// callback, finishes the flow and closes the port. It fails with an [*Error],
// or with ctx's if that ends first, and gives up after ten minutes.
//
// The port is open to every program and page on the machine. A callback that
// does not carry the state of this consent is refused, and the wait goes on.
func Loopback(ctx context.Context, flow Flow, options LoopbackOptions) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lifetime, fail(ReasonExpired, errors.New("nobody came back within ten minutes")))
	defer cancel()
	listener, err := listen(ctx, options.Port)
	if err != nil {
		return fmt.Errorf("consent: cannot listen on loopback: %w", err)
	}
	l := &loopback{
		flow: flow, ctx: ctx, host: listener.Addr().String(), ended: make(chan *Error, 1),
		name: cmp.Or(options.Name, "the application"), page: options.Page,
	}
	if l.page == nil {
		l.page = pageTemplate
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
		fmt.Fprintln(out, "If the browser is on another machine, paste the address that it ends on here:")
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

// listen opens the port on IPv4's loopback address, or a free one on IPv6's where
// there is no other. "localhost" could be somewhere else.
func listen(ctx context.Context, port int) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil && port == 0 {
		listener, err = config.Listen(ctx, "tcp6", "[::1]:0")
	}
	return listener, err
}

// loopback is one consent of a command-line program.
type loopback struct {
	flow  Flow
	ctx   context.Context
	host  string
	name  string
	page  *template.Template
	ended chan *Error // the outcome, once

	mu        sync.Mutex
	reference string // empty while no callback can be taken: before and after
	pending   connectorauth.Secret
}

func (l *loopback) expect(reference string, pending connectorauth.Secret) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reference, l.pending = reference, pending
}

// ServeHTTP takes the callback. A page on the web that points a name of its own
// at this machine is refused by the Host header.
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
	page, status := successPage(), http.StatusOK
	if failed != nil {
		page, status = failurePage(failed.Reason), failed.status()
	}
	page.Name = l.name
	w.Header().Set("Connection", "close")
	page.send(w, l.page, "", status)
	if ours {
		l.ended <- failed
	}
}

// take finishes the consent if the callback is that of this one, the first time.
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
		return fail(ReasonUnknown, errors.New("the callback's state is not that of this consent")), false
	}
	if err := l.flow.Finish(l.ctx, pending, query); err != nil {
		return classify(err, ReasonStore), true
	}
	return nil, true
}

// readPasted takes callbacks that the person pastes, until the function that it
// returns is called.
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
			fmt.Fprintf(out, "That is not the address. It begins with http://%s/callback?\n", l.host)
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

// close closes the port; the page that is on its way arrives.
func (l *loopback) close(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), 500*time.Millisecond)
	defer cancel()
	if server.Shutdown(ctx) != nil { // browsers open connections that they do not use
		server.Close()
	}
}

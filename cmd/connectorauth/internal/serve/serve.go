// Package serve is a server of one person's machine: a proxy by which programs in any language
// call the services of the person's accounts, and the pages on which the person connects
// accounts.
//
//	server, err := serve.New(serve.Config{Listeners: listeners, Registry: registry, Owner: owner})
//	if err != nil {
//		return err
//	}
//	err = server.Serve(ctx)
//
// # Calls
//
// A program sends a request for http://127.0.0.1:PORT/SERVICE/path, and the Server sends the
// request to the base URL of the service, authenticated:
//
//	GET /github/user HTTP/1.1
//	Host: 127.0.0.1:8123
//	Authorization: Bearer TOKEN
//
// SERVICE is the ID or the label of an account, or the name of the service. A service with
// several base URLs has /SERVICE;NAME/path for the base URL called NAME. Path and query go to
// the service as sent. A path with a segment .. is refused, so no path leads above the base
// URL. Bodies are streamed in both directions, and an Upgrade, as that of a WebSocket, is
// passed on, but no offer to go on in HTTP/2. A body of more than 64 KiB, or of a length that
// the program does not say, is sent once: if the service rejects the credential, the program
// gets the status 401, and the next request has another credential.
//
// Redirects are not followed. A Location below the base URL leads to this server, and any
// other Location to where the service says. URLs in bodies and in other headers are those of
// the service. Cookies are passed on in neither direction.
//
// # The token
//
// Each run has a token of 32 random bytes. A program whose Authorization header is free sends
// the token there, as a Bearer token (RFC 6750 section 2.1). Any other program sends the
// header X-Connectorauth-Token; the Authorization header then goes to the service. The
// service never sees the token. Some clients, such as urllib of Python, send headers along
// with a redirect to another host: the token is of use on this machine alone.
//
// # Failures
//
// A failure of the Server is JSON with the members error, a word for programs, and message;
// do says what helps, and near what may have been meant. The header Connectorauth-Error has
// the word, and no response of a service has the header.
//
//	400 bad_path, bad_body, token_misplaced     500 internal
//	401 token_missing, token_wrong              502 unreachable, token_refused
//	403 browser, host_not_allowed               503 token_unavailable, shutting_down
//	404 unknown_service, unknown_base_url       504 timeout
//	405 method_not_allowed                      409 ambiguous_service
//	415 body_not_injectable                     421 wrong_host
//	424 reauth_required, not_connected
//
// # Who can call
//
// The Server listens on loopback alone. The header Host must name this machine, because
// another site can give its name the address of this machine (DNS rebinding). Requests of
// pages in browsers are refused, and no response has a header of CORS.
//
// The pages are for browsers, below /-/accounts/, and so is their JSON API, which takes the
// token too. Register the callback URL http://127.0.0.1:PORT/-/accounts/callback/NAME at the
// provider of the definition NAME; many providers allow any port (RFC 8252 section 7.3).
//
// A person signs in by a link that works once, or by the token.
// Browsers send the cookies of 127.0.0.1 to each port: on a machine that several people use,
// a server of somebody else sees the cookie of a person who opens it. The cookie ends with
// the run, opens the pages alone, and no page shows a secret.
package serve

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/accounts/pages"
)

// Config describes a Server.
type Config struct {
	// Listeners are the loopback addresses to listen on, all with the same port: see Listen.
	// The URL of the Server has the first. Required.
	Listeners []net.Listener
	// Registry has the accounts. Required.
	Registry *accounts.Registry
	// Owner is the owner of the accounts, in the words of accounts.Request.Owner. Required.
	Owner string
	// Resolve returns the account with a name. An account of another owner counts as absent.
	// An error that matches accounts.ErrNotFound says that there is none, and a
	// *choose.AmbiguousError that there are several. Several goroutines may call Resolve. Nil
	// means choose.Account among the accounts of Owner.
	Resolve func(ctx context.Context, name string) (accounts.Account, error)
	// Grace is how long requests may take after the end of the context of Serve. 0 means 10
	// seconds.
	Grace time.Duration
	// Logger takes failures, without secrets. Nil means slog.Default().
	Logger *slog.Logger
}

// A Server is the proxy and the pages of one run. A Server is safe for concurrent use.
type Server struct {
	config   Config
	log      *slog.Logger
	errorLog *log.Logger
	url      string
	port     string
	hosts    map[string]bool // the values of the header Host
	token    func() string   // a function, so no program that walks memory by reflection finds the text
	session  func() string   // the value of the cookie of everybody who has signed in
	pages    http.Handler
	guard    *http.CrossOriginProtection // of the page to sign in
	running  sync.WaitGroup              // requests

	mu    sync.Mutex
	links map[[sha256.Size]byte]time.Time // until when a link may be used, by the hash of its code
}

// New returns a Server, with a new token. New makes no request. The error lists all mistakes
// of config.
func New(config Config) (*Server, error) {
	s := &Server{
		config: config, token: hidden(newSecret()), session: hidden(newSecret()), links: map[[sha256.Size]byte]time.Time{},
		guard: http.NewCrossOriginProtection(), log: config.Logger,
	}
	var problems []error
	if config.Registry == nil {
		problems = append(problems, errors.New("Config.Registry: must not be nil"))
	}
	if config.Owner == "" {
		problems = append(problems, errors.New("Config.Owner: must not be empty"))
	}
	if err := s.takeListeners(); err != nil {
		problems = append(problems, fmt.Errorf("Config.Listeners: %w", err))
	}
	if problems != nil {
		return nil, fmt.Errorf("serve: New: %w", errors.Join(problems...))
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.errorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)
	if s.config.Resolve == nil {
		s.config.Resolve = s.byName
	}
	if s.config.Grace == 0 {
		s.config.Grace = 10 * time.Second
	}
	var err error
	s.pages, err = pages.New(pages.Config{
		URL: s.pagesURL(), Keys: []connectorauth.Secret{connectorauth.Secret(random())}, Registry: config.Registry, Owner: s.owner,
		Failed: func(_ *http.Request, err error) { s.log.Error("serve: a page failed", "error", err) },
	})
	return s, err
}

// takeListeners checks the listeners, and sets what depends on them.
func (s *Server) takeListeners() error {
	if len(s.config.Listeners) == 0 {
		return errors.New("want at least one: see Listen")
	}
	for _, l := range s.config.Listeners {
		a, ok := l.Addr().(*net.TCPAddr)
		if !ok || !a.IP.IsLoopback() {
			return fmt.Errorf("%v is no loopback address", l.Addr())
		}
		port := strconv.Itoa(a.Port)
		if s.port != "" && s.port != port {
			return errors.New("the ports must be the same")
		}
		s.port = port
	}
	s.url = "http://" + strings.TrimSuffix(s.config.Listeners[0].Addr().String(), ":80") // as browsers write the URL
	s.hosts = hostsOf(s.port)
	return nil
}

// Token returns the token of the run, for programs.
func (s *Server) Token() connectorauth.Secret { return connectorauth.Secret(s.token()) }

// URL returns the URL of the Server, such as http://127.0.0.1:8123: a service follows after a
// slash.
func (s *Server) URL() string { return s.url }

// Format prints the same for every verb.
func (*Server) Format(f fmt.State, _ rune) { io.WriteString(f, "serve.Server") }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.running.Add(1)
	defer s.running.Done()
	var f *failure
	switch path := r.URL.Path; {
	case !s.hosts[lower(r.Host)]:
		f = &failure{status: http.StatusMisdirectedRequest, Code: "wrong_host", Message: "the header Host must be that of " + s.url}
	case path == "/", isBelow(path, pagesPath):
		s.servePages(w, r)
		return
	default:
		f = s.proxy(w, r)
	}
	if f != nil {
		s.log.Debug("serve: refused", "code", f.Code)
		f.write(w)
	}
}

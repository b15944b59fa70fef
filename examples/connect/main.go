// Connect is a small web application. A user connects an account of an OAuth2
// service and an account of an OAuth1 service, in a popup or in the same window,
// and can disconnect both accounts.
//
//	go run ./examples/connect
//
// The program prints the address of the application. With -check, the program does
// the user's steps without a browser, and exits with status 1 if a step fails.
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func main() {
	address := flag.String("listen", "127.0.0.1:0", "loopback address to listen on")
	check := flag.Bool("check", false, "test the application and exit")
	flag.Parse()
	provider := authtest.New(authtest.Config{}) // in place of two real services
	defer provider.Close()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	home := "http://" + listener.Addr().String()
	handler, err := newApp(home, provider)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	if *check {
		go server.Serve(listener)
		if err := selfTest(home, provider); err != nil {
			log.Fatal(err)
		}
		if err := shutdown(server); err != nil {
			log.Fatal(err)
		}
		fmt.Println("OAuth2 and OAuth1 accounts were connected, used and disconnected")
		return
	}
	fmt.Println("Open", home)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	stopped, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	<-stopped.Done()
	if err := shutdown(server); err != nil {
		log.Fatal(err)
	}
}

// shutdown ends the application without losing an account: it waits for the
// requests and consents under way, and then for the tokens that are being renewed.
func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second) // a token request takes 30 seconds at most
	defer cancel()
	return errors.Join(server.Shutdown(ctx), shared.Shutdown(ctx))
}

// shared is what all connectors of the application have in common.
var shared connectorauth.Shared

// app is the application. A session cookie tells the users apart: each browser is a
// new user.
type app struct {
	provider *authtest.Provider
	consent  *consent.Handler
	store    tokenstore.Memory
}

// service is a connector with a consent, whose token can be removed.
type service interface {
	connectorauth.Connector
	consent.Flow
	Forget(context.Context) error
}

// names are the names of the services, and titles what people call the services.
var (
	names  = []string{"oauth2", "oauth1"}
	titles = map[string]string{"oauth2": "Example Calendar", "oauth1": "Example Notes"}
)

func newApp(home string, provider *authtest.Provider) (http.Handler, error) {
	a := &app{provider: provider}
	key := make([]byte, 32) // a real application reads the key from its configuration
	rand.Read(key)
	var err error
	a.consent, err = consent.New(consent.Config{
		URL: home + "/connect", Keys: []connectorauth.Secret{connectorauth.Secret(key)}, Pages: consent.Pages{Name: "Example"},
		Service: func(name string) string { return titles[name] },
		Flow: func(r *http.Request, name string) (consent.Flow, error) {
			c := a.connector(user(r), name)
			if c == nil {
				return nil, consent.ErrNotAllowed
			}
			return c, nil
		},
		Done: func(_ *http.Request, result consent.Result) error {
			log.Printf("consent for %q: %v", result.Connector, result.Err)
			return nil // a real application notes the account in its database here, and returns an error if that fails
		},
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/connect/", a.consent)
	mux.HandleFunc("GET /{$}", a.index)
	mux.HandleFunc("POST /disconnect", a.disconnect)
	return http.NewCrossOriginProtection().Handler(mux), nil
}

// user returns the user of a request. Empty means that nobody is signed in.
func user(r *http.Request) string {
	if c, err := r.Cookie("session"); err == nil && len(c.Value) == len(rand.Text()) {
		return c.Value
	}
	return ""
}

// connector returns the user's connector for a service. Nil means that nobody is
// signed in, or that there is no service of this name. Connectors are made anew for
// each request: all connectors of an account use one token.
func (a *app) connector(user, name string) service {
	if user == "" {
		return nil
	}
	var c service
	var err error
	p, account := a.provider, user+"/"+name
	switch name {
	case "oauth2":
		c, err = connectorauth.NewOAuth2(connectorauth.OAuth2Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), TokenURL: p.TokenURL, RevokeURL: p.RevokeURL,
			Scopes: []string{"read"}, Grant: connectorauth.AuthorizationCode{AuthURL: p.AuthURL},
			Store: &a.store, Account: account, Shared: &shared,
		})
	case "oauth1":
		c, err = connectorauth.NewOAuth1(connectorauth.OAuth1Config{
			ClientID: p.ClientID, ClientSecret: connectorauth.Secret(p.ClientSecret), Store: &a.store, Account: account, Shared: &shared,
			RequestTokenURL: p.RequestTokenURL, AuthorizeURL: p.AuthorizeURL, AccessTokenURL: p.AccessTokenURL,
		})
	default:
		return nil
	}
	if err != nil {
		log.Print(err)
		return nil
	}
	return c
}

//go:embed index.html
var indexHTML string

var indexPage = template.Must(template.New("index").Parse(indexHTML))

// account is one row of the page.
type account struct {
	Name, Start string
	Status      string // result of a request to the API
	Connected   bool
}

// index shows the user's accounts. For each account, the page says how the API
// responds to a request.
func (a *app) index(w http.ResponseWriter, r *http.Request) {
	who := user(r)
	if who == "" {
		who = rand.Text()
		http.SetCookie(w, &http.Cookie{Name: "session", Value: who, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	var accounts []account
	for _, name := range names {
		row := account{Name: name, Start: a.consent.StartURL(name, "/")}
		row.Status, row.Connected = a.call(r, who, name)
		accounts = append(accounts, row)
	}
	w.Header().Set("Cache-Control", "no-store")
	if err := indexPage.Execute(w, accounts); err != nil {
		log.Print(err)
	}
}

// call makes a request to the API of a service, with the user's connector.
func (a *app) call(r *http.Request, who, name string) (status string, connected bool) {
	address := map[string]string{"oauth2": a.provider.BearerURL, "oauth1": a.provider.OAuth1URL}[name]
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, address, nil)
	if err != nil {
		return err.Error(), false
	}
	resp, err := connectorauth.NewClient(a.connector(who, name), nil).Do(req)
	switch {
	case errors.Is(err, connectorauth.ErrReauthRequired):
		return "not connected", false
	case err != nil:
		return err.Error(), false
	}
	resp.Body.Close()
	return "the API responds with " + resp.Status, true
}

// disconnect tells the service that the user's token is no longer wanted, where the
// service can be told, and removes the token.
func (a *app) disconnect(w http.ResponseWriter, r *http.Request) {
	c := a.connector(user(r), r.PostFormValue("connector"))
	if c == nil {
		http.Error(w, "this account does not exist", http.StatusForbidden)
		return
	}
	remove := c.Forget
	if c, ok := c.(*connectorauth.OAuth2); ok {
		remove = c.Revoke
	}
	if err := remove(r.Context()); err != nil {
		log.Print(err)
		http.Error(w, "the account could not be disconnected; try again later", http.StatusServiceUnavailable)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

package replicas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/tokenstore"
)

const job = "replica"

// slow is a response time that counts as a failure.
const slow = 2 * time.Second

// role is the argument of a replica.
type role struct {
	Replica  int
	Place    string // of the store, for Open
	Lease    time.Duration
	Client   string
	Secret   plain
	AuthURL  string
	TokenURL string
	APIURL   string

	Accounts int
	Workers  int           // goroutines that call the API
	Pause    time.Duration // of a goroutine, between two requests
	Once     bool          // use each account until the API accepts a request, instead of all the time
	Patience time.Duration // with Once: when to give up
	Shutdown bool          // call Shutdown at SIGTERM
}

// plain is a client secret for a child process. JSON shows a plain, but hides a
// connectorauth.Secret.
type plain string

// seen is what a replica has seen of an account.
type seen struct {
	Account  int
	Accepted int       // responses with status 200
	Failed   int       // errors and other responses
	Error    string    `json:",omitempty"` // the last
	Lost     bool      // the last request ended with ErrReauthRequired
	Broken   bool      // the last request failed, or was slow
	Usable   time.Time // when the first request was accepted, or the first after a failure
	Last     time.Time // when the last request was accepted
}

// report is all that a replica has to say.
type report struct {
	Seen     []seen
	Shutdown string // the error of Shutdown
	Took     time.Duration
}

// name is the Account of the i-th account.
func name(i int) string { return fmt.Sprintf("account-%d", i) }

// connector returns the connector of the i-th account. The query of the token URL
// tells the provider who asks.
func (r role) connector(store connectorauth.TokenStore, shared *connectorauth.Shared, base http.RoundTripper, i int) (*connectorauth.OAuth2, error) {
	return connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: r.Client, ClientSecret: connectorauth.Secret(r.Secret),
		TokenURL: r.TokenURL + "?replica=" + strconv.Itoa(r.Replica),
		Grant:    connectorauth.AuthorizationCode{AuthURL: r.AuthURL},
		Store:    store, Account: name(i), Shared: shared, HTTPClient: &http.Client{Transport: base},
	})
}

// player is a running replica.
type player struct {
	role
	clients []*http.Client

	mu   sync.Mutex // guards seen
	seen []seen
}

// play calls the API until the test ends the replica's pause, or until SIGTERM, and
// prints a report, one line for each account.
func (r role) play(open Open) error {
	store, err := open.sealed(r.Place, r.Lease)
	if err != nil {
		return err
	}
	shared := new(connectorauth.Shared)
	p := &player{role: r, seen: make([]seen, r.Accounts)}
	if err := p.connect(store, shared); err != nil {
		return err
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	fmt.Println(ready)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { child.Pause(); cancel() }()
	go func() {
		defer close(done)
		if r.Once {
			p.useOnce(ctx)
		} else {
			p.use(ctx)
		}
	}()
	var result report
	shut := true
	select {
	case <-done:
	case <-terminated:
		shut = r.Shutdown
	}
	cancel()
	if shut {
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := shared.Shutdown(ctx); err != nil {
			result.Shutdown = err.Error()
		}
		result.Took = time.Since(began)
	}
	<-done
	return p.print(result)
}

func (p *player) connect(store tokenstore.SharedStore, shared *connectorauth.Shared) error {
	base := &http.Transport{MaxIdleConnsPerHost: p.Workers}
	for i := range p.Accounts {
		c, err := p.connector(store, shared, base, i)
		if err != nil {
			return err
		}
		p.seen[i].Account = i
		p.clients = append(p.clients, connectorauth.NewClient(c, &http.Client{Transport: base, Timeout: timeout}))
	}
	return nil
}

// use uses all accounts until ctx ends.
func (p *player) use(ctx context.Context) {
	var workers sync.WaitGroup
	for range p.Workers {
		workers.Go(func() {
			for ctx.Err() == nil {
				p.request(ctx, rand.IntN(p.Accounts))
				wait(ctx, p.Pause)
			}
		})
	}
	workers.Wait()
}

// useOnce uses each account until a request is accepted or the account is lost.
func (p *player) useOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	todo := make(chan int, p.Accounts)
	var left sync.WaitGroup
	for i := range p.Accounts {
		todo <- i
		left.Add(1)
	}
	go func() { left.Wait(); cancel() }()
	var workers sync.WaitGroup
	for range p.Workers {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case i := <-todo:
					if p.request(ctx, i) {
						left.Done()
						continue
					}
					time.AfterFunc(250*time.Millisecond, func() { todo <- i })
				}
			}
		})
	}
	workers.Wait()
}

// request makes one request for the i-th account. settled says that the account
// is usable or lost.
func (p *player) request(ctx context.Context, i int) (settled bool) {
	began := time.Now()
	err := get(ctx, p.clients[i], p.APIURL)
	end := time.Now()
	if ctx.Err() != nil {
		return false // the end says nothing about the account
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.seen[i]
	s.Lost = errors.Is(err, connectorauth.ErrReauthRequired)
	if err != nil {
		s.Failed++
		s.Broken = true
		s.Error = err.Error()
		return s.Lost
	}
	s.Accepted++
	s.Last = end
	if late := end.Sub(began) > slow; late || s.Broken || s.Usable.IsZero() {
		s.Usable, s.Broken = end, false
	}
	return true
}

func get(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func wait(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// print prints the report: first the accounts, then the rest.
func (p *player) print(result report) error {
	out := json.NewEncoder(os.Stdout)
	for _, s := range p.seen {
		if err := out.Encode(s); err != nil {
			return err
		}
	}
	return out.Encode(result)
}

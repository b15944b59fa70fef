package serve_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/cmd/connectorauth/internal/serve"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/tokenstore"
)

func TestMain(m *testing.M) {
	child.Main(child.Jobs{
		"env": func(string) error {
			fmt.Println(os.Getenv("CONNECTORAUTH_URL"))
			fmt.Println(os.Getenv("CONNECTORAUTH_TOKEN"))
			os.Exit(7)
			return nil
		},
		"wait": func(string) error {
			ended := make(chan os.Signal, 1)
			signal.Notify(ended, syscall.SIGTERM)
			fmt.Println("waiting")
			<-ended
			os.Exit(3)
			return nil
		},
		"stubborn": func(string) error {
			signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM)
			fmt.Println("waiting")
			select {}
		},
		"run":   run,
		"count": count,
		"parent": func(string) error {
			os.Setenv("CONNECTORAUTH_TEST_CHILD", "orphan")
			command := exec.Command(os.Args[0])
			command.Stdin, command.Stdout = os.Stdin, os.Stdout
			if err := command.Start(); err != nil {
				return err
			}
			os.Exit(4)
			return nil
		},
		"orphan": func(string) error {
			child.Pause()
			return nil
		},
		"killed": func(string) error {
			fmt.Println("waiting")
			time.Sleep(time.Hour) // and not until standard input ends, which may be sooner than the signal
			return nil
		},
	})
	leaktest.Main(m)
}

// run takes the part of connectorauth: run runs the job with the name, and ends with its code.
func run(job string) error {
	s, err := newServer(context.Background())
	if err != nil {
		return err
	}
	os.Setenv("CONNECTORAUTH_TEST_CHILD", job)
	code, err := s.Run(context.Background(), serve.Program{Args: []string{os.Args[0]}, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	if err == nil {
		os.Exit(code)
	}
	return err
}

// newServer returns a Server without accounts.
func newServer(ctx context.Context) (*serve.Server, error) {
	set, err := definition.NewSet()
	if err != nil {
		return nil, err
	}
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set }, Index: new(accounts.Memory), Store: new(tokenstore.Memory),
		Keys: []tokenstore.Key{{ID: "1", Secret: make([]byte, 32)}}, Shared: new(connectorauth.Shared),
	})
	if err != nil {
		return nil, err
	}
	listeners, err := serve.Listen(ctx, 0, false)
	if err != nil {
		return nil, err
	}
	return serve.New(serve.Config{Listeners: listeners, Registry: registry, Owner: "ada"})
}

// count prints the number and the name of each signal, and ends with code 3 at SIGTERM.
func count(string) error {
	signals := make(chan os.Signal, 10)
	signal.Notify(signals, os.Interrupt, syscall.SIGHUP, syscall.SIGTERM)
	fmt.Println("ready")
	for n := 1; ; n++ {
		sig := <-signals
		fmt.Println(n, sig)
		if sig == syscall.SIGTERM {
			os.Exit(3)
		}
	}
}

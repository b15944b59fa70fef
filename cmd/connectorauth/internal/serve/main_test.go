package serve_test

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth/internal/test/child"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
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
		"killed": func(string) error {
			fmt.Println("waiting")
			time.Sleep(time.Hour) // and not until standard input ends, which may be sooner than the signal
			return nil
		},
	})
	leaktest.Main(m)
}

package egress_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/connectorauth/connectorauth/egress"
)

func Example() {
	transport, err := egress.New(egress.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	_, err = client.Get("http://169.254.169.254/latest/meta-data/") // what an account owner has typed
	var refused *egress.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Host, refused.Reason)
	}
	// Output:
	// 169.254.169.254 leads to a metadata service
}

// A program that serves one company reaches the hosts of the company as well.
func ExampleNew() {
	transport, err := egress.New(egress.Config{
		Hosts:    []string{"gitlab.corp.example.com"},
		Prefixes: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")},
		Ports:    []uint16{443, 8443},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: transport}
	_, err = client.Get("https://10.30.0.1/")
	fmt.Println(err)
	// Output:
	// Get "https://10.30.0.1/": egress: the host "10.30.0.1" leads to a private address (RFC 1918); to reach a host of your own, allow the name by Hosts of egress.Config, or the address by Prefixes
}

// traced is a RoundTripper in between, which shows its base.
type traced struct{ http.RoundTripper }

func (t traced) Unwrap() http.RoundTripper { return t.RoundTripper }

func ExampleGuards() {
	transport, err := egress.New(egress.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(egress.Guards(traced{transport}), egress.Guards(traced{http.DefaultTransport}))
	// Output:
	// true false
}

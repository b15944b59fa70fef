// Command client is what the conformance suite of MCP tests: a client made with the Go SDK of
// MCP and package mcp. The suite gives the URL of the server as the argument, and the scenario
// in the environment.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/connectorauth/connectorauth/tokenstore"
)

// redirectURL is where the authorization servers of the suite send the browser.
const redirectURL = "http://localhost:3000/callback"

// settings are what the suite tells of a scenario, besides the URL.
type settings struct {
	Issuer           string               `json:"issuer"`
	ClientID         string               `json:"client_id"`
	ClientSecret     connectorauth.Secret `json:"client_secret"`
	PrivateKey       connectorauth.Secret `json:"private_key_pem"`
	Algorithm        string               `json:"signing_algorithm"`
	IDPClientID      string               `json:"idp_client_id"`
	IDPIDToken       connectorauth.Secret `json:"idp_id_token"`
	IDPTokenEndpoint string               `json:"idp_token_endpoint"`
	WorkloadJWT      connectorauth.Secret `json:"valid_jwt"`
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 280*time.Second) // the suite waits for 300 seconds
	defer cancel()
	if err := run(ctx, os.Args[len(os.Args)-1], os.Getenv("MCP_CONFORMANCE_SCENARIO")); err != nil {
		log.Fatal(err)
	}
}

// run plays a scenario.
func run(ctx context.Context, serverURL, scenario string) error {
	var given settings
	if text := os.Getenv("MCP_CONFORMANCE_CONTEXT"); text != "" {
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			return err
		}
	}
	config, err := newConfig(serverURL)
	if err != nil {
		return err
	}
	config.Legacy = strings.HasPrefix(scenario, "auth/2025-03-26-")
	if err := complete(ctx, &config, scenario, given); err != nil {
		return err
	}
	account, err := mcp.New(config)
	if err != nil {
		return err
	}
	transport := &sdk.StreamableClientTransport{Endpoint: serverURL}
	if config.OAuth2.Proof == nil {
		transport.OAuthHandler = account
	} else {
		if err := consent(ctx, account); err != nil {
			return err
		}
		connector, err := account.Connector(ctx)
		if err != nil {
			return err
		}
		transport.HTTPClient = connectorauth.NewClient(connector, nil)
	}
	return talk(ctx, transport)
}

// newConfig returns the config of a client that registers itself, or has a document. The
// servers of the suite are on loopback, where no guard of package egress leads.
func newConfig(serverURL string) (mcp.Config, error) {
	finder, err := discovery.New(discovery.Config{HTTPClient: &http.Client{Transport: http.DefaultTransport}})
	if err != nil {
		return mcp.Config{}, err
	}
	store := new(tokenstore.Memory)
	registrar, err := discovery.NewRegistrar(discovery.RegistrarConfig{
		Finder: finder, Store: store, Keys: []tokenstore.Key{{ID: "1", Secret: []byte(strings.Repeat("k", 32))}},
		Request: discovery.RegistrationRequest{ClientMetadata: discovery.ClientMetadata{ClientName: "connectorauth"}},
	})
	return mcp.Config{
		URL: serverURL, Finder: finder, Registrar: registrar, Consent: consent,
		OAuth2: connectorauth.OAuth2Config{
			ClientID: "https://conformance-test.local/client-metadata.json", Store: store, Account: "alice",
		},
	}, err
}

// consent plays the person, and the browser: the authorization servers of the suite redirect at
// once.
func consent(ctx context.Context, a *mcp.Account) error {
	authURL, pending, err := a.Begin(ctx, redirectURL)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, authURL, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	callback, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		return err
	}
	return a.Finish(ctx, pending, callback.Query())
}

// talk connects to the server, and calls a tool.
func talk(ctx context.Context, transport sdk.Transport) error {
	client := sdk.NewClient(&sdk.Implementation{Name: "connectorauth", Version: "1.0.0"}, nil)
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer session.Close()
	if _, err := session.ListTools(ctx, nil); err != nil {
		return fmt.Errorf("list tools: %w", err)
	}
	if _, err := session.CallTool(ctx, &sdk.CallToolParams{Name: "test-tool", Arguments: map[string]any{}}); err != nil {
		return fmt.Errorf("call tool: %w", err)
	}
	return nil
}

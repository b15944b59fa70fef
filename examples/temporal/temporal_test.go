package temporal

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/accounts"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/connectorauth/connectorauth/tokenstore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/testsuite"
	"golang.org/x/oauth2"
	"google.golang.org/grpc"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// due returns a registry with accounts that are due: a single one with a token, which has waited
// longest, and others with keys, for which there is nothing to do.
func due(t *testing.T, p *authtest.Provider, keys int) *accounts.Registry {
	t.Helper()
	d, err := definition.Parse("acme.json", fmt.Appendf(nil, `{"connectorauth": 1, "name": "acme", "baseUrl": %q, "methods": [
		{"name": "oauth", "type": "OAuth2", "tokenUrl": %q, "keepAlive": "24h", "grant": {"authorizationCode": {"authUrl": %q}}},
		{"name": "key", "type": "ApiKey", "key": "{key}", "inputs": [{"name": "key", "secret": true}]}]}`,
		p.BearerURL, p.TokenURL, p.AuthURL), definition.Options{})
	require.NoError(t, err)
	set, err := definition.NewSet(d)
	require.NoError(t, err)
	index := new(accounts.Memory)
	registry, err := accounts.New(accounts.Config{
		Definitions: func() *definition.Set { return set },
		Index:       index, Store: new(tokenstore.Memory), Keys: []tokenstore.Key{{ID: "2026", Secret: bytes.Repeat([]byte{7}, 32)}},
		Shared: new(connectorauth.Shared),
		Connection: func(context.Context, accounts.Account) (definition.Connection, error) {
			return definition.Connection{HTTPClient: p.Client(), Client: definition.Client{ID: p.ClientID, Secret: connectorauth.Secret(p.ClientSecret)}}, nil
		},
	})
	require.NoError(t, err)
	access, refresh := p.IssueTokens("")
	rows := []accounts.Row{{
		Request: accounts.Request{ID: "token", Owner: "ada", Definition: "acme", Method: "oauth"},
		Token:   &oauth2.Token{AccessToken: access, RefreshToken: refresh, Expiry: time.Now().Add(time.Hour)},
	}}
	for i := range keys {
		rows = append(rows, accounts.Row{Request: accounts.Request{
			ID: fmt.Sprint("key-", i), Owner: "ada", Definition: "acme", Method: "key", Values: map[string]connectorauth.Secret{"key": "k"},
		}})
	}
	begin := time.Now().Add(-time.Hour)
	for account, err := range registry.Import(t.Context(), slices.Values(rows)) {
		require.NoError(t, err)
		begin = begin.Add(time.Second)
		account.Due = begin
		stored, err := index.Put(t.Context(), account)
		require.NoError(t, err)
		require.True(t, stored)
	}
	return registry
}

// More accounts are due than one Sweep takes.
func TestKeepAlive(t *testing.T) {
	p := authtest.New(authtest.Config{InMemory: true})
	defer p.Close()
	registry := due(t, p, 1000)
	var suite testsuite.WorkflowTestSuite
	environment := suite.NewTestWorkflowEnvironment()
	environment.SetTestTimeout(5 * time.Minute)
	environment.RegisterActivity(&Activities{registry})
	environment.ExecuteWorkflow(KeepAlive)
	require.True(t, environment.IsWorkflowCompleted())
	require.NoError(t, environment.GetWorkflowError())
	stats, err := registry.Stats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, stats.Due)
	assert.Equal(t, 1, p.Stats().TokenRequests)
}

// A frontend is the part of a Temporal server that takes schedules.
type frontend struct {
	workflowservice.UnimplementedWorkflowServiceServer
	schedules chan *workflowservice.CreateScheduleRequest
}

func (f frontend) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return new(workflowservice.GetSystemInfoResponse), nil
}

func (f frontend) CreateSchedule(_ context.Context, r *workflowservice.CreateScheduleRequest) (*workflowservice.CreateScheduleResponse, error) {
	f.schedules <- r
	return new(workflowservice.CreateScheduleResponse), nil
}

func TestSchedule(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, f := grpc.NewServer(), frontend{schedules: make(chan *workflowservice.CreateScheduleRequest, 1)}
	workflowservice.RegisterWorkflowServiceServer(server, f)
	go server.Serve(listener)
	defer server.Stop()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: listener.Addr().String()})
	require.NoError(t, err)
	defer c.Close()

	require.NoError(t, Schedule(t.Context(), c))
	r := <-f.schedules
	assert.Equal(t, "accounts", r.ScheduleId)
	assert.Equal(t, time.Minute, r.Schedule.Spec.Interval[0].Interval.AsDuration())
	assert.Equal(t, enums.SCHEDULE_OVERLAP_POLICY_SKIP, r.Schedule.Policies.OverlapPolicy)
	assert.Equal(t, "KeepAlive", r.Schedule.Action.GetStartWorkflow().WorkflowType.Name)
	assert.Equal(t, "accounts", r.Schedule.Action.GetStartWorkflow().TaskQueue.Name)
}

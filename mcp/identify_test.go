package mcp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/discovery"
	"github.com/connectorauth/connectorauth/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// identified returns what Check of the kind says of a server. asked are the methods that the
// server has seen.
func identified(t *testing.T, respond func(method string, w http.ResponseWriter)) (id definition.Identity, asked []string, err error) {
	t.Helper()
	left := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var message struct{ Method string }
		if r.Method == http.MethodPost {
			assert.NoError(t, json.NewDecoder(r.Body).Decode(&message))
			assert.Equal(t, "application/json, text/event-stream", r.Header.Get("Accept"))
		} else {
			message.Method = r.Method + " " + r.Header.Get("Mcp-Session-Id")
		}
		asked = append(asked, message.Method)
		respond(message.Method, w)
		if w.Header().Get("X-Open") != "" { // the stream stays open until the client leaves
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			close(left)
		}
	}))
	defer server.Close()
	kind := mcp.Kind(mcp.KindConfig{Finder: must(discovery.New(discovery.Config{}))})
	id, err = kind.Check(t.Context(), map[string]connectorauth.Secret{"url": connectorauth.Secret(server.URL + "/mcp/")}, func(req *http.Request) (*http.Response, error) {
		resp, err := server.Client().Do(req)
		if err == nil && resp.StatusCode > 299 {
			reason := definition.ReasonStatus
			switch resp.StatusCode {
			case 401:
				reason = definition.ReasonRefused
			case 404:
				reason = definition.ReasonNotFound
			}
			resp.Body.Close()
			return nil, &definition.CheckError{Reason: reason, StatusCode: resp.StatusCode}
		}
		return resp, err
	})
	id.ID = strings.TrimPrefix(id.ID, server.URL)
	id.Label = strings.TrimPrefix(id.Label, strings.TrimPrefix(server.URL, "http://"))
	return id, asked, err
}

func TestServersNameThemselves(t *testing.T) {
	const result = `{"jsonrpc": "2.0", "id": 1, "result": {"serverInfo": {"name": "orders", "title": "Orders"}}}`
	stream := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		io.WriteString(w, text)
	}
	for name, test := range map[string]struct {
		respond func(method string, w http.ResponseWriter)
		label   string
		asked   []string
	}{
		"JSON": {func(_ string, w http.ResponseWriter) { io.WriteString(w, result) }, "Orders", []string{"initialize"}},
		"a session": {func(method string, w http.ResponseWriter) {
			w.Header().Set("Mcp-Session-Id", "s1")
			io.WriteString(w, strings.Replace(result, `, "title": "Orders"`, "", 1))
		}, "orders", []string{"initialize", "DELETE s1"}},
		"a stream that stays open": {func(_ string, w http.ResponseWriter) {
			w.Header().Set("X-Open", "yes")
			stream(w, ": hello\nid: 1\nretry: 5\ndata:\n\nevent: message\ndata: {\"jsonrpc\": \"2.0\", \"method\": \"notifications/message\"}\n\ndata: "+strings.Replace(result, `"id"`, "\ndata: \"id\"", 1)+"\n\n")
		}, "Orders", []string{"initialize"}},
		"no sessions": {func(method string, w http.ResponseWriter) {
			if method != "server/discover" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			io.WriteString(w, `{"jsonrpc": "2.0", "id": 1, "result": {"_meta": {"io.modelcontextprotocol/serverInfo": {"name": "modern"}}}}`)
		}, "modern", []string{"initialize", "server/discover"}},
		"an error of JSON-RPC first": {func(method string, w http.ResponseWriter) {
			if method != "server/discover" {
				io.WriteString(w, `{"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no"}}`)
				return
			}
			io.WriteString(w, result)
		}, "Orders", []string{"initialize", "server/discover"}},
		"nothing but the new revision": {func(method string, w http.ResponseWriter) {
			if method != "server/discover" {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			io.WriteString(w, result)
		}, "Orders", []string{"initialize", "server/discover"}},
		"two names": {func(_ string, w http.ResponseWriter) {
			io.WriteString(w, strings.Replace(result, `"result": {`, `"result": {"_meta": {"io.modelcontextprotocol/serverInfo": {"title": "Other"}}, `, 1))
		}, "Orders", []string{"initialize"}},
		"a line of 100 KiB": {func(_ string, w http.ResponseWriter) {
			stream(w, "data: "+strings.Repeat(" ", 100<<10)+result+"\n\n")
		}, "Orders", []string{"initialize"}},
		"no name": {func(_ string, w http.ResponseWriter) { io.WriteString(w, `{"jsonrpc": "2.0", "id": 1, "result": {}}`) }, "", []string{"initialize"}},
	} {
		id, asked, err := identified(t, test.respond)
		require.NoError(t, err, name)
		assert.Equal(t, definition.Identity{ID: "/mcp", Label: test.label}, id, name)
		assert.Equal(t, test.asked, asked, name)
	}
	for name, test := range map[string]struct {
		respond func(method string, w http.ResponseWriter)
		reason  definition.CheckReason
		asked   int
	}{
		"a page": {func(_ string, w http.ResponseWriter) { io.WriteString(w, "<html>") }, definition.ReasonNotJSON, 2},
		"another response": {func(_ string, w http.ResponseWriter) {
			io.WriteString(w, strings.Replace(result, `"id": 1`, `"id": 2`, 1))
		}, definition.ReasonNotJSON, 2},
		"another protocol": {func(_ string, w http.ResponseWriter) {
			io.WriteString(w, strings.Replace(result, `"jsonrpc": "2.0", `, "", 1))
		}, definition.ReasonNotJSON, 2},
		"a name in two lines": {func(_ string, w http.ResponseWriter) {
			stream(w, "data:"+strings.Replace(result, "orders", "ord\ndata:ers", 1)+"\n\n")
		}, definition.ReasonNotJSON, 2},
		"a stream of notifications": {func(_ string, w http.ResponseWriter) {
			stream(w, strings.Repeat("data: {\"jsonrpc\": \"2.0\", \"method\": \"n\"}\n\n", 1000)+"data: "+result+"\n\n")
		}, definition.ReasonNotJSON, 2},
		"a long line": {func(_ string, w http.ResponseWriter) { stream(w, "data: "+strings.Repeat("x", 2<<20)) }, definition.ReasonNotJSON, 2},
		"a refusal":   {func(_ string, w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, definition.ReasonRefused, 1},
	} {
		_, asked, err := identified(t, test.respond)
		var failed *definition.CheckError
		require.ErrorAs(t, err, &failed, name)
		assert.Equal(t, test.reason, failed.Reason, name)
		assert.Len(t, asked, test.asked, name)
	}
}

// A server may drop what belongs to a session that has ended.
func TestSessionEndsAfterTheResponseIsRead(t *testing.T) {
	unread := strings.NewReader(`{"jsonrpc": "2.0", "id": 1, "result": {"serverInfo": {"name": "orders"}}}`)
	ended := false
	kind := mcp.Kind(mcp.KindConfig{Finder: must(discovery.New(discovery.Config{}))})
	_, err := kind.Check(t.Context(), map[string]connectorauth.Secret{"url": "https://mcp.example.com/mcp"}, func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodDelete {
			ended = true
			assert.Zero(t, unread.Len())
			return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Mcp-Session-Id": {"s1"}}, Body: io.NopCloser(unread)}, nil
	})
	require.NoError(t, err)
	assert.True(t, ended)
}

// Nobody waits for the second question.
func TestQuestionsEndWithTheCaller(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	kind := mcp.Kind(mcp.KindConfig{Finder: must(discovery.New(discovery.Config{}))})
	asked := 0
	_, err := kind.Check(ctx, map[string]connectorauth.Secret{"url": "https://mcp.example.com/mcp"}, func(*http.Request) (*http.Response, error) {
		asked++
		cancel()
		return nil, ctx.Err()
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, asked)
}

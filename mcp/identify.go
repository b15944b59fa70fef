package mcp

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/connectorauth/connectorauth/definition"
)

// A question asks a server for its name.
type question struct{ method, version, params string }

// questions are what the revisions of MCP have: those with sessions, and those without.
var questions = []question{
	{"initialize", "", `{"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "connectorauth", "version": "1"}}`},
	{"server/discover", "2026-07-28", `{"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
		"io.modelcontextprotocol/clientInfo": {"name": "connectorauth", "version": "1"}, "io.modelcontextprotocol/clientCapabilities": {}}}`},
}

const (
	maxAnswer   = 1 << 20 // bytes of a response
	maxMessages = 100     // before the response in a stream
	ofServer    = "io.modelcontextprotocol/serverInfo"
)

// noMCP is the error of a response in another protocol.
func noMCP() error { return &definition.CheckError{Reason: definition.ReasonNotJSON} }

// identify returns whose account the credentials of send open, as far as MCP tells.
func identify(ctx context.Context, server string, send func(*http.Request) (*http.Response, error)) (definition.Identity, error) {
	var failure error
	for _, q := range questions {
		info, err := q.ask(ctx, server, send)
		if err == nil {
			return definition.Identity{ID: strings.TrimSuffix(server, "/"), Label: info.label(server)}, nil
		}
		if failure == nil {
			failure = err
		}
		var refused *definition.CheckError
		if ctx.Err() != nil || errors.As(err, &refused) && refused.Reason != definition.ReasonStatus && refused.Reason != definition.ReasonNotFound && refused.Reason != definition.ReasonNotJSON {
			return definition.Identity{}, err // another question gets the same response
		}
	}
	return definition.Identity{}, failure
}

// A serverInfo is how a server names itself.
type serverInfo struct{ Name, Title string }

// label names the account for people.
func (s serverInfo) label(server string) string {
	for _, text := range []string{s.Title, s.Name} {
		if text != "" {
			return text
		}
	}
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	return u.Host
}

// A result is what a server says of itself.
type result struct {
	ServerInfo serverInfo                 `json:"serverInfo"`
	Meta       map[string]json.RawMessage `json:"_meta"`
}

// ask asks a question, and ends the session that the server may have begun.
func (q question) ask(ctx context.Context, server string, send func(*http.Request) (*http.Response, error)) (info serverInfo, err error) {
	body := `{"jsonrpc": "2.0", "id": 1, "method": "` + q.method + `", "params": ` + q.params + `}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server, strings.NewReader(body))
	if err != nil {
		return info, noMCP()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if q.version != "" {
		req.Header.Set("MCP-Protocol-Version", q.version)
		req.Header.Set("Mcp-Method", q.method)
	}
	resp, err := send(req)
	if err != nil {
		return info, err
	}
	defer resp.Body.Close()
	if session := resp.Header.Get("Mcp-Session-Id"); session != "" {
		defer end(ctx, server, session, send)
	}
	r, err := read(resp)
	if err != nil {
		return info, err
	}
	if info = r.ServerInfo; info == (serverInfo{}) && r.Meta[ofServer] != nil {
		_ = json.Unmarshal(r.Meta[ofServer], &info) // or the server has no name
	}
	return info, nil
}

// read reads the result of a response, which is JSON or a stream of events.
func read(resp *http.Response) (result, error) {
	body := io.LimitReader(resp.Body, maxAnswer)
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != "text/event-stream" {
		text, err := io.ReadAll(body)
		if err != nil {
			return result{}, noMCP()
		}
		if r := resultOf(text); r != nil {
			return *r, nil
		}
		return result{}, noMCP()
	}
	lines, data := bufio.NewScanner(body), []byte(nil)
	lines.Buffer(nil, maxAnswer)
	for messages := 0; messages < maxMessages && lines.Scan(); {
		line := lines.Bytes()
		if rest, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = append(append(data, rest...), '\n')
		}
		if len(line) == 0 && data != nil {
			if r := resultOf(data); r != nil {
				return *r, nil
			}
			data, messages = nil, messages+1
		}
	}
	return result{}, noMCP()
}

// resultOf returns the result in a message, or nil.
func resultOf(text []byte) *result {
	var message struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  *result         `json:"result"`
	}
	if json.Unmarshal(text, &message) != nil || message.Version != "2.0" || string(message.ID) != "1" {
		return nil
	}
	return message.Result
}

// end ends a session. A server need not allow that.
func end(ctx context.Context, server, session string, send func(*http.Request) (*http.Response, error)) {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, server, nil)
	if err != nil {
		return
	}
	req.Header.Set("Mcp-Session-Id", session)
	if resp, err := send(req); err == nil {
		resp.Body.Close()
	}
}

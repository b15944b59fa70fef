package assertion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/connectorauth/connectorauth/internal/endpoint"
	"github.com/connectorauth/connectorauth/internal/inject"
	"github.com/connectorauth/connectorauth/internal/origin"
	"github.com/connectorauth/connectorauth/internal/wire"
)

// googleSource says where the token of a workload's platform is.
type googleSource struct {
	File    string            `json:"file"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Format  struct {
		Type  string `json:"type"`
		Field string `json:"subject_token_field_name"`
	} `json:"format"`

	Environment string          `json:"environment_id"`
	Executable  json.RawMessage `json:"executable"`
	Certificate json.RawMessage `json:"certificate"`
}

// check lists what is wrong with the source.
func (s *googleSource) check(problems *check.List) {
	switch {
	case s.Environment != "" || s.Executable != nil || s.Certificate != nil:
		problems.Add("File: credential_source: only a file or a url is read; use NewTokenExchange with a function for anything else")
	case (s.File == "") == (s.URL == ""):
		problems.Add("File: credential_source: needs a file or a url")
	}
	if s.URL != "" {
		u, err := url.Parse(s.URL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			problems.Add("File: credential_source: url is not a URL of http or https")
		case u.Scheme == "http" && !near(u.Hostname()):
			problems.Add("File: credential_source: plain http is for addresses of the machine and its network; use https")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		problems.Field("File: credential_source: headers", inject.CheckHeaderName(http.CanonicalHeaderKey(name)))
		if wire.HasControl(s.Headers[name]) {
			problems.Add("File: credential_source: headers: a value contains a control character")
		}
	}
	if s.Format.Type != "" && s.Format.Type != "text" && s.Format.Type != "json" || s.Format.Type == "json" && s.Format.Field == "" {
		problems.Add("File: credential_source: format is neither text nor json with a subject_token_field_name")
	}
}

// near reports whether plain http reaches a host within the machine or its network,
// as platforms serve their tokens.
func near(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	return origin.Loopback(host) || !strings.Contains(host, ".") || strings.HasSuffix(strings.ToLower(host), ".internal")
}

// bounded reads to the end of r, which must come soon.
func bounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, endpoint.MaxResponse+1))
	if err == nil && len(text) > endpoint.MaxResponse {
		err = fmt.Errorf("assertion: the token of the platform is longer than %d bytes", endpoint.MaxResponse)
	}
	return text, err
}

// read returns the token of the platform.
func (s *googleSource) read(ctx context.Context, client *http.Client) (token string, err error) {
	var text []byte
	if s.File != "" {
		text, err = readFile(s.File)
	} else {
		text, err = s.get(ctx, client)
	}
	if err != nil {
		return "", err
	}
	if s.Format.Type != "json" {
		return trimmed(text), nil
	}
	var members map[string]any
	if json.Unmarshal(text, &members) != nil {
		return "", errors.New("assertion: the token of the platform is not in JSON")
	}
	token, _ = members[s.Format.Field].(string)
	return token, nil
}

// get reads the source by HTTP, as platforms serve tokens to their workloads. Redirects
// are not followed.
func (s *googleSource) get(ctx context.Context, client *http.Client) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, endpoint.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, err
	}
	for name, value := range s.Headers {
		req.Header.Set(name, value)
	}
	once := http.Client{
		Transport:     endpoint.TransportOf(client),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := once.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("assertion: the platform responded with status %d instead of a token", resp.StatusCode)
	}
	return bounded(resp.Body)
}

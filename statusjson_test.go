package connectorauth_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/internal/test/fakehttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// logged returns v as the JSON handler of log/slog writes it.
func logged(v any) string {
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key != "v" {
			return slog.Attr{}
		}
		return a
	}})).Info("m", "v", v)
	return out.String()
}

func TestEventAndStatusSayTheirErrorInJSONAndLogs(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		v            any
		json, logged string
	}{
		{connectorauth.Event{Kind: connectorauth.EventRenewFailed, Account: "alice", Err: errBroken, Expiry: at, Duration: time.Second},
			`{"kind":"` + string(connectorauth.EventRenewFailed) + `","account":"alice","error":"broken","expiry":"2030-01-02T03:04:05Z","duration":"1s"}`,
			`{"v":{"kind":"` + string(connectorauth.EventRenewFailed) + `","account":"alice","error":"broken","expiry":"2030-01-02T03:04:05Z","duration":1000000000}}`},
		{connectorauth.Event{Kind: connectorauth.EventSaved}, `{"kind":"saved"}`, `{"v":{"kind":"saved"}}`},
		{connectorauth.Status{State: connectorauth.StateFailing, Expiry: at, ReauthBy: at, Granted: []string{"a"}, Missing: []string{"b"}, LastError: errBroken, Since: at, NotBefore: at},
			`{"state":"failing","expiry":"2030-01-02T03:04:05Z","reauthBy":"2030-01-02T03:04:05Z","granted":["a"],"missing":["b"],"lastError":"broken","since":"2030-01-02T03:04:05Z","notBefore":"2030-01-02T03:04:05Z"}`, ""},
		{connectorauth.Status{State: connectorauth.StateOK}, `{"state":"ok"}`, `{"v":{"state":"ok"}}`},
	} {
		encoded, err := json.Marshal(test.v)
		require.NoError(t, err)
		assert.JSONEq(t, test.json, string(encoded))
		if test.logged == "" {
			test.logged = `{"v":` + test.json + `}`
		}
		assert.JSONEq(t, test.logged, logged(test.v))
	}
}

// An empty HTTPClient means http.DefaultClient, as its Transport is at the time of
// the request.
func TestEmptyHTTPClientIsTheDefaultClient(t *testing.T) {
	before := http.DefaultClient.Transport
	defer func() { http.DefaultClient.Transport = before }()
	base := &fakehttp.Base{Answer: goodProvider}
	o := must(connectorauth.NewOAuth2(connectorauth.OAuth2Config{
		ClientID: "client", ClientSecret: clientSecret, TokenURL: providerURL + "/token", Grant: connectorauth.ClientCredentials{},
	}))
	signed := must(connectorauth.NewOAuth1(connectorauth.OAuth1Config{
		ClientID: "client", ClientSecret: clientSecret,
		RequestTokenURL: providerURL + "/request", AuthorizeURL: providerURL + "/authorize", AccessTokenURL: providerURL + "/access",
	}))
	http.DefaultClient.Transport = base
	must(o.Token(t.Context()))
	_, _, err := signed.Begin(t.Context(), redirectURL)
	require.NoError(t, err)
	assert.Len(t, base.Requests(), 2)
}

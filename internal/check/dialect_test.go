package check_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/connectorauth/connectorauth/dialect"
	"github.com/connectorauth/connectorauth/internal/check"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the constructor's own test does not try: see TestDialectIsCheckedAtConstruction
// of the root.
func TestDialect(t *testing.T) {
	type d = dialect.OAuth2
	code := check.Client{TokenURL: "https://p.example/token", Consent: true, PKCE: true, Refreshes: true, Header: true}
	client := check.Client{TokenURL: code.TokenURL, Header: true}
	post := check.Client{TokenURL: code.TokenURL, Auth: []string{"client_id", "client_secret"}}
	codePost := check.Client{TokenURL: code.TokenURL, Consent: true, PKCE: true, Refreshes: true, Auth: post.Auth}
	pass := check.Client{TokenURL: code.TokenURL, Refreshes: true, Params: []string{"username", "password"}}
	passPost := check.Client{TokenURL: code.TokenURL, Refreshes: true, Params: pass.Params, Auth: post.Auth}
	swapped := map[string]string{"client_id": "username", "client_secret": "password"}
	names := func(standard, name string) map[string]string { return map[string]string{standard: name} }
	one := func(name string) url.Values { return url.Values{name: {"x"}} }
	swap := dialect.TokenExchange{GrantType: "x"}
	for name, test := range map[string]struct {
		dialect d
		client  check.Client
		want    string // empty means no mistake
	}{
		"nothing":                        {d{}, code, ""},
		"separator with a control":       {d{ScopeSeparator: "\n"}, code, "ScopeSeparator: has a control character"},
		"scope with a space":             {d{}, check.Client{Scopes: []string{"a b"}}, ""},
		"name of a password grant":       {d{TokenNames: names("username", "login")}, pass, ""},
		"scope left out":                 {d{TokenNames: names("scope", "")}, code, ""},
		"redirect_uri left out":          {d{TokenNames: names("redirect_uri", "")}, code, ""},
		"client_id left out":             {d{TokenNames: names("client_id", "")}, code, ""},
		"code_verifier left out":         {d{TokenNames: names("code_verifier", "")}, code, "TokenNames: code_verifier cannot be left out"},
		"client_secret left out":         {d{TokenNames: names("client_secret", "")}, code, "TokenNames: client_secret cannot be left out"},
		"refresh_token left out":         {d{TokenNames: names("refresh_token", "")}, code, "TokenNames: refresh_token cannot be left out"},
		"password left out":              {d{TokenNames: names("password", "")}, pass, "TokenNames: password cannot be left out"},
		"username left out":              {d{TokenNames: names("username", "")}, pass, "TokenNames: username cannot be left out"},
		"code_challenge left out":        {d{AuthNames: names("code_challenge", "")}, code, "AuthNames: code_challenge cannot be left out"},
		"code_challenge_method left out": {d{AuthNames: names("code_challenge_method", "")}, code, "AuthNames: code_challenge_method cannot be left out"},
		"response_type left out":         {d{AuthNames: names("response_type", "")}, code, ""},
		"two left out":                   {d{AuthNames: map[string]string{"scope": "", "response_type": ""}}, code, ""},
		"two of one name":                {d{AuthNames: names("client_id", "state")}, code, `AuthNames: two parameters have the same name "state"`},
		"scope without scopes":           {d{AuthNames: names("client_id", "scope")}, code, ""},
		"scope with scopes":              {d{AuthNames: names("client_id", "scope")}, check.Client{Consent: true, Scopes: []string{"a"}}, "AuthNames: two parameters have the same name"},
		"challenge without PKCE":         {d{AuthNames: names("client_id", "code_challenge")}, check.Client{Consent: true}, ""},
		"challenge with PKCE":            {d{AuthNames: names("client_id", "code_challenge")}, code, "AuthNames: two parameters have the same name"},
		"names of another grant":         {d{TokenNames: swapped}, post, ""},
		"names of this grant":            {d{TokenNames: names("client_secret", "password")}, passPost, `TokenNames: two parameters have the same name "password"`},
		"names of a header's client":     {d{TokenNames: swapped}, pass, ""},
		"clash in a refresh":             {d{TokenNames: names("client_id", "refresh_token")}, codePost, "TokenNames: two parameters have the same name"},
		"no refresh, no clash":           {d{TokenNames: names("client_id", "refresh_token")}, post, ""},
		"names of two requests":          {d{TokenNames: names("code", "refresh_token")}, codePost, ""},
		"clash with the state":           {d{RepeatState: true, TokenNames: names("code", "state")}, codePost, "TokenNames: two parameters have the same name"},
		"clash with the scope":           {d{TokenNames: names("client_id", "scope")}, check.Client{Auth: post.Auth, Scopes: []string{"a"}}, "TokenNames: two parameters have the same name"},
		"refresh token of the program":   {d{GrantType: "refresh_token", TokenParams: one("refresh_token")}, client, ""},
		"refresh token beside a code":    {d{TokenParams: one("refresh_token")}, code, ""},
		"client_id beside Basic":         {d{TokenParams: one("client_id")}, client, ""},
		"client_secret beside Basic":     {d{TokenParams: one("client_secret")}, code, ""},
		"client_id beside client_id":     {d{TokenParams: one("client_id")}, post, "TokenParams: client_id is set"},
		"verifier without PKCE":          {d{TokenParams: one("code_verifier")}, check.Client{Consent: true}, ""},
		"verifier with PKCE":             {d{TokenParams: one("code_verifier")}, code, "TokenParams: code_verifier is set"},
		"code without a consent":         {d{TokenParams: one("code")}, client, ""},
		"grant_type":                     {d{TokenParams: one("grant_type")}, client, "TokenParams: grant_type is set"},
		"client_id of a refresh, Basic":  {d{RefreshParams: one("client_id")}, code, ""},
		"refresh URL with a query":       {d{TokenEncoding: dialect.EncodeGet, RefreshURL: "https://p.example/r?refresh_token=x"}, code, "RefreshURL: refresh_token is set"},
		"refresh token in the token URL": {d{TokenEncoding: dialect.EncodeGet, RefreshURL: "https://p.example/r"}, check.Client{TokenURL: "https://p.example/t?refresh_token=x", Refreshes: true}, ""},
		"refresh token in the only URL":  {d{TokenEncoding: dialect.EncodeGet}, check.Client{TokenURL: "https://p.example/t?refresh_token=x", Refreshes: true}, "TokenURL: refresh_token is set"},
		"exchange of a clashing name":    {d{LongLived: dialect.TokenExchange{GrantType: "x", Name: "client_secret"}}, codePost, `LongLived: two parameters have the same name "client_secret"`},
		"exchange beside Basic":          {d{LongLived: dialect.TokenExchange{GrantType: "x", Name: "client_secret"}}, code, ""},
		"names that change places":       {d{TokenNames: map[string]string{"code": "refresh_token", "refresh_token": "code"}}, code, ""},
		"token name in AuthNames":        {d{AuthNames: names("code", "x")}, code, `AuthNames: the library sends no "code"`},
		"refresh parameter is sent":      {d{RefreshParams: one("client_id")}, codePost, "RefreshParams: client_id is set"},
		"scope of a refresh":             {d{RefreshParams: one("scope")}, code, ""},
		"refresh parameter renamed":      {d{TokenNames: names("refresh_token", "rt"), RefreshParams: one("rt")}, code, "RefreshParams: rt is set"},
		"state without RepeatState":      {d{TokenParams: one("state")}, code, ""},
		"scope of the consent":           {d{TokenParams: one("scope")}, check.Client{Consent: true, Scopes: []string{"a"}}, ""},
		"parameter of another grant":     {d{TokenParams: one("password")}, code, ""},
		"token URL with a form":          {d{}, check.Client{TokenURL: "https://p.example/token?grant_type=x", Consent: true}, ""},
		"token URL with a query":         {d{TokenEncoding: dialect.EncodeGet}, check.Client{TokenURL: "https://p.example/token?code=x", Consent: true}, "TokenURL: code is set"},
		"header without name":            {d{TokenHeader: http.Header{"": {"x"}}}, code, "TokenHeader"},
		"header of HTTP":                 {d{TokenHeader: http.Header{"content-length": {"1"}}}, code, "TokenHeader"},
		"authorization in small letters": {d{TokenHeader: http.Header{"authorization": {"x"}}}, code, "TokenHeader: Authorization is set"},
		"a second value":                 {d{TokenHeader: http.Header{"X": {"a", "b\x00"}}}, code, "TokenHeader: a value of X"},
		"good header":                    {d{TokenHeader: http.Header{"X-Version": {"2"}}}, code, ""},
		"exchange without grant":         {d{LongLived: dialect.TokenExchange{URL: "https://p.example/x"}}, code, "LongLived: GrantType: is empty"},
		"exchange over http":             {d{Extend: dialect.TokenExchange{GrantType: "x", URL: "http://p.example/x"}}, code, "Extend: URL: "},
		"exchange":                       {d{LongLived: swap, Extend: swap}, code, ""},
		"extend and refresh":             {d{Extend: swap, RefreshParams: one("a")}, code, "Extend: replaces refresh tokens"},
		"extend and refresh URL":         {d{Extend: swap, RefreshURL: "https://p.example/r"}, code, "Extend: replaces refresh tokens"},
		"refresh without refreshing":     {d{RefreshParams: one("a")}, client, "never refreshes"},
		"keep without refreshing":        {d{KeepRefreshToken: true}, client, "never refreshes"},
		"names of a consent":             {d{AuthNames: names("scope", "s")}, client, "are for the AuthorizationCode grant"},
		"callback of a consent":          {d{CallbackValues: []string{"realmId"}}, client, "are for the AuthorizationCode grant"},
		"state of a consent":             {d{RepeatState: true}, client, "are for the AuthorizationCode grant"},
		"long life without consent":      {d{LongLived: swap}, client, "are for the AuthorizationCode grant"},
		"empty callback value":           {d{CallbackValues: []string{"a", ""}}, code, "CallbackValues: an element is empty"},
		"second rejection":               {d{Rejections: []dialect.Rejection{{Status: 403}, {}}}, code, "Rejections[1]: is empty"},
		"lifetime":                       {d{Response: dialect.Response{Lifetime: 1, ExpiryFormat: dialect.ExpiryUnix}}, code, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := check.Dialect(&test.dialect, test.client)
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "\n", "one mistake is one problem")
		})
	}
}

func TestDialectNamesAllMistakes(t *testing.T) {
	err := check.Dialect(&dialect.OAuth2{
		ScopeSeparator: ",", TokenEncoding: "xml", RefreshURL: "ftp://x", Placement: dialect.Placement{In: "nowhere", Prefix: "a\n"},
		Response: dialect.Response{Lifetime: -1, ExpiryFormat: "weeks"}, InvalidGrantCodes: []string{""}, Rejections: []dialect.Rejection{{}},
	}, check.Client{Scopes: []string{"a,b", "c,d"}, Consent: true, PKCE: true, Refreshes: true})
	require.Error(t, err)
	problems := strings.Split(err.Error(), "\n")
	var fields []string
	for _, problem := range problems {
		field, _, _ := strings.Cut(problem, ":")
		fields = append(fields, field)
	}
	assert.Equal(t, []string{
		"ScopeSeparator", "ScopeSeparator", "TokenEncoding", "RefreshURL", "Response", "Response", "InvalidGrantCodes, CallbackValues",
		"Placement", "Placement", "Rejections[0]",
	}, fields)
}

func TestDialectIsNotChanged(t *testing.T) {
	d := dialect.OAuth2{TokenNames: map[string]string{"code": "c"}, RefreshParams: url.Values{"redirect_uri": {"x"}}}
	for range 2 { // nor are the package's lists
		require.NoError(t, check.Dialect(&d, check.Client{Consent: true, Refreshes: true, Params: []string{"a", "b", "d"}}))
		assert.Error(t, check.Dialect(&dialect.OAuth2{RefreshParams: url.Values{"refresh_token": {"x"}}}, check.Client{Consent: true, Refreshes: true}))
	}
	assert.Equal(t, dialect.OAuth2{TokenNames: map[string]string{"code": "c"}, RefreshParams: url.Values{"redirect_uri": {"x"}}}, d)
}

func TestTokenPlace(t *testing.T) {
	for name, test := range map[string]struct {
		placement dialect.Placement
		in        dialect.Location
		name      string
		prefix    string
		want      string // of the error
	}{
		"RFC 6750":        {dialect.Placement{}, dialect.InHeader, "Authorization", "Bearer ", ""},
		"another prefix":  {dialect.Placement{Prefix: "token "}, dialect.InHeader, "Authorization", "token ", ""},
		"exact alone":     {dialect.Placement{Exact: true}, dialect.InHeader, "Authorization", "Bearer ", ""},
		"exact spelling":  {dialect.Placement{Name: "authorization", Prefix: "Bearer ", Exact: true}, dialect.InHeader, "Authorization", "Bearer ", ""},
		"exact, not ours": {dialect.Placement{Name: "user-agent", Exact: true}, "", "", "", "Exact: net/http adds a header User-Agent of its own"},
		"header by name":  {dialect.Placement{In: dialect.InHeader}, dialect.InHeader, "Authorization", "", ""},
		"another header":  {dialect.Placement{Name: "x-token"}, dialect.InHeader, "X-Token", "", ""},
		"query":           {dialect.Placement{In: dialect.InQuery, Name: "access_token"}, dialect.InQuery, "access_token", "", ""},
		"cookie":          {dialect.Placement{In: dialect.InCookie, Name: "sid", Prefix: "v1."}, dialect.InCookie, "sid", "v1.", ""},
		"query, no name":  {dialect.Placement{In: dialect.InQuery}, "", "", "", "Name: "},
		"cookie, no name": {dialect.Placement{In: dialect.InCookie}, "", "", "", "Name: "},
		"body":            {dialect.Placement{In: dialect.InBody, Name: "t"}, "", "", "", "In: an access token cannot go into the body; use InHeader"},
		"unknown":         {dialect.Placement{In: "paths", Name: "t"}, "", "", "", `In: unknown location "paths"`},
		"cookie header":   {dialect.Placement{Name: "Cookie"}, "", "", "", "Name: "},
		"framing":         {dialect.Placement{Name: "Content-Length"}, "", "", "", "Name: "},
		"control":         {dialect.Placement{Prefix: "Bearer\r\n"}, "", "", "", "Prefix: has a control character"},
	} {
		place, prefix, err := check.TokenPlace(test.placement)
		if test.want != "" {
			assert.ErrorContains(t, err, test.want, name)
			continue
		}
		require.NoError(t, err, name)
		assert.Equal(t, test.in, place.In(), name)
		assert.Equal(t, test.name, place.Name(), name)
		assert.Equal(t, test.prefix, prefix, name)
	}
}

func TestNames(t *testing.T) {
	names := map[string]string{"client_id": "app", "scope": ""}
	assert.Equal(t, "app", check.Rename("client_id", names))
	assert.Equal(t, "", check.Rename("scope", names))
	assert.Equal(t, "code", check.Rename("code", names))
	assert.Equal(t, "code", check.Rename("code", nil))
	assert.Equal(t, []string{"app", "code"}, check.SentNames([]string{"client_id", "scope", "code"}, names))
}

func TestAuthRequest(t *testing.T) {
	pkce := check.Client{Consent: true, PKCE: true}
	for name, test := range map[string]struct {
		url    string
		params url.Values
		names  map[string]string
		client check.Client
		want   string
	}{
		"scope of the config":   {"https://p.example/auth", url.Values{"scope": {"x"}}, nil, check.Client{Scopes: []string{"a"}}, "scope is set"},
		"scope of the program":  {"https://p.example/auth?scope=x", nil, nil, pkce, ""},
		"no PKCE":               {"https://p.example/auth", url.Values{"code_challenge": {"x"}}, nil, check.Client{}, ""},
		"plain":                 {"https://p.example/auth", nil, nil, pkce, ""},
		"further":               {"https://p.example/auth?tenant=1", url.Values{"resource": {"a"}}, nil, pkce, ""},
		"state in the URL":      {"https://p.example/auth?state=x", nil, nil, pkce, "AuthURL, Params: state is set by the library; remove state"},
		"state in Params":       {"https://p.example/auth", url.Values{"state": {"x"}}, nil, pkce, "state is set"},
		"PKCE":                  {"https://p.example/auth", url.Values{"code_challenge": {"x"}}, nil, pkce, "code_challenge is set"},
		"another name":          {"https://p.example/auth", url.Values{"app": {"x"}}, map[string]string{"client_id": "app"}, pkce, "app is set"},
		"the name that is free": {"https://p.example/auth", url.Values{"client_id": {"x"}}, map[string]string{"client_id": "app"}, pkce, ""},
		"http":                  {"http://p.example/auth", nil, nil, pkce, "AuthURL: "},
		"no URL":                {"", nil, nil, pkce, "AuthURL: "},
		"no URL and a state":    {"", url.Values{"state": {"x"}}, nil, pkce, "state is set"},
	} {
		err := check.AuthRequest(test.url, test.params, test.names, test.client)
		if test.want == "" {
			assert.NoError(t, err, name)
			continue
		}
		assert.ErrorContains(t, err, test.want, name)
	}
}

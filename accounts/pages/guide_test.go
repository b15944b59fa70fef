package pages_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// guided is the definition of docs/accounts-pages.md.
const guided = `{"connectorauth": 1, "name": "acme", "title": "Acme",
	"links": [{"title": "Where is my key?", "url": "https://acme.example/help"}],
	"inputs": [{"name": "team", "title": "Team", "optional": true, "pattern": "[a-z]+", "example": "sales", "suffix": ".acme.example"},
		{"name": "region", "title": "Region", "default": "eu", "enum": [{"value": "eu", "title": "Europe"}, {"value": "us", "title": "United States"}]}],
	"methods": [
		{"name": "key", "title": "API key", "default": true, "type": "ApiKey", "baseUrl": "KEYURL", "key": "{apiKey}", "placement": {"name": "X-Api-Key"},
			"inputs": [{"name": "apiKey", "title": "API key", "help": "Under Settings, API.", "secret": true}]},
		{"name": "oauth", "title": "Sign in at Acme", "type": "OAuth2", "baseUrl": "BEARERURL", "tokenUrl": "TOKENURL",
			"scopes": [{"name": "read", "title": "See orders", "default": true}, {"name": "write", "title": "Change orders", "help": "Needed to cancel an order."}],
			"grant": {"authorizationCode": {"authUrl": "AUTHURL"}}}
	],
	"test": {"request": "GET /me", "id": "/user", "label": "{/user} by {/auth_type}"}}`

var (
	fenced = regexp.MustCompile("(?s)```http\n([A-Z]+) (\\S+)\n(?:Content-Type: (\\S+)\n\n(.*?))?```\n.*?```json\n(.*?)```")
	uuid   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	moment = regexp.MustCompile(`"20[0-9]{2}-[0-9T:.-]+Z"`)
)

// Each request of the guide has the response of the guide, but for IDs and times.
func TestGuideOfTheAPI(t *testing.T) {
	guide, err := os.ReadFile("../../docs/accounts-pages.md")
	require.NoError(t, err)
	a := newAppOf(t, []string{guided})
	b := a.browser("o1")
	ids := map[string]string{} // by the IDs of the guide
	ours := func(text string) string {
		text = strings.ReplaceAll(text, "https://app.example/accounts/", a.url+"/")
		text = strings.ReplaceAll(text, "%2Faccounts%2F", "%2Fmy%2Faccounts%2F")
		text = strings.ReplaceAll(text, `"right"`, `"`+a.provider.APIKey+`"`)
		return uuid.ReplaceAllStringFunc(text, func(id string) string { return ids[id] })
	}
	steps := fenced.FindAllStringSubmatch(string(guide), -1)
	require.Len(t, steps, strings.Count(string(guide), "```http"))
	for _, step := range steps {
		method, path, media, body, want := step[1], step[2], step[3], step[4], step[5]
		r := b.do(method, ours("https://app.example"+path), media, ours(body))
		theirs := uuid.FindAllString(r.body, -1)
		for i, id := range uuid.FindAllString(want, -1) {
			if _, known := ids[id]; !known && i < len(theirs) {
				ids[id] = theirs[i]
			}
		}
		var compact any
		require.NoError(t, json.Unmarshal([]byte(want), &compact), want)
		assert.JSONEq(t, moment.ReplaceAllString(ours(want), `"TIME"`), moment.ReplaceAllString(r.body, `"TIME"`), "%s %s", method, path)
	}
}

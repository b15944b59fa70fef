package catalog_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/catalog"
	"github.com/connectorauth/connectorauth/definition"
	"github.com/connectorauth/connectorauth/internal/test/leaktest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// everything allows all that the catalogue has.
var everything = catalog.Options{Drafts: true, AnyHost: true}

func names(list []catalog.Entry) (names []string) {
	for _, e := range list {
		names = append(names, e.Name)
	}
	return names
}

func TestFindReturnsAServiceByName(t *testing.T) {
	github, err := catalog.Find("github", catalog.Options{})
	require.NoError(t, err)
	assert.Equal(t, "GitHub", github.Title)
	assert.Equal(t, "https://api.github.com", github.BaseURL)
	account, err := github.Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "secret"}})
	require.NoError(t, err)
	assert.Equal(t, connectorauth.AuthTypeOAuth2, account.Credential().AuthType())
}

func TestFindSuggestsNames(t *testing.T) {
	for name, want := range map[string]string{
		"githab": "; did you mean github or gitlab?", "gihtub": "; did you mean github?", "jira": "; did you mean atlassian?",
		"quick-books": "; did you mean quickbooks?", "zendeskk": "; did you mean zendesk?", "brevo": "; did you mean sendinblue?",
		"Salesfrce": "; did you mean salesforce?", "365": "; did you mean microsoft?", "pushoverr": "; did you mean pushover?",
		"mailchmpp": "; did you mean mailchimp?", "zzzzzzzz": "", "": "",
	} {
		_, err := catalog.Find(name, catalog.Options{})
		assert.EqualError(t, err, fmt.Sprintf("catalog: no service %q%s", name, want))
	}
	_, err := catalog.Find("jira", catalog.Options{Drafts: true, AnyHost: true})
	require.ErrorContains(t, err, "did you mean atlassian or jira-cloud or jira-data-center?")
	_, err = catalog.Find("../services/github", catalog.Options{})
	require.EqualError(t, err, `catalog: "../services/github" is no name of a service`)
}

// TestSearchForgives has what people type.
func TestSearchForgives(t *testing.T) {
	for text, want := range map[string]string{
		"gmail": "gmail", "gdrive": "google-drive", "Google Mail": "gmail", "outlook": "microsoft-outlook", "jira": "jira-cloud", "quick books": "quickbooks",
		"365": "microsoft", "office 365": "microsoft", "o365": "microsoft", "qbo": "quickbooks", "sfdc": "salesforce", "GHL": "lead-connector", "brevo": "sendinblue",
		"chatgpt": "openai", "x": "twitter", "salesfroce": "salesforce", "slak": "slack", "hubspott": "hubspot", "salck": "slack", "stripr": "stripe",
		"mail chimp": "mailchimp", "active-campaign": "activecampaign", "google calender": "google-calendar", "zendesk ": "zendesk", "gihtub": "github", "ms teams": "microsoft-teams",
	} {
		found := names(catalog.Search(text, everything))
		if assert.NotEmpty(t, found, text) {
			assert.Contains(t, found[:min(3, len(found))], want, "%s: %v", text, found)
		}
	}
	for text, want := range map[string][]string{
		"gmail": {"gmail", "google"}, "gdrive": {"google", "google-drive"}, "youtube": {"google"},
		"outlook": {"microsoft"}, "jira": {"atlassian"}, "365": {"microsoft"},
	} {
		assert.Equal(t, want, names(catalog.Search(text, catalog.Options{})), "%s without drafts", text)
	}
	for _, text := range []string{"slkc", "qqqq", "sla", "abc def", "github gitlab slack"} {
		assert.NotContains(t, names(catalog.Search(text, catalog.Options{})), "github", text)
	}
}

func TestDraftsMustBeAskedFor(t *testing.T) {
	_, err := catalog.Find("pushover", catalog.Options{})
	require.EqualError(t, err, "catalog: pushover is a draft, which one witness describes; set Options.Drafts to use drafts")
	_, err = catalog.Find("pushover", catalog.Options{Drafts: true})
	require.NoError(t, err)
	for _, e := range catalog.List(catalog.Options{AnyHost: true}) {
		assert.False(t, e.Draft, e.Name)
	}
}

func TestProductsAtAnyHostMustBeAskedFor(t *testing.T) {
	_, err := catalog.Find("discourse", catalog.Options{})
	require.EqualError(t, err, `catalog: accounts of discourse may be at any host; set Options.AnyHost, and see "Any host" in package definition`)
	_, err = catalog.Find("discourse", catalog.Options{AnyHost: true})
	require.NoError(t, err)
	assert.NotContains(t, names(catalog.Search("discourse", catalog.Options{})), "discourse")
}

func TestScopesOfTheProgramTakeThePlaceOfThoseOfTheCatalogue(t *testing.T) {
	d, err := catalog.Find("github", catalog.Options{Scopes: []string{"read:user", "workflow"}})
	require.NoError(t, err)
	account, err := d.Connect(definition.Connection{Client: definition.Client{ID: "id", Secret: "secret"}})
	require.NoError(t, err)
	address, _, err := account.Credential().(*connectorauth.OAuth2).Begin(t.Context(), "https://program.example/callback")
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	assert.Equal(t, "read:user workflow", u.Query().Get("scope"))
	_, err = catalog.Find("github", catalog.Options{Scopes: []string{""}})
	require.Error(t, err)
	again, err := catalog.Find("github", catalog.Options{})
	require.NoError(t, err)
	assert.NotContains(t, again.Methods[0].Scheme.(*definition.OAuth2).Scopes, definition.Scope{Name: "workflow"})
}

func TestSearchLooksAtNamesAndTitles(t *testing.T) {
	found := names(catalog.Search("Git", catalog.Options{}))
	assert.Contains(t, found[:3], "github")
	assert.Contains(t, found[:3], "gitlab")
	assert.Equal(t, []string{"google-gemini"}, names(catalog.Search("gemini google", catalog.Options{})))
	for text, want := range map[string]string{"googledrive": "google-drive", "e-bay": "ebay", "github.com": "github", "https://www.salesforce.com/": "salesforce", "notion.so": "notion", "api.stripe.com": "stripe", "bochasearch": "bocha-search", "TwinWebAgent": "twin-labs", "moveo-ia": "moveo-ai", "https://www.bonjoro.com/api/v2": "bonjoro", "Jira D": "jira-data-center"} {
		require.NotEmpty(t, catalog.Search(text, everything), text)
		assert.Equal(t, want, names(catalog.Search(text, everything))[0], text)
	}
	assert.Less(t, len(catalog.Search("github.com", everything)), 4, "documentation at github.com is not the service")
	assert.Empty(t, catalog.Search("no such service", everything))
	assert.Empty(t, catalog.Search("gru", everything), "three letters are too few for a slip")
	assert.NotContains(t, names(catalog.Search("atl", everything)), "snapchat-marketing", "three letters are no words that lost their space")
	assert.Contains(t, names(catalog.Search("https://www.googleapis.com/youtube", everything)), "gmail", "www says nothing")
	found = names(catalog.Search("Twit", everything))
	assert.Less(t, slices.Index(found, "twitter"), slices.Index(found, "stocktwits"), "a title begins with the text")
	_, err := catalog.Find("activecampaignx", everything)
	require.EqualError(t, err, `catalog: no service "activecampaignx"; did you mean activecampaign?`)
	assert.Empty(t, catalog.Search("-", everything))
	assert.Equal(t, catalog.List(everything), catalog.Search("", everything))
}

func TestByHostKnowsTheHostsOfTemplates(t *testing.T) {
	for address, want := range map[string]string{
		"https://api.github.com/user":                    "github",
		"acme.zendesk.com":                               "zendesk",
		"acme.zendesk.com/api/v2":                        "zendesk",
		"acme.zendesk.com:443":                           "zendesk",
		" api.hubapi.com. ":                              "hubspot",
		"https://ACME.zendesk.com/api/v2/users/me.json":  "zendesk",
		"https://my-store.myshopify.com/admin/shop.json": "shopify",
		"https://us-east.api.pipelinersales.com":         "pipeliner",
		"https://acme.my.salesforce.com/services":        "salesforce",
		"huggingface.co":                                 "huggingface",
	} {
		assert.Contains(t, names(catalog.ByHost(address, everything)), want, address)
	}
	for _, address := range []string{"https://zendesk.com", "https://my.salesforce.com", "https://evil.example/.my.salesforce.com", "https://evil.example/acme.zendesk.com", "https://a.b.zendesk.com.evil.example", "https://us-west.api.pipelinersales.com", "https://api.github.com@evil.example", "https://evil.example/?u=api.github.com", "https://somebody@api.github.com", "newsdata-io", ""} {
		assert.Empty(t, catalog.ByHost(address, everything), address)
	}
}

// TestShelvesAreFull holds the numbers of the documentation.
func TestShelvesAreFull(t *testing.T) {
	set, err := catalog.Load(catalog.Options{AnyHost: true})
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(set.Definitions()), 300)
	all, err := catalog.Load(everything)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(all.Definitions())-len(set.Definitions()), 590, "README.md says so")
	assert.Len(t, all.Definitions(), len(catalog.List(everything)))
	for _, e := range catalog.List(everything) {
		assert.NotEmpty(t, e.Witnesses, e.Name)
		assert.NotEmpty(t, e.Types, e.Name)
	}
}

// ratio prints how the time of the first compares with that of the second, by the best of
// many rounds.
func ratio(b *testing.B, first, second func() error) {
	one, other := time.Hour, time.Hour
	round := func(f func() error, best *time.Duration) {
		start := time.Now()
		require.NoError(b, f())
		*best = min(*best, time.Since(start))
	}
	for b.Loop() {
		round(first, &one)
		round(second, &other)
	}
	b.ReportMetric(float64(one)/float64(other), "ratio")
	b.ReportMetric(1000*one.Seconds(), "ms")
	b.ReportMetric(0, "ns/op")
}

// unmarshal reads documents as encoding/json does.
func unmarshal(documents [][]byte) error {
	for _, text := range documents {
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return err
		}
	}
	return nil
}

func documents(b *testing.B, patterns ...string) (list [][]byte) {
	b.Helper()
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		require.NoError(b, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(b, err)
			list = append(list, text)
		}
	}
	return list
}

// BenchmarkLoad reads all definitions. The ratio is that to json.Unmarshal of the same
// documents into an any.
func BenchmarkLoad(b *testing.B) {
	all := documents(b, "services/*.json", "drafts/*.json")
	ratio(b, func() error { _, err := catalog.Load(everything); return err }, func() error { return unmarshal(all) })
}

// BenchmarkFind reads one definition. The ratio is that to json.Unmarshal of the document.
func BenchmarkFind(b *testing.B) {
	one := documents(b, "services/github.json")
	ratio(b, func() error { _, err := catalog.Find("github", catalog.Options{}); return err }, func() error { return unmarshal(one) })
}

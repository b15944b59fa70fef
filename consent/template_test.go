package consent_test

import (
	"html/template"
	"io"
	"net/http"
	"testing"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

func TestMistakesInATemplateAreFoundAtTheStart(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown field":                   {"{{.Titel}}{{.Script}}", "Titel"},
		"no script":                       {"<h1>{{.Title}}</h1>", "{{.Script}} once"},
		"script in an attribute":          {`<p title="{{.Script}}">`, "{{.Script}} once"},
		"script twice":                    {"{{.Script}}{{.Script}}", "{{.Script}} once"},
		"no script where something fails": {"{{if not .Reason}}{{.Script}}{{end}}", "{{.Script}} once"},
		"mistake on a page with a reason": {"{{if .Reason}}{{.Reason.Text}}{{end}}{{.Script}}", "Text"},
		"mistake where nothing leads on":  {"{{if not .Back}}{{index .Back 5}}{{end}}{{.Script}}", "index"},
		"mistake on the confirmation":     {"{{if .Continue}}{{.Contine}}{{end}}{{.Script}}", "Contine"},
		"style without nonce":             {"<style>h1 { color: red }</style>{{.Script}}", "<style>"},
		"script of its own":               {"<SCRIPT src=x.js></SCRIPT>{{.Script}}", "<SCRIPT src=x.js>"},
		"mistake in one language":         {`{{if eq .Language "de"}}{{.Titel}}{{end}}{{.Script}}`, "Titel"},
		"cannot be escaped":               {"<script>{{if .Name}}'{{end}}</script>{{.Script}}", "contexts"},
	} {
		t.Run(name, func(t *testing.T) {
			page := template.Must(template.New("page").Parse(test.text))
			_, err := consent.New(consent.Config{URL: "https://app.example", Keys: []connectorauth.Secret{testKey}, Pages: consent.Pages{Template: page},
				Flow: func(*http.Request, string) (consent.Flow, error) { return nil, nil }})
			require.ErrorContains(t, err, "consent: Config.Pages: Template: ")
			require.ErrorContains(t, err, test.want)

			a, flow := program(t, "oauth1")
			err = consent.Loopback(t.Context(), flow, consent.LoopbackOptions{Pages: consent.Pages{Template: page}, Out: io.Discard})
			require.ErrorContains(t, err, "consent: LoopbackOptions.Pages: Template: ")
			require.ErrorContains(t, err, test.want)
			require.Empty(t, a.provider.Requests(""), "nothing was begun")
		})
	}
	_, err := consent.New(consent.Config{Pages: consent.Pages{Template: template.New("empty")}})
	require.ErrorContains(t, err, "Config.Pages: Template: ")
}

// Two handlers may have one template, and the program may go on with the template.
func TestTemplateStaysTheProgramsOwn(t *testing.T) {
	page := template.Must(template.New("page").Parse(`<style nonce="{{.Nonce}}">h1 { color: red }</style>own {{.Title}}{{.Script}}`))
	for range 2 {
		a := newApp(t, authtest.Config{}, func(a *app) { a.config.Pages.Template = page })
		require.Contains(t, a.newBrowser().get(a.config.URL+"/callback/oauth2?code=c").body, "own This request is not valid")
	}
	template.Must(page.Parse("changed {{.Script}}"))
	require.NoError(t, page.Execute(io.Discard, consent.Page{}))
	a := newApp(t, authtest.Config{}, func(a *app) { a.config.Pages.Template = page })
	require.Contains(t, a.newBrowser().get(a.config.URL+"/callback/oauth2?code=c").body, "changed ", "a template that was executed serves too")
}

package browser

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/connectorauth/connectorauth/authtest"
	"github.com/connectorauth/connectorauth/consent"
	"github.com/stretchr/testify/require"
)

// formPage sends the callback as providers do with response_mode=form_post.
var formPage = template.Must(template.New("form").Parse(`<!DOCTYPE html><form method="post" action="{{.Action}}">
{{range $name, $values := .Query}}{{range $values}}<input type="hidden" name="{{$name}}" value="{{.}}">{{end}}{{end}}</form>
<script>document.forms[0].submit()</script>`))

// sendsForms makes the provider send its callbacks as forms.
func (a *app) sendsForms(endpoint string) {
	a.provider.Inject(endpoint, authtest.Always, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			callback, err := url.Parse(recorder.Header().Get("Location"))
			if err != nil || !strings.HasPrefix(callback.String(), a.url) {
				for name, values := range recorder.Header() {
					w.Header()[name] = values
				}
				w.WriteHeader(recorder.Code)
				w.Write(recorder.Body.Bytes())
				return
			}
			query := callback.Query()
			callback.RawQuery = ""
			w.Header().Set("Content-Type", "text/html")
			formPage.Execute(w, struct {
				Action string
				Query  url.Values
			}{callback.String(), query})
		})
	})
}

// formCookies returns how many cookies each form of the provider brought.
func (a *app) formCookies() []int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.cookies)
}

// The provider's form brings no cookie, because the provider is another site. The
// consent ends all the same, in a popup and in the window itself.
func TestFormPost(t *testing.T) {
	tab := launch(t)
	for _, connector := range []string{"oauth2", "oauth1"} {
		t.Run(connector, func(t *testing.T) {
			a := newApp(t)
			a.sendsForms(map[string]string{"oauth2": a.provider.AuthURL, "oauth1": a.provider.AuthorizeURL}[connector])
			a.home(tab)
			press(t, a.popup(tab, connector), "#allow")
			says(t, tab, connector+" connected;")
			require.True(t, a.connected(connector))
			require.Eventually(t, func() bool { return windows(t, tab) == 1 }, time.Minute, 50*time.Millisecond)

			press(t, a.popup(tab, connector), "#deny")
			says(t, tab, connector+" connected;"+connector+" denied;")
			a.requireReasons(consent.ReasonDenied)
			require.Equal(t, []int{0, 0}, a.formCookies())
			require.Eventually(t, func() bool { return windows(t, tab) == 1 }, time.Minute, 50*time.Millisecond)

			do(t, tab, chromedp.Navigate(a.url+"/connect/start?connector="+connector), chromedp.WaitVisible("#allow"))
			press(t, tab, "#allow")
			// chromedp's queries get lost between a form that sends itself and the next page.
			require.Eventually(t, func() bool {
				title, err := chromedp.Run(tab, chromedp.Title())
				return err == nil && title == "Your account is connected"
			}, time.Minute, 50*time.Millisecond)
			require.Equal(t, a.url+"/connect/callback/"+connector, get(t, tab, chromedp.Location()), "the form is taken out of the address")
			require.Equal(t, []int{0, 0, 0}, a.formCookies())
		})
	}
}

// What Done could not record is no success in the page either.
func TestErrorOfDoneReachesThePage(t *testing.T) {
	tab := launch(t)
	a := newApp(t)
	a.doneErr = http.ErrServerClosed
	a.home(tab)
	popup := a.popup(tab, "oauth2")
	press(t, popup, "#allow")
	do(t, popup, chromedp.WaitVisible("#close"))
	require.Equal(t, "Your account may not be ready yet", get(t, popup, chromedp.Title()))
	require.True(t, a.connected("oauth2"))
	press(t, popup, "#close")
	says(t, tab, "oauth2 unrecorded;")
}

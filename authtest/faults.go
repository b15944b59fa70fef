package authtest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"
)

// A Fault is middleware between a request and the endpoint next. A Fault may
// change the request, write a response without next, call next, or change the
// response of next. Ready-made faults are [Delay], [Answer], [DropBefore],
// [DropAfter], [EditAnswer], [EditHeader], [EditCallback] and [RewriteAnswer]; any
// other fault is a function of your own. The provider records a request before
// faults see the request.
type Fault func(next http.Handler) http.Handler

// Always is the number of requests in [Provider.Inject] that means all
// requests.
const Always = -1

type injection struct {
	left   int // how many more requests get the faults; or Always
	faults []Fault
}

// Inject applies faults to the next n requests to an endpoint, given by the
// endpoint's URL. The first fault is the outermost. After several calls of
// Inject, a request gets the faults of a single call: the earliest call with
// requests left. Faults injected with [Always] apply to every request as well,
// closest to the endpoint. Use Always to make the provider differ from a
// standard.
func (p *Provider) Inject(endpoint string, n int, faults ...Fault) {
	if n <= 0 && n != Always {
		panic("authtest: Inject wants a positive number of requests, or Always")
	}
	route := p.routeOf(endpoint)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.injections[route] = append(p.injections[route], &injection{left: n, faults: faults})
}

// ClearFaults removes all faults of [Provider.Inject]. Requests under way keep
// their faults.
func (p *Provider) ClearFaults() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.injections)
}

// withFaults wraps an endpoint in the faults of a request to route.
func (p *Provider) withFaults(route string, h http.Handler) http.Handler {
	p.mu.Lock()
	defer p.mu.Unlock()
	var once *injection
	for _, in := range p.injections[route] {
		switch {
		case in.left == Always:
			h = wrap(h, in.faults)
		case in.left > 0 && once == nil:
			in.left--
			once = in
		}
	}
	if once != nil {
		p.stats.FaultsInjected++
		h = wrap(h, once.faults)
	}
	return h
}

func wrap(h http.Handler, faults []Fault) http.Handler {
	for i := len(faults) - 1; i >= 0; i-- {
		h = faults[i](h)
	}
	return h
}

// Delay waits for d before the request goes on. If the client gives up or the
// provider closes, the wait ends and the connection is closed.
func Delay(d time.Duration) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				next.ServeHTTP(w, r)
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		})
	}
}

// Answer writes a response instead of the endpoint, which does no work. A nil
// header means no header fields.
//
//	authtest.Answer(503, http.Header{"Retry-After": {"2"}}, "")
//
// If header has a Content-Length greater than the length of body, the client
// gets a response that breaks off.
func Answer(status int, header http.Header, body string) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			maps.Copy(w.Header(), header.Clone())
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
}

// DropBefore closes the connection without a response. The endpoint does no
// work.
func DropBefore() Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}
}

// DropAfter lets the endpoint work, for example replace a refresh token, and
// then closes the connection without a response.
func DropAfter() Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		})
	}
}

// EditAnswer changes a successful response of the endpoint. edit gets the
// members of a JSON object, with numbers as float64, or the parameters of a
// form, with values as strings. Responses with a status other than 2xx do not
// change.
func EditAnswer(edit func(response map[string]any)) Fault {
	return RewriteAnswer(func(w http.ResponseWriter, status int, response map[string]any) {
		if status/100 == 2 {
			edit(response)
		}
		if w.Header().Get("Content-Type") == formType {
			writeForm(w, status, response)
			return
		}
		writeJSON(w, status, response)
	})
}

// EditHeader changes the header of the endpoint's response, whatever the status. edit
// gets the status and the header.
//
//	authtest.EditHeader(func(_ int, h http.Header) { h.Set("Content-Type", "text/html") })
func EditHeader(edit func(status int, header http.Header)) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			maps.Copy(w.Header(), recorder.Header())
			edit(recorder.Code, w.Header())
			w.WriteHeader(recorder.Code)
			w.Write(recorder.Body.Bytes())
		})
	}
}

// EditCallback changes what the response of AuthURL brings to the application: the
// parameters code, state, iss, error and further ones. The query that the application
// itself has in its redirect URI is among the parameters. Pages for the account owner do
// not change. A consent takes two requests to AuthURL, for the page and for the decision:
// inject EditCallback for Always or for two requests.
//
//	p.Inject(p.AuthURL, authtest.Always, authtest.EditCallback(func(callback url.Values) {
//		callback.Set("iss", "https://another.example")
//	}))
func EditCallback(edit func(callback url.Values)) Fault {
	return EditHeader(func(_ int, header http.Header) {
		target, err := url.Parse(header.Get("Location"))
		if err != nil || header.Get("Location") == "" {
			return
		}
		callback := target.Query()
		edit(callback)
		target.RawQuery = callback.Encode()
		header.Set("Location", target.String())
	})
}

// RewriteAnswer lets the endpoint work, and then lets rewrite write the
// response. rewrite gets the status and the members of the endpoint's response:
// see [EditAnswer]. The header of w is the header of the endpoint's response,
// with Content-Type.
func RewriteAnswer(rewrite func(w http.ResponseWriter, status int, response map[string]any)) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			response := map[string]any{}
			if recorder.Header().Get("Content-Type") == formType {
				form, _ := url.ParseQuery(recorder.Body.String())
				for name := range form {
					response[name] = form.Get(name)
				}
			} else {
				json.Unmarshal(recorder.Body.Bytes(), &response)
			}
			maps.Copy(w.Header(), recorder.Header())
			rewrite(w, recorder.Code, response)
		})
	}
}

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

// A Fault stands between a request and the endpoint it is for, as middleware
// does: it may change the request, answer by itself, call next, or change what
// next answers. The ready-made ones are [Delay], [Answer], [DropBefore],
// [DropAfter], [EditAnswer] and [RewriteAnswer]; write a function for others.
// Faults see the request after it has been recorded.
type Fault func(next http.Handler) http.Handler

// Always, as the number of requests in [Provider.Inject], means all of them.
const Always = -1

type injection struct {
	left   int // requests still to meet it, or Always
	faults []Fault
}

// Inject lets the next n requests to an endpoint, given by its URL, meet the
// faults, the first of them outermost. Injections are used up one after
// another: a request meets one of them. Those injected with [Always] come on
// top of that: they apply to every request, closest to the endpoint, which
// suits a provider that departs from the standard.
func (p *Provider) Inject(endpoint string, n int, faults ...Fault) {
	if n <= 0 && n != Always {
		panic("authtest: Inject wants a positive number of requests, or Always")
	}
	route := p.routeOf(endpoint)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.injections[route] = append(p.injections[route], &injection{left: n, faults: faults})
}

// ClearFaults forgets what [Provider.Inject] put in. Requests that have met a
// fault already are not affected.
func (p *Provider) ClearFaults() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.injections)
}

// withFaults wraps a handler in the faults that this request is to meet.
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

// Delay waits before the request goes on. The wait ends early, and the
// connection is closed, when the client gives up or the provider closes.
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

// Answer answers in the endpoint's stead, which does no work. A nil header
// means none, such as
//
//	authtest.Answer(503, http.Header{"Retry-After": {"2"}}, "")
//
// A Content-Length greater than the body's cuts the answer off in its middle.
func Answer(status int, header http.Header, body string) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			maps.Copy(w.Header(), header.Clone())
			w.WriteHeader(status)
			io.WriteString(w, body)
		})
	}
}

// DropBefore closes the connection without an answer; the endpoint does no work.
func DropBefore() Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	}
}

// DropAfter lets the endpoint do its work, such as replacing a refresh token,
// and then closes the connection without an answer.
func DropAfter() Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		})
	}
}

// EditAnswer changes the answer of the endpoint: the members of a JSON object
// (where numbers are float64, as usual with encoding/json) or the parameters
// of a form, which are strings. Refusals, with a status other than 2xx, pass
// unchanged.
func EditAnswer(edit func(answer map[string]any)) Fault {
	return RewriteAnswer(func(w http.ResponseWriter, status int, answer map[string]any) {
		if status/100 == 2 {
			edit(answer)
		}
		if w.Header().Get("Content-Type") == formType {
			writeForm(w, status, answer)
			return
		}
		writeJSON(w, status, answer)
	})
}

// RewriteAnswer lets rewrite answer after the endpoint has done its work. It
// is given the status and the members that the endpoint would have answered
// with, as [EditAnswer] is; w has the endpoint's header, Content-Type included.
func RewriteAnswer(rewrite func(w http.ResponseWriter, status int, answer map[string]any)) Fault {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			answer := map[string]any{}
			if recorder.Header().Get("Content-Type") == formType {
				form, _ := url.ParseQuery(recorder.Body.String())
				for name := range form {
					answer[name] = form.Get(name)
				}
			} else {
				json.Unmarshal(recorder.Body.Bytes(), &answer)
			}
			maps.Copy(w.Header(), recorder.Header())
			rewrite(w, recorder.Code, answer)
		})
	}
}

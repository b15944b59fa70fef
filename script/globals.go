package script

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/dop251/goja"
)

const (
	maxEndpoint = 16 << 10 // bytes of a URL that a script makes
	maxMethod   = 32       // and of an HTTP method
)

// setUp makes the globals that the script mentions, before its first line runs.
func (r *run) setUp() error {
	if err := r.confine(); err != nil {
		return err
	}
	r.set("script_parameters", func() any { return r.parseJSON(r.parameters) })
	r.set("action_data", func() any { return r.vm.NewObject() })
	r.set("method_endpoint", func() any { return r.endpoint.String() })
	r.set("AuthRefreshException", func() any { return r.exception("AuthRefreshException", &r.refresh) })
	r.set("AuthSessionException", func() any { return r.exception("AuthSessionException", &r.session) })
	for name, help := range helpers {
		r.set(name, func() any { return r.function(help) })
	}
	e := r.exchange
	if e == nil {
		return nil
	}
	r.set("method_auth_value", func() any { return string(e.Auth) })
	r.set("http_method", func() any { return cmp.Or(e.Request.Method, http.MethodGet) })
	r.set("method_request_headers", func() any {
		r.headers = r.showHeaders(e.Request.Header)
		return r.headers.object
	})
	r.request = &body{
		run: r, empty: "{}",
		read:        func() ([]byte, error) { return e.RequestBody(r.maxBody) },
		contentType: func() string { return e.Request.Header.Get("Content-Type") },
	}
	return r.request.define("method_request")
}

// setUpAnswer makes the globals of an event that follows a response.
func (r *run) setUpAnswer() error {
	if r.exchange == nil || r.exchange.Response == nil {
		return nil
	}
	resp := r.exchange.Response
	r.set("method_response_headers", func() any {
		r.answerHeaders = r.showHeaders(resp.Header)
		return r.answerHeaders.object
	})
	r.response = &body{
		run: r, empty: "null",
		read:        func() ([]byte, error) { return r.exchange.ResponseBody(r.maxBody) },
		contentType: func() string { return resp.Header.Get("Content-Type") },
	}
	if resp.StatusCode >= http.StatusBadRequest {
		r.set("method_error", func() any {
			o := r.vm.NewObject()
			o.Set("statusCode", resp.StatusCode)
			o.DefineAccessorProperty("error", r.vm.ToValue(r.response.get), nil, goja.FLAG_TRUE, goja.FLAG_TRUE)
			return o
		})
	}
	return r.response.define("method_response")
}

// set makes a global, if the script mentions it.
func (r *run) set(name string, value func() any) {
	if r.script.mentions(name) {
		r.vm.GlobalObject().DefineDataProperty(name, r.vm.ToValue(value()), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
	}
}

func (r *run) parseJSON(text string) goja.Value {
	v, err := r.parse(goja.Undefined(), r.vm.ToValue(text))
	if err != nil {
		panic(err)
	}
	return v
}

// exception returns the constructor of an exception, an Error whose prototype
// tells it from others.
func (r *run) exception(name string, prototype **goja.Object) goja.Value {
	constructor := r.vm.ToValue(func(call goja.ConstructorCall) *goja.Object {
		if message := call.Argument(0); !goja.IsUndefined(message) {
			call.This.Set("message", message)
		}
		return nil
	}).(*goja.Object)
	*prototype = constructor.Get("prototype").(*goja.Object)
	(*prototype).SetPrototype(r.vm.NewTypeError("").Prototype().Prototype()) // Error's
	(*prototype).Set("name", name)
	return constructor
}

// takeOver carries what a handler changed into the message. Before the response
// that is the request, then the response.
func (r *run) takeOver() error {
	if r.exchange == nil {
		return r.takeEndpoint()
	}
	if resp := r.exchange.Response; resp != nil {
		if r.answerHeaders != nil {
			if err := r.takeHeaders("method_response_headers", r.answerHeaders, resp.Header); err != nil {
				return err
			}
		}
		return r.response.take(r.exchange.SetResponseBody, resp.Header)
	}
	req := r.exchange.Request
	if r.script.mentions("http_method") {
		method := r.text("http_method")
		if method != req.Method && (len(method) > maxMethod || !isToken(method) || method == http.MethodConnect) {
			return invalid("http_method is not a method that can be sent")
		}
		req.Method = method
	}
	if err := r.takeEndpoint(); err != nil {
		return err
	}
	if r.headers != nil {
		if err := r.takeHeaders("method_request_headers", r.headers, req.Header); err != nil {
			return err
		}
	}
	return r.request.take(r.exchange.SetRequestBody, req.Header)
}

// takeEndpoint carries method_endpoint into the URL. Whether credentials may go
// there is checked by what called the hook.
func (r *run) takeEndpoint() error {
	if !r.script.mentions("method_endpoint") {
		return nil
	}
	text := r.text("method_endpoint")
	if text == r.endpoint.String() {
		return nil
	}
	u, err := r.endpoint.Parse(text)
	if err != nil || len(text) > maxEndpoint || u.Host == "" || u.User != nil || strings.ContainsFunc(text, isControl) {
		return invalid("method_endpoint is not a URL that can be sent to")
	}
	*r.endpoint = *u
	return nil
}

// text returns a global as a string.
func (r *run) text(name string) string {
	if v := r.vm.GlobalObject().Get(name); v != nil {
		return v.String()
	}
	return ""
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

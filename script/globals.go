package script

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/dop251/goja"
)

const (
	maxEndpoint = 16 << 10 // length of a new URL, in bytes
	maxMethod   = 32       // length of a new HTTP method, in bytes
)

// setUp makes the globals that the script mentions. setUp must come before the
// script's first line.
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
		r.requestHeaders = r.newHeaders(e.Request.Header)
		return r.requestHeaders.object
	})
	r.request = &body{
		run: r, empty: "{}",
		read:        func() ([]byte, error) { return e.RequestBody(r.maxBody) },
		contentType: func() string { return e.Request.Header.Get("Content-Type") },
	}
	return r.request.define("method_request")
}

// setUpResponse makes the globals of the response. setUpResponse does nothing if
// there is no response yet.
func (r *run) setUpResponse() error {
	if r.exchange == nil || r.exchange.Response == nil {
		return nil
	}
	resp := r.exchange.Response
	r.set("method_response_headers", func() any {
		r.responseHeaders = r.newHeaders(resp.Header)
		return r.responseHeaders.object
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

// set makes a global with this value, if the script mentions the name.
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

// exception returns the constructor of an exception. The exception is an Error, and
// its prototype is stored at prototype.
func (r *run) exception(name string, prototype **goja.Object) goja.Value {
	constructor := r.vm.ToValue(func(call goja.ConstructorCall) *goja.Object {
		if message := call.Argument(0); !goja.IsUndefined(message) {
			call.This.Set("message", message)
		}
		return nil
	}).(*goja.Object)
	*prototype = constructor.Get("prototype").(*goja.Object)
	(*prototype).SetPrototype(r.vm.NewTypeError("").Prototype().Prototype()) // the prototype of Error
	(*prototype).Set("name", name)
	return constructor
}

// apply writes the changes of a handler to the response, or to the request if there
// is no response yet.
func (r *run) apply() error {
	if r.exchange == nil {
		return r.applyEndpoint()
	}
	if resp := r.exchange.Response; resp != nil {
		if r.responseHeaders != nil {
			if err := r.applyHeaders("method_response_headers", r.responseHeaders, resp.Header); err != nil {
				return err
			}
		}
		return r.response.apply(r.exchange.SetResponseBody, resp.Header)
	}
	req := r.exchange.Request
	if r.script.mentions("http_method") {
		method := r.text("http_method")
		if method != req.Method && (len(method) > maxMethod || !isToken(method) || method == http.MethodConnect) {
			return invalid("http_method must be an HTTP method of at most %d bytes, and not CONNECT", maxMethod)
		}
		req.Method = method
	}
	if err := r.applyEndpoint(); err != nil {
		return err
	}
	if r.requestHeaders != nil {
		if err := r.applyHeaders("method_request_headers", r.requestHeaders, req.Header); err != nil {
			return err
		}
	}
	return r.request.apply(r.exchange.SetRequestBody, req.Header)
}

// applyEndpoint writes method_endpoint to the URL. The caller of the hook checks
// whether credentials may go to the new URL.
func (r *run) applyEndpoint() error {
	if !r.script.mentions("method_endpoint") {
		return nil
	}
	text := r.text("method_endpoint")
	if text == r.endpoint.String() {
		return nil
	}
	u, err := r.endpoint.Parse(text)
	if err != nil || len(text) > maxEndpoint || u.Host == "" || u.User != nil || strings.ContainsFunc(text, isControl) {
		return invalid("method_endpoint must be a URL with a host, without user name or password, of at most %d bytes", maxEndpoint)
	}
	*r.endpoint = *u
	return nil
}

// text returns the value of a global as a string. Empty means that there is no such
// global.
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

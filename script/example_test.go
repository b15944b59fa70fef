package script_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/connectorauth/connectorauth"
	"github.com/connectorauth/connectorauth/script"
)

// echo starts an API. A response has the body of the request.
func echo() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		fmt.Fprintf(w, "%s", body)
		fmt.Println(r.Method, r.URL, r.Header.Get("Authorization"), string(body))
	}))
}

// run sends body to the API, with an API key and a script, and prints the response.
func run(source, body string, o script.Options) {
	api := echo()
	defer api.Close()
	key, err := connectorauth.NewAPIKey(connectorauth.APIKeyConfig{Key: "the-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	compiled, err := script.Compile(source)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := script.Wrap(key, compiled, o)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := connectorauth.NewClient(c, nil).Post(api.URL+"/orders", "application/json", strings.NewReader(body))
	if err != nil {
		fmt.Println(errors.Unwrap(err))
		return
	}
	defer resp.Body.Close()
	received, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(received))
}

func Example() {
	run(`function before_action() {
		method_request_headers.Authorization = 'Bearer ' + method_auth_value;
		return true;
	}`, `{"id": 1}`, script.Options{})
	// Output:
	// POST /orders Bearer the-key {"id": 1}
	// 200 OK {"id": 1}
}

// A script can change the body, the URL and the method of a request. A JSON body is
// an object.
func Example_request() {
	run(`function before_action() {
		method_request.account = script_parameters.account;
		method_endpoint += '/latest?dry=true';
		http_method = 'PUT';
	}`, `{"id": 1}`, script.Options{Parameters: map[string]any{"account": 4711}})
	// Output:
	// PUT /orders/latest?dry=true the-key {"id": 1,"account":4711}
	// 200 OK {"id": 1,"account":4711}
}

// A script can change the response. action_data carries values from the event before
// the request to the event after the response.
func Example_response() {
	run(`
	function before_action() { action_data.id = method_request.id }
	function after_action() {
		method_response.asked = action_data.id;
		method_response.type = method_response_headers['Content-Type'];
	}`, `{"id": 1}`, script.Options{})
	// Output:
	// POST /orders the-key {"id": 1}
	// 200 OK {"id": 1,"asked":1,"type":"application/json"}
}

func Example_sign() {
	run(`function before_action() {
		method_request_headers.Authorization = sign('HMAC-SHA256', method_auth_value, method_request_content, 'base64');
	}`, `{ "id": 1 }`, script.Options{})
	// Output:
	// POST /orders V24Ukmq8z/k2JoZ7YmB2OXbDmyAjMroheGkS4Yo5aSo= { "id": 1 }
	// 200 OK { "id": 1 }
}

// The functions accept and return bytes in several encodings.
func Example_functions() {
	run(`function before_action() {
		var key = sign('HMAC-SHA256', 'secret', '2024-01-01'); // hex
		method_request = {
			base64: [base64_encode('é'), base64_decode('w6k='), base64url_encode({hex: 'fbff'}), base64url_decode('-_8', 'hex')],
			hex: [hex_encode('é'), hex_decode('c3a9')],
			utf8: [utf8_encode('é'), utf8_decode([195, 169])],
			url: [url_encode('a b&c'), url_decode('a%20b%26c')],
			digests: [md5('a').slice(0, 6), sha1('a').slice(0, 6), sha256('a', 'base64').slice(0, 6), sha512('a').slice(0, 6)],
			sign: sign('HMAC-SHA1', {hex: key}, 'next').slice(0, 6),
			random: random_bytes(16).length,
			clock: Math.abs(unix_time() - Date.now() / 1000) < 2
		};
	}`, ``, script.Options{})
	// Output:
	// POST /orders the-key {"base64":["w6k=","é","-_8","fbff"],"hex":["c3a9","é"],"utf8":[[195,169],"é"],"url":["a%20b%26c","a b&c"],"digests":["0cc175","86f7e4","ypeBEs","1f40fc"],"sign":"180722","random":32,"clock":true}
	// 200 OK {"base64":["w6k=","é","-_8","fbff"],"hex":["c3a9","é"],"utf8":[[195,169],"é"],"url":["a%20b%26c","a b&c"],"digests":["0cc175","86f7e4","ypeBEs","1f40fc"],"sign":"180722","random":32,"clock":true}
}

// If a script throws, the request fails. The error does not contain the credential.
func Example_throw() {
	run(`function before_action() {
		if (!method_request.id) throw 'an order needs an id, or else ' + method_auth_value;
	}`, `{}`, script.Options{})
	// Output:
	// connectorauth: the hook before the request: script: before_action: line 2, column 27: an order needs an id, or else [redacted]
}

// Package script runs JavaScript on the requests and responses of a connector. A
// script is for an API that needs more than an auth type, such as a signature of
// its own. Compile a script once, and wrap it around a connector:
//
//	compiled, err := script.Compile(`
//		function before_action() {
//			method_request_headers.Authorization = 'Bearer ' + method_auth_value;
//			return true;
//		}`)
//	...
//	connector, err = script.Wrap(connector, compiled, script.Options{})
//	client := connectorauth.NewClient(connector, nil)
//
// # Events
//
// A script handles an event with a function of the same name at the top level:
//
//   - before_action: a request is ready to be sent and carries its credentials.
//   - after_action: the response has a status of success, 2xx.
//   - after_error: the response has a status of failure, 4xx or 5xx.
//   - before_oauth2_authorise: the account owner (the resource owner of RFC 6749)
//     is about to visit the authorization URL, method_endpoint.
//   - before_oauth2_token, after_oauth2_token: a token request and its response.
//   - before_oauth2_refresh, after_oauth2_refresh: a token request with a refresh
//     token, and its response.
//
// If a handler returns false or throws, the request fails with an [*Error]. With
// any other result the request goes on. A handler may be an async function. If the
// connector renews its token and sends a request again, the events of the request
// happen again.
//
// # Globals
//
// A handler may change these globals. Changes before a request are sent. Changes
// after a response reach the caller, and the connector reads a changed token
// response:
//
//   - method_request_headers: an object with the headers. A new value replaces the
//     header of the same name, in upper or lower case. delete removes a header, and
//     an array sends several values.
//   - method_request: the body. A JSON body or a form is an object, other text is a
//     string, an empty body is {}, and bytes that are not UTF-8 are undefined. The
//     package sends an object in the format of the original body, or as JSON. A
//     body without changes is sent byte for byte. A body is read only if the script
//     uses the global.
//   - method_endpoint: the URL. A new URL must be within the connector's Hosts, or
//     on the origin of the request.
//   - http_method: the method.
//   - method_response, method_response_headers: the same for the response, in events
//     after the response. An empty body is null.
//   - method_error: {statusCode, error}, if the status is 400 or more; error is the
//     body.
//
// A change to these globals has no effect outside the script:
//
//   - method_auth_value: the credential. For ApiKey: the key. For Basic: user name
//     and password in base64. For OAuth2: the access token. Otherwise empty.
//   - script_parameters: a copy of [Options].Parameters.
//   - action_data: an object, empty at first. The events of one request and its
//     response share the object.
//
// # Exceptions
//
// After a response, throw new AuthRefreshException(message) makes the connector
// renew its token and send the request once more. At any time, throw new
// AuthSessionException(message) is an error that matches [ErrSession].
//
// # Functions
//
// An argument named bytes may be a string (meaning its UTF-8), an array of numbers,
// {hex: "..."} or {base64: "..."}. An argument named encoding is optional and says
// how the function returns bytes: "text", "hex", "base64", "base64url", or "bytes"
// for an array of numbers.
//
//   - base64_encode(bytes), base64url_encode(bytes), hex_encode(bytes),
//     url_encode(bytes). url_encode keeps letters, digits and -._~ as they are.
//   - base64_decode(text, encoding), base64url_decode, hex_decode, url_decode. The
//     default encoding is "text".
//   - utf8_encode(text) returns an array of numbers. utf8_decode(bytes) returns
//     text.
//   - md5(bytes, encoding), sha1, sha256, sha512. The default encoding is "hex".
//   - sign(method, key, bytes, encoding). HMAC-SHA1, HMAC-SHA256 and HMAC-SHA512
//     return "hex" by default. RSA-SHA1, RSA-SHA256 and RSA-SHA512 return "base64" by
//     default: they use PKCS #1 v1.5 with a private key in PEM.
//   - unix_time() returns the time in whole seconds. Date works as well.
//   - random_bytes(count, encoding). The default encoding is "hex".
//
// A script has the language without files, network, environment, timers, eval,
// Function, Proxy, BigInt, ArrayBuffer and typed arrays. A global exists only if
// its name is in the source.
//
// # Limits
//
// Each request has a JavaScript runtime of its own, so values in globals do not
// last. The package limits time, call depth, source and results: see [Options],
// [MaxSource] and [ErrLimit]. In the whole program, at most two scripts per
// processor run at a time. Other scripts wait; the wait does not count as time of
// the script. Array methods work only on arrays, of about a million elements at
// most: use rest parameters instead of arguments.
//
// An error names the event, line and column. The package removes credentials from
// the error text, in plain and in common encodings.
//
// The limits stop mistakes and most attacks, but not every attack. Time is checked
// between the instructions of a script, and memory only at calls that can take a
// lot. If strangers write the scripts, run them in a process with a memory limit.
//
// Importing the package changes a setting of the whole program: the match timeout
// of github.com/dlclark/regexp2 (regexp2.DefaultMatchTimeout) becomes one second,
// unless an earlier init function has set a timeout. The timeout stops patterns that
// backtrack for long. A program that needs another timeout for its own patterns sets
// the timeout of each pattern.
package script

// Package script lets connector authors write, in JavaScript, what an API wants
// beyond its auth type. A script is compiled once and wrapped around a connector:
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
// An event is handled by the function of its name, declared at the top level:
//
//   - before_action: a request is about to be sent, its credentials in place.
//   - after_action: it was answered with success, 2xx.
//   - after_error: it was answered with an error, 4xx or 5xx.
//   - before_oauth2_authorise: the account owner is about to be sent to method_endpoint.
//   - before_oauth2_token, after_oauth2_token: a token request and its answer.
//   - before_oauth2_refresh, after_oauth2_refresh: the same with a refresh token.
//
// A handler that returns false, or throws, ends the request with an [*Error];
// anything else lets it go on. It may be an async function. A request that is
// sent twice, because its token was renewed, raises its events twice.
//
// # Globals
//
// What a handler changes in those of the request is sent, in those of the
// response is what the caller gets to see, and what the connector gets to see of
// a token:
//
//   - method_request_headers: an object. A header of another spelling is replaced;
//     delete removes one; an array sends several.
//   - method_request: the body. JSON and forms are objects, other text is a string,
//     no body is {}, and what is no text is undefined. An object is sent as what the
//     body was, or as JSON. A body that is not changed is sent byte for byte; one
//     that is not looked at is not even read.
//   - method_endpoint: the URL, and http_method: the method. A URL must stay within
//     the connector's Hosts, or on its origin.
//   - method_response, method_response_headers: the same of the response, null for
//     no body. In the events after it.
//   - method_error: {statusCode, error}, with the body as error, where the status is
//     400 or more.
//
// And those that are only read:
//
//   - method_auth_value: the credential. ApiKey: the key; Basic: user name and
//     password in base64; OAuth2: the access token; otherwise empty.
//   - script_parameters: a copy of [Options].Parameters.
//   - action_data: an object, empty at first, that passes from the event before a
//     request to the one after it.
//
// # Exceptions
//
// throw new AuthRefreshException(message), after a response, makes the connector
// renew its token and send the request once more. throw new
// AuthSessionException(message) gives an error that matches [ErrSession].
//
// # Functions
//
// Where bytes are wanted, a string stands for its UTF-8; an array of numbers,
// {hex: "..."} and {base64: "..."} will do as well. Where bytes are returned, an
// optional encoding says how: "text", "hex", "base64", "base64url" or "bytes", an
// array of numbers.
//
//   - base64_encode(bytes), base64url_encode(bytes), hex_encode(bytes),
//     url_encode(bytes), which leaves letters, digits and -._~ alone
//   - base64_decode(text, encoding), base64url_decode, hex_decode, url_decode: as
//     "text" unless said otherwise
//   - utf8_encode(text), an array of numbers; utf8_decode(bytes)
//   - md5(bytes, encoding), sha1, sha256, sha512: as "hex"
//   - sign(method, key, bytes, encoding): HMAC-SHA1, HMAC-SHA256 and HMAC-SHA512 as
//     "hex"; RSA-SHA1, RSA-SHA256 and RSA-SHA512 (PKCS #1 v1.5, the key in PEM) as
//     "base64"
//   - unix_time(), in whole seconds; Date is there too
//   - random_bytes(count, encoding): as "hex"
//
// Of the language there is what a message needs. There are no files, network,
// environment, timers, eval, Function, Proxy, BigInt, ArrayBuffer or typed arrays.
// A global is there if the source names it.
//
// # Limits
//
// Each message has a runtime of its own, so nothing that a script does to its
// globals lasts. Time, nesting, source and results are limited: see [Options],
// [MaxSource] and [ErrLimit]. At most two scripts for each processor run at once,
// in all of the program; the others wait for their turn, which is not counted.
// Methods of arrays work on arrays alone, of about a million elements at the most:
// use rest parameters in place of arguments.
//
// Errors name the event, the line and the column, and what the script could know
// of credentials is taken out of their text, in its usual encodings.
//
// The limits end mistakes, and most malice. But time is looked at between the
// instructions of a script, and memory only where one call could take much of it,
// so whoever lets strangers write scripts should run them in a process with a
// memory limit. To bound patterns that backtrack, the package gives
// github.com/dlclark/regexp2, for all of the program, a match time of one second,
// unless it has one.
package script

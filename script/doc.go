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
//   - before_oauth2_token, after_oauth2_token, after_oauth2_token_error: a token
//     request, and its response with a status of success or of failure.
//   - before_oauth2_refresh, after_oauth2_refresh, after_oauth2_refresh_error: the same
//     for a token request with a refresh token.
//
// Compile refuses a function at the top level whose name looks like an event and is
// none, and names the nearest event.
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
//   - method_request_parameters: the query of the URL, as an object. A value that
//     occurs several times is an array. Parameters without changes keep their spelling.
//   - method_error, if the status is 400 or more: {statusCode, reasonPhrase, content,
//     error, isSuccess}. content is the body as text, and error the body as
//     method_response has it. isSuccess = true gives the response the status 200.
//
// What a script does not change is sent as it came: numbers keep their digits, and
// members their order and their escapes. A number that JavaScript would round, and
// that the script has moved to another place as text, is an error.
//
// A change to these globals has no effect outside the script:
//
//   - method_auth_value: the credential. For ApiKey: the key. For Basic: user name
//     and password in base64. For OAuth2: the access token. Otherwise empty.
//   - script_parameters: a copy of [Options].Parameters.
//   - method_request_mergefields: a copy of [Options].MergeFields.
//   - statusCode and reasonPhrase: of the response.
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
//   - btoa(text), atob(text): base64 of a text whose characters are bytes, as in
//     browsers.
//   - sign(method, key, bytes, encoding), also as cyclr_sign. The method is HMAC- or RSA-
//     with SHA1, SHA224, SHA256, SHA384 or SHA512, such as HMAC-SHA256. HMAC returns
//     "hex" by default. RSA returns "base64" by default, and uses PKCS #1 v1.5 with a
//     private key in PEM, of at most 8192 bits.
//   - unix_time() returns the time in whole seconds. Date works as well.
//   - random_bytes(count, encoding). The default encoding is "hex".
//
// A script has the language of QuickJS-ng (ECMAScript 2023 and later) without files,
// network, environment, timers, eval and Function. Times are in UTC.
//
// # Limits
//
// Each message has a machine of its own, so values in globals last from a request to
// its response and no longer. The engine is compiled to WebAssembly, so a script
// reaches nothing but the globals above.
//
//	what                        limit                        set by
//	time of one event           250 ms                       Options.TimeLimit
//	memory of one event         32 MiB, with the engine      Options.MemoryLimit
//	a body that a script reads  1 MiB                        Options.MaxBody
//	source                      64 KiB                       MaxSource
//	arguments of a function     4 MiB
//	random_bytes                1,024 bytes
//	a new URL                   16 KiB
//
// A limit ends the event with an error that matches [ErrLimit], also inside built-in
// functions, regular expressions and JSON. As many scripts run at a time as there are
// processors, and tenants share the processors: see Options.Tenant. The wait for a turn
// does not count as time of the script, and ends with the context of the request.
//
// An error names the event, line and column. The package removes credentials from
// the error text, in plain and in common encodings.
package script

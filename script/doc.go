// Package script runs JavaScript on the requests and responses of a connector. A
// script is for an API that needs more than an auth type, such as a signature of
// its own. [Compile] a script once, and wrap it around a connector:
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
// docs/scripts.md has thirteen recipes.
//
// # Events
//
// A script handles an event with a function of the same name at the top level. The
// top level runs once for each request, before the first event. At the top level, a
// function whose name begins with before or after, or is one or two letters away from an
// event, and is no event, is an error of Compile. A script without a handler does
// nothing.
//
//	before_action               a request is ready to be sent and carries its credentials
//	after_action                the response has a status of success, 2xx
//	after_error                 the response has a status of failure, 4xx or 5xx
//	before_oauth2_authorise     the account owner (the resource owner of RFC 6749) is about
//	                            to visit the authorization URL, method_endpoint
//	before_oauth2_token         a token request
//	after_oauth2_token          a token response; with any status, if there is no handler
//	                            of after_oauth2_token_error
//	after_oauth2_token_error    a token response with a status of failure
//	before_oauth2_refresh       a token request with a refresh token
//	after_oauth2_refresh        its response; statuses as with after_oauth2_token
//	after_oauth2_refresh_error  its response with a status of failure
//
// If a handler returns false or throws, the request fails with an [*Error]. With
// any other result the request goes on. A handler may be an async function. If the
// connector renews its token and sends a request again, the events of the request
// happen again.
//
// After an error in an event of a renewal, the renewal has failed for now, and the
// connector asks again later. If only the account owner can help, a handler makes the
// token response {error: "invalid_grant"} instead: see ErrReauthRequired of package
// connectorauth. With a status that says "later", such as 503, isSuccess = true is
// necessary too.
//
// # Names
//
// A handler may change the globals of the first group. Changes before a request are
// sent. Changes after a response reach the caller, and the connector reads a changed
// token response. A change to the other globals has no effect outside the script.
//
//	method_request_headers      an object with names such as Content-Type. A new value
//	                            replaces the header of the same name, in upper or lower
//	                            case; delete, null and undefined remove a header; an array
//	                            sends several values; numbers are sent as texts
//	method_request_parameters   the query, an object, with values as in headers; the value of
//	                            a repeated name is an array
//	method_request              the body. A JSON body or a form is an object, other text is
//	                            a string, an empty body is {}, and bytes that are not UTF-8
//	                            are undefined. An object is sent in the format of the
//	                            original body, or as JSON; a string is sent as it is
//	method_endpoint             the URL, with its escapes. A new URL may be relative, and
//	                            must be within the connector's Hosts, or on the origin of
//	                            the request
//	http_method                 the method
//	method_response_headers     as for requests, in events after the response
//	method_response             as for requests; an empty body is null
//	method_error                if the status is 400 or more: {statusCode, reasonPhrase,
//	                            content, error, isError, isWarning, isSuccess}. content is
//	                            the body as a text, error is method_response. A new content
//	                            is the new body. isSuccess = true makes the status 200.
//	                            With other statuses: undefined
//
//	method_request_content      the body as a text, byte for byte, to be signed: before a
//	                            request as the body came, afterwards as the body was sent.
//	                            An error if the bytes are not UTF-8
//	method_auth_value           the credential. For ApiKey: the key. For Basic: user name
//	                            and password in base64. For OAuth2: the access token.
//	                            For Custom: the value. For a session: the value in the
//	                            first of its Places. Otherwise, as for a Join, empty: the
//	                            credentials are in the headers, the query or the body
//	method_request_mergefields  a copy of Options.MergeFields, which the events of one
//	                            request and its response share
//	script_parameters           a copy of Options.Parameters
//	action_data                 an object, empty at first, which the events of one request
//	                            and its response share
//	statusCode, reasonPhrase    the status of the response
//
// # Exact bytes
//
// What a script does not change goes out byte for byte: numbers as they are spelled,
// members in their order, escapes, spaces, parts of a form or of the query. A value
// that equals what was parsed at its path keeps its source; only what differs is
// written anew. A number with more digits than JavaScript keeps is rounded in the
// script. At its place, or if the number alone moves within the body, the number keeps
// its digits. Where that is impossible, as in a text, a header, the URL, an argument of
// the functions below or another message, the request fails. Different numbers may look
// alike after the rounding, such as neighbouring numbers of 19 digits. They keep their
// digits only while their arrays and objects stay at their places; otherwise the request
// fails. JSON.stringify makes a text: to sign a body, leave the body as it is, and sign
// method_request_content.
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
//	base64_encode(bytes), base64url_encode(bytes), hex_encode(bytes)
//	url_encode(bytes)                    keeps letters, digits and -._~ as they are
//	base64_decode(text, encoding), base64url_decode, hex_decode, url_decode
//	                                     "text" by default
//	btoa(text, charset), atob(text, charset)
//	                                     base64; "UTF-8" by default, "ISO-8859-1" or "ASCII"
//	utf8_encode(text)                    an array of numbers
//	utf8_decode(bytes)                   a text
//	md5(bytes, encoding), sha1, sha256, sha512
//	                                     "hex" by default
//	sign(method, key, bytes, encoding)   HMAC-SHA1, -SHA224, -SHA256, -SHA384 and -SHA512: "hex"
//	                                     by default. RSA-SHA1, -SHA224, -SHA256, -SHA384 and
//	                                     -SHA512: PKCS #1 v1.5 with a private key in PEM,
//	                                     "base64" by default
//	cyclr_sign                           another name of sign
//	unix_time()                          the time in whole seconds; Date works as well, in UTC
//	random_bytes(count, encoding)        "hex" by default; Math.random is no source of secrets
//
// A script has the whole language (ECMAScript), without files, network, environment,
// console, timers, modules, eval and Function. Error.prepareStackTrace has no effect.
//
// # Limits
//
// A script, or a response to a script, can cost its own message only. Scripts run in
// QuickJS, which is compiled to WebAssembly and cannot reach the memory of the
// program. Each loop of the engine is metered, so built-in functions end at the
// limit too. [ErrLimit] tells that a limit was exceeded.
//
//	time of an event        250 ms, or Options.TimeLimit
//	memory of an event      32 MiB, or Options.MemoryLimit
//	body                    1 MiB, or Options.MaxBody; larger bodies cannot be read or made
//	depth of calls          about 300 KiB of the engine's stack: some hundred calls
//	source                  MaxSource, 64 KiB
//	a new URL               16 KiB
//	headers                 512 KiB together; new headers 64 KiB together
//	arguments of a call     4 MiB, for the functions above
//	array of bytes          1 MiB, from the functions above
//	parts of a form         20,000
//	extreme numbers         300 with exponents of three digits or with 200 digits, in a body
//	RSA key                 4096 bits
//	random_bytes            1024 bytes
//	text of an Error        about 500 bytes
//	waiting for responses   256 MiB, or Options.MemoryLimit if that is more, for what the
//	                        scripts of a tenant keep until the responses, together
//
// Each request has a machine of its own: nothing stays for the next request. Between
// the events of a request, only what the script has made and still uses is kept, until
// the response is there: about 5 KiB, and what is in action_data and other globals. The
// body does not count: after the response, method_request is what was sent, read anew.
// A body is read when a script that mentions the body runs; a body of unknown length is
// read when the script uses the body, and the event starts again then.
//
// At most one script for each processor runs at a time, in slices of a millisecond.
// The tenant that has used the least time is next: see [Options].Tenant. All calls of
// [Compile] together are one tenant. A script that
// waits leaves with the context of its request. The engine exists once in a program:
// the first call of Compile compiles the engine, in about a second. On processors other
// than amd64 and arm64 the engine is interpreted, and scripts take about 25 times as
// long.
//
// A new machine is a copy of an image: the memory of a machine that has the language and
// nothing else. A Script has the few KiB that its code adds to the image, so a message
// compiles nothing. The engine notes each write, by cards of 256 bytes, and after an event
// the written cards are copied back from the image. At most two such machines for each
// processor are kept. A machine whose memory has grown is not used again.
// docs/architecture.md tells more.
//
// An error names the event, line and column. The package removes credentials from
// the error text, in plain and in common encodings: the credential of the connector,
// Secrets in [Options], the fields of an AuthFields, and what is secret by its name,
// such as a token in a body. If the messages have more than 200 secrets in a body, 128 KiB of
// secrets, or a long error text besides many secrets, the text is withheld.
package script

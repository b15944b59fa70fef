// The service wants its key as a bearer token.
function before_action() {
	method_request_headers.Authorization = 'Bearer ' + method_auth_value;
	return true;
}

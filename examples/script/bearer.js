// This service expects the API key as a bearer token (RFC 6750).
function before_action() {
	method_request_headers.Authorization = 'Bearer ' + method_auth_value;
	return true;
}

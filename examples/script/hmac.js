// This service expects a signature on each request: HMAC-SHA256 over method, path,
// time and body. A request does not carry the key itself.
function before_action() {
	var timestamp = String(unix_time());
	var path = method_endpoint.replace(/^https?:\/\/[^\/]+/, '');
	delete method_request_headers.Authorization;
	method_request_headers['X-Timestamp'] = timestamp;
	method_request_headers['X-Signature'] = sign('HMAC-SHA256', method_auth_value, [http_method, path, timestamp, method_request_content].join('\n'));
	return true;
}

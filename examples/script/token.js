// The token endpoint of this service expects signed JSON with a tenant. The members
// of the token response are inside the member data.
function before_oauth2_token() {
	method_request = JSON.stringify({grant: method_request.grant_type, tenant: script_parameters.tenant});
	method_request_headers['Content-Type'] = 'application/json';
	method_request_headers['X-Signature'] = sign('HMAC-SHA256', script_parameters.secret, method_request);
	return true;
}

function after_oauth2_token() {
	if (method_response.status !== 'ok') {
		throw 'the token endpoint has status ' + method_response.status;
	}
	method_response = {access_token: method_response.data.token, expires_in: method_response.data.ttl};
	return true;
}

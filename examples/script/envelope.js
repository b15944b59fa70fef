// This service expects the API key in the body, beside the data.
function before_action() {
	delete method_request_headers.Authorization;
	method_request = {auth: {key: method_auth_value, account: script_parameters.account}, data: method_request};
	return true;
}

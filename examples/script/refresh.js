// The service says with status 200 that the access token is no longer good.
function after_action() {
	if (method_response && method_response.error === 'session_expired') {
		throw new AuthRefreshException(method_response.error);
	}
	return true;
}

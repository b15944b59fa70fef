// This service reports an invalid access token with status 200. The exception makes
// the connector renew the token and send the request again.
function after_action() {
	if (method_response && method_response.error === 'session_expired') {
		throw new AuthRefreshException(method_response.error);
	}
	return true;
}

"""An OAuth1 provider made of python3-oauthlib's endpoints, on a free port.

Its only argument is a JSON object: client, secret, token, token_secret, rsa_key
(a public key in PEM) and ahead (of this machine's clock, in seconds). It writes
its port to stdout and serves until it is killed.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from oauthlib.oauth1 import (
    AccessTokenEndpoint, AuthorizationEndpoint, RequestTokenEndpoint, RequestValidator, ResourceEndpoint,
)
from oauthlib.oauth1.rfc5849.endpoints import base

config = json.loads(sys.argv[1])


class Clock:
    """Stands in for the module time."""

    def time(self):
        return time.time() + config["ahead"]


base.time = Clock()


class Validator(RequestValidator):
    """Keeps everything in memory."""

    enforce_ssl = False
    dummy_client = dummy_request_token = dummy_access_token = "dummy"

    def __init__(self):
        self.nonces = set()
        self.temporary = {}  # token: its secret, callback and verifier
        self.tokens = {config["token"]: config["token_secret"]}

    # What is known of clients.

    def validate_client_key(self, client_key, request):
        return client_key == config["client"]

    def get_client_secret(self, client_key, request):
        return config["secret"] if client_key == config["client"] else "dummy"

    def get_rsa_key(self, client_key, request):
        return config["rsa_key"]

    # Each nonce is good for one request.

    def validate_timestamp_and_nonce(self, client_key, timestamp, nonce, request, request_token=None, access_token=None):
        key = (client_key, timestamp, nonce, request_token or access_token)
        if key in self.nonces:
            return False
        self.nonces.add(key)
        return True

    # Realms are of no concern here.

    def check_realms(self, realms):
        return True

    def get_default_realms(self, client_key, request):
        return []

    def get_realms(self, token, request):
        return []

    def validate_requested_realms(self, client_key, realms, request):
        return True

    def validate_realms(self, client_key, token, request, uri=None, realms=None):
        return True

    # Temporary credentials.

    def validate_redirect_uri(self, client_key, redirect_uri, request):
        return redirect_uri == "oob" or redirect_uri.startswith("http://127.0.0.1/")

    def save_request_token(self, token, request):
        self.temporary[token["oauth_token"]] = {"secret": token["oauth_token_secret"], "callback": request.redirect_uri}

    def verify_request_token(self, token, request):
        return token in self.temporary

    def validate_request_token(self, client_key, token, request):
        return token in self.temporary

    def get_request_token_secret(self, client_key, token, request):
        return self.temporary.get(token, {"secret": "dummy"})["secret"]

    def get_redirect_uri(self, token, request):
        return self.temporary[token]["callback"]

    def save_verifier(self, token, verifier, request):
        self.temporary[token]["verifier"] = verifier["oauth_verifier"]

    def validate_verifier(self, client_key, token, verifier, request):
        return verifier == self.temporary.get(token, {}).get("verifier")

    def invalidate_request_token(self, client_key, request_token, request):
        del self.temporary[request_token]

    # Tokens.

    def save_access_token(self, token, request):
        self.tokens[token["oauth_token"]] = token["oauth_token_secret"]

    def validate_access_token(self, client_key, token, request):
        return token in self.tokens

    def get_access_token_secret(self, client_key, token, request):
        return self.tokens.get(token, "dummy")


validator = Validator()
endpoints = {
    "/request_token": RequestTokenEndpoint(validator).create_request_token_response,
    "/authorize": AuthorizationEndpoint(validator).create_authorization_response,
    "/access_token": AccessTokenEndpoint(validator).create_access_token_response,
}
resource = ResourceEndpoint(validator)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for each answer
    disable_nagle_algorithm = True

    def __getattr__(self, name):
        if name.startswith("do_"):  # any method
            return self.serve
        raise AttributeError(name)

    def date_time_string(self, timestamp=None):
        return super().date_time_string(base.time.time())

    def log_message(self, *args):
        pass

    def serve(self):
        # X-Scheme is what the test says that it would have been.
        # self.path is not what was sent: http.server makes one slash of two.
        target = self.requestline.split(" ")[1]
        uri = "%s://%s%s" % (self.headers.get("X-Scheme", "http"), self.headers["Host"], target)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items()}
        text = body.decode("latin-1")
        endpoint = endpoints.get(urlsplit(uri).path)
        try:
            if endpoint:
                headers, answer, status = endpoint(uri, self.command, text, headers)
            else:
                valid, _ = resource.validate_protected_resource_request(uri, self.command, text, headers)
                headers, answer, status = {}, "%d bytes" % len(body), 200 if valid else 401
        except ValueError as refused:  # how oauthlib says that it cannot read a query
            headers, answer, status = {}, str(refused), 400
        answer = (answer or "").encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)
        self.wfile.flush()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()

import json, os, urllib.error, urllib.request

base, token = os.environ["CONNECTORAUTH_URL"], os.environ["CONNECTORAUTH_TOKEN"]


def call(path, token, data=None):
    request = urllib.request.Request(base + path, data=data)
    request.add_unredirected_header("Authorization", "Bearer " + token)
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


status, account = call("/first/me", token)
print(status, account["auth_type"], account["user"])
status, account = call("/first/me", token, json.dumps({"name": "x"}).encode())
print(status, account["auth_type"], account["user"])
status, failure = call("/first/me", "wrong")
print(status, failure["error"])
status, failure = call("/fisrt/me", token)
print(status, failure["error"], failure["near"])

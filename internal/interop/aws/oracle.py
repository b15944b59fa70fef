"""Signs the requests that come as lines of JSON with botocore, and prints a signature for each."""
import base64
import json
import sys

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

for line in sys.stdin:
    c = json.loads(line)
    kind = S3SigV4Auth if c["service"] == "s3" else SigV4Auth
    auth = kind(Credentials(c["id"], c["secret"]), c["service"], c["region"])
    request = AWSRequest(c["method"], c["url"], headers=c["headers"], data=base64.b64decode(c["body"] or ""))
    request.context["timestamp"] = c["headers"]["X-Amz-Date"]
    print(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))

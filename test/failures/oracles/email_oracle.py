"""Reads answers to batches with Python's email and http.client. Each input line and output line is
JSON."""

import base64
import email
import email.policy
import http.client
import io
import json
import re
import sys


class Socket:
    def __init__(self, content):
        self.content = content

    def makefile(self, _mode):
        return io.BytesIO(self.content)


def read_part(content):
    response = http.client.HTTPResponse(Socket(content), method="GET")
    try:
        response.begin()
        body = response.read()
    except Exception:
        return None
    fields = [[n, re.sub(r"\r?\n[ \t]+", " ", v).strip()] for n, v in response.getheaders()]
    return {
        "status": response.status,
        "fields": fields,
        "body": base64.b64encode(body).decode(),
    }


def read_answer(boundary, body):
    head = 'MIME-Version: 1.0\r\nContent-Type: multipart/batching; boundary="%s"\r\n\r\n' % boundary
    message = email.message_from_bytes(head.encode("latin1") + body, policy=email.policy.HTTP)
    defects = {type(defect).__name__ for defect in message.defects}
    if not message.is_multipart():
        return {"closed": False, "parts": []}
    # get_payload() would decode bytes above ASCII and lose them.
    contents = [
        "" if part.is_multipart() else part._payload or "" for part in message.get_payload()
    ]
    closed = "CloseBoundaryNotFoundDefect" not in defects
    if not closed:
        # The parser keeps the incomplete last part.
        contents = contents[:-1]
    parts = [read_part(content.encode("ascii", "surrogateescape")) for content in contents]
    return {"closed": closed, "parts": parts}


for line in sys.stdin:
    asked = json.loads(line)
    answer = read_answer(asked["boundary"], base64.b64decode(asked["body"]))
    print(json.dumps(answer), flush=True)

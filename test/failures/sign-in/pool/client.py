"""A client that signs in by NTLM or Negotiate on one connection. Each input and output line is JSON.

An input line is {"step", "method", "path", "body", "fields"}. The step "plain" sends no credential.
"begin" sends the first message of a handshake for a "user" with a "password". "finish" answers the
last challenge. "leave" closes the connection, and the next step opens a new one. An output line is
{"status", "fields", "body", "sent", "isMutual"}: "sent" is the credential, and "isMutual" says whether
the pool has proved that it knows the user.
"""

import base64
import http.client
import json
import sys

import spnego

# Without the options, spnego would sign in with the GSSAPI library of the system.
PROTOCOLS = {
    "ntlm": ("NTLM", spnego.NegotiateOptions.use_ntlm),
    "negotiate": ("Negotiate", spnego.NegotiateOptions.use_negotiate),
}


class Client:
    def __init__(self, port, protocol):
        self.scheme, self.options = PROTOCOLS[protocol]
        self.protocol = protocol
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
        # A sign-in holds for one connection, so the client must not open another one silently.
        self.connection.auto_open = 0
        self.is_new = True
        self.context = None
        self.challenge = None

    def do(self, asked):
        step = asked["step"]
        if step == "leave":
            self.connection.close()
            self.is_new = True
            return {}
        if self.is_new:
            self.connection.connect()
            self.is_new = False
        fields = dict(asked.get("fields") or {})
        sent = None
        if step != "plain":
            if step == "begin":
                self.context = spnego.client(
                    asked["user"], asked["password"], protocol=self.protocol, options=self.options
                )
                self.challenge = None
            token = self.context.step(self.challenge)
            sent = "%s %s" % (self.scheme, base64.b64encode(token).decode())
            fields["Authorization"] = sent
        body = asked.get("body")
        self.connection.request(
            asked.get("method", "GET"), asked["path"], body and body.encode(), fields
        )
        response = self.connection.getresponse()
        text = response.read().decode()
        self.challenge = self.read_challenge(response)
        is_mutual = False
        if response.status != 401 and self.protocol == "negotiate" and self.challenge is not None:
            self.context.step(self.challenge)
            is_mutual = self.context.complete
        return {
            "status": response.status,
            "fields": response.getheaders(),
            "body": text,
            "sent": sent,
            "isMutual": is_mutual,
        }

    def read_challenge(self, response):
        for offer in response.headers.get_all("WWW-Authenticate") or []:
            scheme, _, token = offer.partition(" ")
            if scheme.lower() == self.scheme.lower() and token:
                return base64.b64decode(token)
        return None


def main():
    port, protocol = sys.argv[1:]
    client = Client(int(port), protocol)
    for line in sys.stdin:
        try:
            answer = client.do(json.loads(line))
        except Exception as error:
            answer = {"failure": "%s: %s" % (type(error).__name__, error)}
        print(json.dumps(answer), flush=True)


main()

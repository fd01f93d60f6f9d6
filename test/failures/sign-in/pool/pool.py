"""A stand-in pool that signs in connections by NTLM and Negotiate, as IIS does by default.

A request below /WebTicket or /ucwa without sign-in gets 401 and the challenges. A completed handshake
signs in its connection: later requests on this connection are answered as that user, even
requests of others. Other paths need no sign-in, and their answers name the user who is signed in.

The pool prints {"port": n}. For each line on stdin it prints its counters. It ends when stdin ends.
"""

import argparse
import base64
import json
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import spnego

# Options by scheme. Without them, spnego would sign in with the GSSAPI library of the system.
PROTOCOLS = {
    "ntlm": spnego.NegotiateOptions.use_ntlm,
    "negotiate": spnego.NegotiateOptions.use_negotiate,
}
GUARDED = re.compile(r"/(WebTicket|ucwa)(/|\?|$)", re.IGNORECASE)
BATCH = re.compile(r"/batch(\?|$)", re.IGNORECASE)


class Tally:
    """Counts requests and sign-ins."""

    def __init__(self):
        self._lock = threading.Lock()
        self._counts = {"connections": 0, "requests": 0, "credentials": 0, "signIns": 0}

    def add(self, name):
        with self._lock:
            self._counts[name] += 1
            return self._counts[name]

    def read(self):
        with self._lock:
            return dict(self._counts)


class Connection(BaseHTTPRequestHandler):
    """One connection. The server creates an instance for each connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # The head and its body are sent together.
    wbufsize = -1

    def setup(self):
        super().setup()
        self.number = self.server.tally.add("connections")
        self.user = None
        self.handshake = None

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass

    def answer(self):
        self.server.tally.add("requests")
        body = self.read_body()
        outcome, token = self.read_credential()
        user = self.user
        via = self.headers.get_all("Via")
        if self.server.forgets_via and via is not None:
            self.user = None
        status = 200
        challenges = []
        if outcome in ("challenged", "signed in"):
            challenges = [token] if token else []
            status = 401 if outcome == "challenged" else 200
        elif outcome == "failed" or (user is None and GUARDED.match(self.path)):
            status = 401
            challenges = self.server.offers
        if status == 200 and BATCH.search(self.path):
            status = 404
        fields = [("WWW-Authenticate", challenge) for challenge in challenges]
        if outcome == "signed in":
            fields.append(("Persistent-Auth", "true" if self.user else "false"))
        self.write(
            status,
            fields,
            {
                "signedInAs": user,
                "connection": self.number,
                "via": None if via is None else ", ".join(via),
                "bodyBytes": len(body),
            },
        )

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def write(self, status, fields, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def read_credential(self):
        """Handles the credential of the request. Returns the result, and the token to send back, if
        any."""
        scheme, _, sent = (self.headers.get("Authorization") or "").partition(" ")
        protocol = scheme.lower()
        if protocol not in PROTOCOLS:
            self.handshake = None
            return "none", None
        self.server.tally.add("credentials")
        if self.handshake is None or self.handshake[0] != protocol:
            self.user = None
            context = spnego.server(protocol=protocol, options=PROTOCOLS[protocol])
            self.handshake = (protocol, context)
        context = self.handshake[1]
        try:
            reply = context.step(base64.b64decode(sent.strip(), validate=True))
        except Exception:
            # The password is wrong, or the message is not a handshake message.
            self.handshake = None
            return "failed", None
        token = "%s %s" % (scheme, base64.b64encode(reply).decode()) if reply else None
        if not context.complete:
            return "challenged", token
        self.handshake = None
        self.user = context.client_principal
        self.server.tally.add("signIns")
        return "signed in", token

    def read_body(self):
        if (self.headers.get("Transfer-Encoding") or "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                break
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        return body


class Pool(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, arguments):
        super().__init__(("127.0.0.1", 0), Connection)
        self.offers = arguments.offer or ["Negotiate", "NTLM"]
        self.forgets_via = arguments.forgets_via
        self.tally = Tally()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("users", help="file with lines of DOMAIN:USER:PASSWORD")
    parser.add_argument("--offer", action="append", help="a challenge instead of the usual two")
    parser.add_argument(
        "--forgets-via",
        action="store_true",
        help="a sign-in that came with a Via field holds for its own request only",
    )
    arguments = parser.parse_args()
    os.environ["NTLM_USER_FILE"] = arguments.users
    pool = Pool(arguments)
    threading.Thread(target=pool.serve_forever, daemon=True).start()
    print(json.dumps({"port": pool.server_port}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(pool.tally.read()), flush=True)


main()

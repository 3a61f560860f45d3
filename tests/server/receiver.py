"""A receiver of webhooks for tests: answers, fails, hangs, breaks off and restarts as it is told."""

import contextlib
import http.server
import json
import socket
import ssl
import threading
import time


class Arrival:
    """One request, and what was done with it."""

    def __init__(self, key, body, headers, action):
        self.key, self.body, self.headers, self.action = key, body, headers, action
        self.value = json.loads(body)
        self.at = time.monotonic()

    @property
    def accepted(self):
        return self.action == 200

    @property
    def incident(self):
        return self.value["incident"]["id"], self.value["incident"]["step"]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        action = receiver.arrive(self.headers, body, self.path)
        if action == "hang":
            receiver.ended.wait(30)
            self.close_connection = True
        elif action == "close":
            self.close_connection = True
        elif action == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
        elif action == "half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            self.close_connection = True
        elif action == "garbage":
            self.wfile.write(b"\0\1\2 this is no HTTP\r\n\r\n")
            self.close_connection = True
        elif action == "drip":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            with contextlib.suppress(OSError):
                while not receiver.ended.wait(0.05):
                    self.wfile.write(b".")
        elif action == "endless":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                while not receiver.ended.is_set():
                    self.wfile.write(b"x" * 65536)
            self.close_connection = True
        elif isinstance(action, tuple):  # status, headers
            self.answer(action[0], dict(action[1]))
        else:
            self.answer(action, {})

    def answer(self, status, headers):
        text = b"said so"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.server.receiver.followed += 1
        self.answer(200, {})

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass  # whoever was killed closes connections


class Receiver:
    """`behave(value, count)` says what to do with a message that comes for the count-th time."""

    def __init__(self, behave=None, certificate=None):
        self.behave = behave or (lambda value, count: 200)
        self.certificate = certificate
        self.arrivals, self.counts, self.followed = [], {}, 0
        self.lock = threading.Lock()
        self.port = 0
        self.start()

    def start(self):
        self.ended = threading.Event()
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.receiver = self
        self.port = self.server.server_address[1]
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*map(str, self.certificate))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def arrive(self, headers, body, path):
        key = headers["Idempotency-Key"]
        with self.lock:
            count = self.counts[key] = self.counts.get(key, 0) + 1
            action = self.behave(json.loads(body), count)
            arrival = Arrival(key, body, headers, action)
            arrival.path = path
            self.arrivals.append(arrival)
        return action

    def accepted(self):
        with self.lock:
            return [a for a in self.arrivals if a.accepted]

    def keys(self):
        return {a.key for a in self.accepted()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # --- what holds whatever happened ---

    def check_duplicates(self):
        """The same key, the same bytes."""
        bodies = {}
        for arrival in self.arrivals:
            assert bodies.setdefault(arrival.key, arrival.body) == arrival.body, arrival.key
            assert arrival.value["id"] == arrival.key

    def check_order(self, given_up=()):
        """A step is first sent after the one before was accepted or given up."""
        accepted = set(given_up)
        for arrival in self.arrivals:
            incident, step = arrival.incident
            for before in range(1, step):
                assert (incident, before) in accepted, \
                    f"step {step} of incident {incident} came before {before} was taken"
            if arrival.accepted:
                accepted.add((incident, step))

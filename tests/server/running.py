"""A running server for tests, and clients of it that need nothing but Python's library."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "e2e"))


class Server:
    """`cairn serve` with a unix socket, TCP and HTTP on free ports."""

    def __init__(self, box, *words, http=True, tcp=True, config=None, env=None):
        self.socket = str(box.path("rpc.sock"))
        listen = ["--listen", f"unix:{self.socket}"]
        listen += ["--listen", "tcp:127.0.0.1:0"] if tcp else []
        listen += ["--http", "tcp:127.0.0.1:0"] if http else []
        if config is not None:
            listen += ["--config", str(box.write("cairn.toml", config))]
        self.lines, self.addresses = [], {}
        self.process = subprocess.Popen([box.binary, "serve", str(box.store), *listen,
                                         *map(str, words)], stderr=subprocess.PIPE, text=True,
                                        stdout=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        if not self.ready.wait(60):
            raise AssertionError(f"the server is not ready: {self.lines}")

    def read(self):
        for text in self.process.stderr:
            self.lines.append(text)
            with contextlib.suppress(ValueError):
                entry = json.loads(text)
                if entry.get("event") == "listening":
                    self.addresses.setdefault(entry["protocol"], []).append(entry["address"])
                if entry.get("event") == "ready":
                    self.ready.set()
        self.ready.set()

    def port(self, protocol):
        address = [a for a in self.addresses[protocol] if a.startswith("t")][0]
        return int(address.rsplit(":", 1)[1])

    def events(self, name):
        return [e for e in map(json.loads, self.lines) if e["event"] == name]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def memory_mib(self):
        """Resident; 0 under a sanitizer, whose own memory says nothing."""
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8") as maps:
            loaded = maps.read()
        if any(name in loaded for name in ("libasan", "libtsan", "libclang_rt")):
            return 0
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for text in status:
                if text.startswith("VmRSS:"):
                    return int(text.split()[1]) / 1024
        raise AssertionError("no VmRSS")

    def alive(self):
        return self.process.poll() is None

    def stop(self, number=signal.SIGTERM, timeout=60):
        """Its exit code."""
        if self.alive():
            self.process.send_signal(number)
        code = self.process.wait(timeout)
        self.reader.join(10)
        return code

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.alive():
            self.process.kill()
            self.process.wait()
        if kind is not None:
            print("".join(self.lines[-20:]))

    # --- HTTP ---

    def call(self, method, path, body=None, token=None, headers=None, timeout=60):
        """(status, text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port("http"), timeout=timeout)
        try:
            sent = dict(headers or {})
            if token is not None:
                sent["Authorization"] = f"Bearer {token}"
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def query(self, query="", token=None, **more):
        status, text = self.call("POST", "/v1/query", {"query": query, **more}, token)
        return status, json.loads(text)

    def verb(self, name, *args, token=None):
        status, text = self.call("POST", f"/v1/verbs/{name}", {"args": [str(a) for a in args]},
                                 token)
        return status, json.loads(text) if text else None

    def ingest(self, lines, token=None):
        status, text = self.call("POST", "/v1/ingest", "".join(x + "\n" for x in lines), token)
        return status, json.loads(text)

    def metrics(self, token=None):
        status, text = self.call("GET", "/metrics", token=token)
        assert status == 200, text
        return {key: float(value) for key, value in
                (x.rsplit(" ", 1) for x in text.splitlines() if not x.startswith("#"))}

    # --- bytes ---

    def connect_unix(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.socket)  # waits for room, as it has no timeout yet
        connection.settimeout(30)
        return connection

    def connect_tcp(self, protocol="rpc"):
        return socket.create_connection(("127.0.0.1", self.port(protocol)), timeout=30)


def wait_until(condition, seconds=20, what="it"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


def token(box, name, *scopes, projects=(), expires=None, limits=()):
    words = ["token", box.store, "create", name, "--json"]
    for scope in scopes:
        words += ["--scope", scope]
    for project in projects:
        words += ["--project", str(project)]
    if expires:
        words += ["--expires", expires]
    words += limits
    return box.ok(*words).json()["token"]

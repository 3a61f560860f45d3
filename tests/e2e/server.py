"""A server of the binary under test for a while, and a proxy that cuts its connections."""

import os
import random
import socket
import subprocess
import threading
import time

from harness import Skip

READY_SECONDS = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_certificate(box):
    """PEM files of a certificate for localhost and of its key."""
    certificate, key = box.path("cert.pem"), box.path("key.pem")
    if certificate.exists():
        return certificate, key
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
               "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
               "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Skip(f"no certificate without openssl: {error}") from error
    return certificate, key


class Server:
    """`cairn serve` of a directory on one address of a kind: unix, tcp or tls."""

    def __init__(self, box, directory, kind="unix"):
        self.box, self.directory, self.kind = box, directory, kind
        self.env, self.options = {}, []
        if kind == "unix":
            self.address = f"unix:{box.path(f'{directory.name}.sock')}"
        elif kind == "tcp":
            self.address = f"tcp:127.0.0.1:{free_port()}"
        else:
            certificate, key = make_certificate(box)
            self.address = f"tls:localhost:{free_port()}"
            self.env = {"CAIRN_CA": str(certificate)}
            self.options = ["--tls-cert", str(certificate), "--tls-key", str(key)]
        # No ticks by itself: what it answers is compared with a directory, where nothing happens
        # unless somebody writes, however long a test takes.
        settings = box.path("server.toml")
        settings.write_text("tick_ms = 0\n")
        self.options += ["--config", str(settings)]
        self.process = None
        self.start()

    def connect(self):
        kind, rest = self.address.split(":", 1)
        if kind == "unix":
            peer = socket.socket(socket.AF_UNIX)
            peer.connect(rest)
            return peer
        host, port = rest.rsplit(":", 1)
        return socket.create_connection((host, int(port)))

    def start(self):
        log = open(self.box.path("server.log"), "ab")
        self.process = subprocess.Popen(
            [self.box.binary, "serve", str(self.directory), "--listen", self.address,
             *self.options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    text = self.box.path("server.log").read_text(errors="replace")
                    raise AssertionError(f"the server does not answer\n{text[-3000:]}") from None
                time.sleep(0.02)

    def stop(self):
        """In order: what is under way is finished."""
        self.process.terminate()
        code = self.process.wait(READY_SECONDS)
        assert code == 0, f"the server ended with {code}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


class CuttingProxy:
    """Passes bytes between a unix socket of its own and a server, and cuts every connection after
    a random number of bytes, in the middle of a message or between two; not before it is let in, as
    a first connection that fails is not tried again."""

    def __init__(self, box, server, seed, most):
        self.random, self.most, self.server, self.cuts = random.Random(seed), most, server, 0
        path = str(box.path(f"proxy{seed}.sock"))
        self.address = f"unix:{path}"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            left = [self.random.randrange(4000, self.most)]
            try:
                far = self.server.connect()
            except OSError:  # the server is away for a moment
                near.close()
                continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(source, sink, left), daemon=True).start()

    def pump(self, source, sink, left):
        try:
            while True:
                data = source.recv(4096)
                if not data:
                    break
                sink.sendall(data[:max(left[0], 0)])
                left[0] -= len(data)
                if left[0] <= 0:
                    self.cuts += 1
                    break
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
        os.unlink(self.address[5:])

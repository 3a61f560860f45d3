"""What a server makes of bytes that no client of it would send.

Usage: hostile_test.py CAIRN_BINARY [TEST...]
"""

import json
import os
import random
import resource
import socket
import struct
import time

import running
from harness import line, main

ROUNDS = 3000 if os.environ.get("CAIRN_SOAK") else 250
IDLE = 4000 if os.environ.get("CAIRN_SOAK") else 1500


def drain(connection, seconds=5):
    """Reads to the end. Whether the other side ended it."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
        return True
    except socket.timeout:
        return False
    except OSError:
        return True


def frame(*segments):
    table = struct.pack("<I", len(segments) - 1)
    table += b"".join(struct.pack("<I", len(s) // 8) for s in segments)
    if len(table) % 8:
        table += b"\0\0\0\0"
    return table + b"".join(segments)


# A bootstrap message as the C++ client sends it: rpc.Message{bootstrap{questionId 0}}.
BOOTSTRAP = frame(bytes.fromhex("0000000001000100080000000000000000000000"
                                "010001000000000000000000").ljust(40, b"\0"))


def well(server):
    assert server.alive(), "the server has died"
    assert server.call("GET", "/healthz")[0] == 200


def test_random_bytes(box):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    with running.Server(box) as server:
        before = server.descriptors()
        for _ in range(ROUNDS):
            protocol = draw.choice(["rpc", "http"])
            connection = server.connect_tcp(protocol)
            with connection:
                try:
                    connection.sendall(draw.randbytes(draw.choice([1, 7, 8, 64, 1000, 70_000])))
                    if draw.random() < 0.3:
                        connection.shutdown(socket.SHUT_WR)
                        drain(connection, 0.05)
                except OSError:
                    pass
        well(server)
        running.wait_until(lambda: server.descriptors() <= before, what="the end of connections")
        assert server.memory_mib() < 500
        for text in server.lines:
            json.loads(text)


def test_mutated_messages(box):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    post = (b"POST /v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 15\r\n\r\n{\"query\": \"abc\"}")
    with running.Server(box) as server:
        before = server.descriptors()
        for _ in range(ROUNDS):
            protocol, whole = draw.choice([("rpc", BOOTSTRAP * 3), ("http", post)])
            data = bytearray(whole)
            for _ in range(draw.randrange(1, 6)):
                kind = draw.randrange(4)
                at = draw.randrange(len(data))
                if kind == 0:
                    data[at] = draw.randrange(256)
                elif kind == 1:
                    data[at] ^= 1 << draw.randrange(8)
                elif kind == 2:
                    del data[at:at + draw.randrange(1, 9)]
                else:
                    data[at:at] = draw.randbytes(draw.randrange(1, 9))
                if not data:
                    data = bytearray(b"\0")
            with server.connect_tcp(protocol) as connection:
                try:
                    connection.sendall(bytes(data))
                    drain(connection, 0.02)
                except OSError:
                    pass
        well(server)
        running.wait_until(lambda: server.descriptors() <= before, what="the end of connections")


def test_large_messages_take_no_memory(box):
    with running.Server(box) as server:
        before = server.memory_mib()
        connections = []
        for words in (0xFFFFFFFF, 1 << 27, 9000):
            for _ in range(20):
                connection = server.connect_tcp()
                connection.sendall(struct.pack("<II", 0, words) + b"\0" * 64)
                connections.append(connection)
        connection = server.connect_tcp()
        connection.sendall(struct.pack("<II", 100_000, 1))
        connections.append(connection)
        for connection in connections:
            assert drain(connection), "the server waits for a message that is too large"
        well(server)
        assert server.memory_mib() < before + 50


def test_http_that_is_too_large_or_never_ends(box):
    with running.Server(box, config="message_bytes = 65536\nstalled_ms = 1500\n"
                                    "first_words_ms = 1500\n") as server:
        assert server.call("POST", "/v1/ingest", b"x" * 100_000)[0] == 413
        for start in (b"POST /v1/ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
                      b"POST /v1/ingest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                      b"POST /v1/ing", b"G"):
            with server.connect_tcp("http") as connection:
                connection.sendall(start)
                assert drain(connection, 15), start
        # Chunks without end.
        with server.connect_tcp("http") as connection:
            connection.sendall(b"POST /v1/ingest HTTP/1.1\r\nHost: x\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                for _ in range(100):
                    connection.sendall(b"1000\r\n" + b"a" * 4096 + b"\r\n")
            except OSError:
                pass
            assert drain(connection, 15)
        with server.connect_tcp("http") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            try:
                for _ in range(5000):
                    connection.sendall(b"X-Header: " + b"a" * 100 + b"\r\n")
            except OSError:
                pass
            assert drain(connection, 15), "headers without end"
        well(server)


def test_slow_and_silent_senders_are_cut(box):
    with running.Server(box, config="first_words_ms = 1500\nstalled_ms = 1500\n") as server:
        silent = server.connect_tcp()
        slow = server.connect_tcp()
        half = server.connect_tcp()
        half.sendall(BOOTSTRAP[:12])
        half.shutdown(socket.SHUT_WR)
        end = time.monotonic() + 10
        cut = False
        while time.monotonic() < end and not cut:
            try:
                slow.sendall(BOOTSTRAP[:1])
                time.sleep(0.2)
                slow.setblocking(False)
                try:
                    cut = slow.recv(1) == b""
                except BlockingIOError:
                    pass
                slow.setblocking(True)
            except OSError:
                cut = True
        assert cut, "a byte now and then keeps a connection without a token open"
        assert drain(silent, 10) and drain(half, 10)
        well(server)
        assert server.events("connection_cut")


def test_thousands_of_idle_connections(box):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    idle = min(IDLE, hard - 200)  # as many as this machine lets a process have
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    try:
        with running.Server(box, config=f"max_connections = {idle}\nfirst_words_ms = 600000\n"
                            ) as server:
            before = server.descriptors()
            connections = [server.connect_unix() for _ in range(idle)]
            running.wait_until(lambda: server.descriptors() >= before + idle - 5,
                               what="all of them")
            # One more is turned away at once, and nothing breaks.
            with server.connect_tcp() as more:
                assert drain(more)
            assert server.memory_mib() < 600
            for connection in connections[:50]:
                connection.close()
            running.wait_until(lambda: server.descriptors() < before + idle - 40,
                               what="the end of some")
            assert server.call("GET", "/readyz")[0] == 200
            for connection in connections:
                connection.close()
            running.wait_until(lambda: server.descriptors() <= before + 2, what="the end of all")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_log_injection(box):
    box.ok("init", box.store)
    running.token(box, "a", "read")
    with running.Server(box, config="slow_ms = 1\n") as server:
        evil = 'x\n{"event":"ready","level":"info"}\n\x1b[2J\u2028'
        server.call("POST", "/v1/query", {"query": evil}, token="cairn_" + "a" * 50)
        server.call("POST", "/v1/query", {"query": evil}, token=evil.replace("\n", " ").encode(
            "ascii", "replace").decode())
        server.connect_tcp("http").sendall(b"GET /\x1b[2J%0a{} HTTP/1.1\r\n\r\n")
        well(server)
        server.stop()
        for text in server.lines:
            assert "\x1b" not in text
            json.loads(text)
        assert len(server.events("ready")) == 1


def test_many_lines_at_once_are_bounded(box):
    with running.Server(box, config="ingest_bytes = 65536\n") as server:
        statuses = set()
        for first in range(0, 6000, 600):
            status, told = server.ingest([line(n) for n in range(first, first + 600)])
            statuses.add(status)
            assert status in (200, 429), told
        assert 200 in statuses
        well(server)


if __name__ == "__main__":
    main(globals())

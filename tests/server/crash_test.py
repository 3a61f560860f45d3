"""kill -9 of a server under load: every acknowledged line is there, once.

Usage: crash_test.py CAIRN_BINARY [TEST...]; 50 rounds with CAIRN_SOAK set.
"""

import collections
import http.client
import json
import os
import random
import signal
import threading
import time

import running
from harness import line, main

ROUNDS = 50 if os.environ.get("CAIRN_SOAK") else 3
CLIENTS = 4


def load(server, number, acknowledged, sent, ended):
    """Sends batches until the server is gone; sends again what had no answer before."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port("http"), timeout=30)
    draw = random.Random(number)
    pending = []
    try:
        while not ended.is_set():
            if not pending:
                first = sent[number]
                sent[number] += 1 + draw.randrange(30)
                pending = list(range(first, sent[number]))
            body = "".join(line(number * 1_000_000 + n, [f"g{n % 17}"]) + "\n" for n in pending)
            connection.request("POST", "/v1/ingest", body=body)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                return
            told = json.loads(text)
            assert told["stored"] + told["duplicates"] == len(pending), told
            acknowledged[number].update(pending)
            pending = []
    except (OSError, http.client.HTTPException):
        pass
    finally:
        # What had no answer may be there or not; it is sent again by the next round.
        sent[number] = pending[0] if pending else sent[number]
        connection.close()


def test_kill_under_load(box):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    acknowledged = {number: set() for number in range(CLIENTS)}
    sent = dict.fromkeys(range(CLIENTS), 0)
    for _ in range(ROUNDS):
        with running.Server(box, tcp=False) as server:
            ended = threading.Event()
            threads = [threading.Thread(target=load, args=(server, n, acknowledged, sent, ended))
                       for n in range(CLIENTS)]
            for thread in threads:
                thread.start()
            before = sum(map(len, acknowledged.values()))
            running.wait_until(lambda: sum(map(len, acknowledged.values())) > before + 40,
                               what="acknowledged load")
            time.sleep(draw.random())
            server.stop(signal.SIGKILL)
            ended.set()
            for thread in threads:
                thread.join()
    exported = collections.Counter(json.loads(text)["id"]
                                   for text in box.ok("export", box.store).out.splitlines())
    assert max(exported.values()) == 1, "an occurrence is there twice"
    for number, lines in acknowledged.items():
        for n in lines:
            ident = json.loads(line(number * 1_000_000 + n, ["g"]))["id"].replace("-", "")
            assert ident in exported or json.loads(line(number * 1_000_000 + n, ["g"]))["id"] in \
                exported, f"line {n} of client {number} was acknowledged and is gone"
    box.ok("verify", box.store, "--deep")


def test_what_was_acknowledged_is_there_after_sigterm(box):
    with running.Server(box, tcp=False) as server:
        server.ingest([line(n) for n in range(200)])
        assert server.stop() == 0
    assert box.occurrences() == 200
    with running.Server(box, tcp=False) as server:
        status, told = server.ingest([line(n) for n in range(210)])
        assert status == 200 and told["duplicates"] == 200 and told["stored"] == 10, told


if __name__ == "__main__":
    main(globals())

"""Delivery of notifications to receivers that fail, hang, break off and restart, with processes that
are killed. Notifications are made up (fake_delivery.cc); those of a store are in
alert_delivery_test.py.

Usage: delivery_test.py FAKE_DELIVERY_BINARY [TEST...]; longer with CAIRN_SOAK set.
"""

import contextlib
import hashlib
import hmac
import json
import os
import random
import signal
import subprocess
import threading
import time

from running import wait_until
from harness import Skip, main
from receiver import Receiver

SECRET = "a secret between two"
ROUNDS = 40 if os.environ.get("CAIRN_SOAK") else 6
OK, WARNING, CRITICAL = 0, 1, 2


class Log:
    """Notifications as fake_delivery reads them."""

    def __init__(self, box):
        self.path = box.path("notifications")
        self.path.write_text("")
        self.lsn = 0
        self.steps = {}

    def add(self, incident, before=OK, after=CRITICAL, age=0, number=1):
        self.lsn += 1
        step = number
        if incident:
            step = self.steps[incident] = self.steps.get(incident, 0) + 1
        with open(self.path, "a", encoding="ascii") as out:
            out.write(f"{self.lsn} 0 {incident} {step} {before} {after} {int(time.time()) - age}\n")
        return incident, step

    def all(self):
        return {(i, s) for i, last in self.steps.items() for s in range(1, last + 1)}


class Program:
    """A running fake_delivery."""

    def __init__(self, box, log, settings, capture=False):
        self.process = subprocess.Popen(
            [box.binary, str(box.store), str(box.write("cairn.toml", settings)), str(log.path)],
            stderr=subprocess.PIPE, stdout=subprocess.PIPE if capture else subprocess.DEVNULL,
            text=True)
        self.lines = []
        self.ready = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        assert self.ready.wait(60), self.lines

    def read(self):
        for text in self.process.stderr:
            self.lines.append(text)
            if '"event":"ready"' in text or '"event":"failed"' in text:
                self.ready.set()
        self.ready.set()

    def events(self, name):
        return [e for e in map(json.loads, list(self.lines)) if e["event"] == name]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.reader.join(10)
        return code

    def too_late(self):
        return sum(e["why"] == "no answer in time" for e in self.events("delivery_failed"))

    def counts(self):
        assert self.stop() == 0
        return self.events("counts")[0]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.reader.join(10)
        assert SECRET not in "".join(self.lines), "a secret is in the log"
        if kind is not None:
            print("".join(self.lines[-20:]))


def webhook(receiver, path="/hook?a=b", scheme="http", host="127.0.0.1", **more):
    values = {"name": "hook", "kind": "webhook", "url": f"{scheme}://{host}:{receiver.port}{path}",
              "secret": SECRET, "timeout_ms": 10_000, "connect_ms": 10_000, "retry_first_ms": 20,
              "retry_most_ms": 100, "retry_after_most_s": 1, **more}
    return table(values)


def table(values):
    return "[[destination]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items())


def files_of(box):
    """By name. A program that runs renames and removes them meanwhile: those are left out."""
    folder, out = box.store / "deliveries", {}
    for path in folder.iterdir() if folder.exists() else []:
        with contextlib.suppress(FileNotFoundError):
            out[path.name] = path.read_text()
    return out


def dead(box, name="hook"):
    return [json.loads(x) for x in files_of(box).get(f"{name}.dead.jsonl", "").splitlines()]


def test_a_message_with_its_headers(box):
    log = Log(box)
    with Receiver() as receiver, Program(box, log, webhook(receiver)) as program:
        log.add(17, OK, WARNING)
        log.add(17, WARNING, CRITICAL)
        log.add(0, number=3)
        wait_until(lambda: len(receiver.arrivals) == 3, what="three messages")
        assert program.counts()["sent"] == 3
        first, second = (a for a in receiver.arrivals if a.value["kind"] == "incident")
        firing = [a for a in receiver.arrivals if a.value["kind"] == "issue"][0]
    assert first.incident == (17, 1) and second.incident == (17, 2)
    assert (first.value["action"], second.value["action"]) == ("opened", "escalated")
    assert first.key == "5f0c1d2e0000400080000123456789ab-i17-1" == first.value["id"]
    assert firing.key == "5f0c1d2e0000400080000123456789ab-f3-0"
    assert firing.value["issue"]["number"] == 3
    assert first.path == "/hook?a=b" and first.headers["Content-Type"] == "application/json"
    assert first.headers["Host"] == f"127.0.0.1:{receiver.port}"
    stamp = first.headers["Cairn-Timestamp"]
    assert abs(int(stamp) - time.time()) < 60
    expected = hmac.new(SECRET.encode(), stamp.encode() + b"." + first.body, hashlib.sha256)
    assert first.headers["Cairn-Signature"] == "sha256=" + expected.hexdigest()
    cursor = json.loads(files_of(box)["hook.json"])
    assert cursor["read_to"] == [3, 0] and cursor["open"] == [], cursor
    # What is done is not sent again.
    with Receiver() as receiver, Program(box, log, webhook(receiver)) as program:
        log.add(17, CRITICAL, OK)
        wait_until(lambda: receiver.arrivals, what="a message")
        assert program.counts()["sent"] == 1
        assert [a.incident for a in receiver.arrivals] == [(17, 3)]


def test_a_url_is_sent_as_it_is_written(box):
    log = Log(box)
    log.add(1)
    paths = ["", "/", "/a//b/%2f?x=&y&z=%20", "?q"]
    with Receiver() as receiver:
        settings = "".join(webhook(receiver, path=path, name=f"n{n}")
                           for n, path in enumerate(paths))
        with Program(box, log, settings):
            wait_until(lambda: len(receiver.arrivals) == 4, what="four messages")
        assert sorted(a.path for a in receiver.arrivals) == sorted(["/", "/", paths[2], "/?q"])


def test_without_a_secret_nothing_is_signed(box):
    log = Log(box)
    with Receiver() as receiver:
        settings = webhook(receiver).replace(f'secret = "{SECRET}"\n', "")
        with Program(box, log, settings):
            log.add(1)
            wait_until(lambda: receiver.arrivals, what="a message")
        assert receiver.arrivals[0].headers["Cairn-Signature"] is None


def test_every_way_to_fail_is_tried_again(box):
    ways = [500, 503, (503, [("Retry-After", "0")]), (429, [("Retry-After", "1")]), 408, 425,
            "hang", "close", "reset", "half", "garbage", "drip"]
    log = Log(box)

    def behave(value, count):
        return ways[value["incident"]["id"] - 1] if count == 1 else 200

    with Receiver(behave) as receiver, Program(
            box, log, webhook(receiver, parallel=16, timeout_ms=500)) as program:
        for incident in range(1, len(ways) + 1):
            log.add(incident)
            log.add(incident, CRITICAL, OK)
        wait_until(lambda: len(receiver.keys()) == 2 * len(ways), what="all messages")
        counts = program.counts()
        # A Retry-After is kept: nothing begins within that second.
        told = [a for a in receiver.arrivals if a.action == ways[3]][0]
        again = [a for a in receiver.arrivals if a.key == told.key][1]
        assert again.at - told.at >= 0.9, "it was told to wait a second"
    receiver.check_duplicates()
    receiver.check_order()
    assert counts["sent"] == 2 * len(ways) and counts["dead"] == 0 and counts["waiting"] == 0
    assert counts["retried"] >= len(ways)
    whys = " ".join(e["why"] for e in program.events("delivery_failed"))
    assert "no answer in time" in whys and "503 Service Unavailable: said so" in whys, whys


def test_an_answer_without_end_is_cut(box):
    log = Log(box)
    with Receiver(lambda *_: "endless") as receiver, Program(box, log, webhook(receiver)) as program:
        log.add(1)
        log.add(1, CRITICAL, OK)
        wait_until(lambda: len(receiver.arrivals) >= 2, what="two messages")
        assert program.counts()["sent"] == 2
        assert program.events("delivery_failed") == []


def test_what_is_refused_is_dead_and_the_rest_goes_on(box):
    log = Log(box)

    def behave(value, _):
        incident, step = value["incident"]["id"], value["incident"]["step"]
        return {(1, 1): 400, (2, 1): 404, (3, 1): (302, [("Location", "/elsewhere")])}.get(
            (incident, step), 200)

    refused = {(1, 1), (2, 1), (3, 1)}
    with Receiver(behave) as receiver:
        with Program(box, log, webhook(receiver)) as program:
            for incident in range(1, 6):
                log.add(incident)
                log.add(incident, CRITICAL, OK)
            wait_until(lambda: len(receiver.keys()) == 7, what="all that are taken")
            counts = program.counts()
            assert (counts["sent"], counts["dead"], counts["retried"]) == (7, 3, 0), counts
            receiver.check_order(refused)
            assert receiver.followed == 0, "a redirect was followed"
        letters = dead(box)
        assert {(x["message"]["incident"]["id"], x["message"]["incident"]["step"])
                for x in letters} == refused
        whys = sorted(x["why"].split(":")[0] for x in letters)
        assert whys == ["302 Found", "400 Bad Request", "404 Not Found"], whys
        assert all(x["id"] == x["message"]["id"] and x["attempts"] == 1 for x in letters)
        # They are not tried again by themselves, and are when somebody wants it.
        receiver.behave = lambda *_: 200
        with Program(box, log, webhook(receiver)):
            log.add(6)
            wait_until(lambda: len(receiver.keys()) == 8, what="the new one")
            folder = box.store / "deliveries"
            (folder / "hook.dead.jsonl").rename(folder / "hook.again.jsonl")
            wait_until(lambda: len(receiver.keys()) == 11, what="dead ones again")
            wait_until(lambda: "hook.again.jsonl" not in files_of(box), what="the file's end")
        receiver.check_duplicates()
        assert dead(box) == []


def test_dead_letters_that_fail_again_are_dead_again(box):
    log = Log(box)
    with Receiver(lambda *_: 410) as receiver:
        with Program(box, log, webhook(receiver)) as program:
            for incident in range(1, 4):
                log.add(incident)
            wait_until(lambda: len(dead(box)) == 3, what="three dead letters")
            folder = box.store / "deliveries"
            text = (folder / "hook.dead.jsonl").read_text()
            (folder / "hook.dead.jsonl").unlink()
            (folder / "hook.again.jsonl").write_text("no JSON\n{}\n" + text)
            wait_until(lambda: len(dead(box)) == 3 and "hook.again.jsonl" not in files_of(box),
                       what="three again")
            assert program.events("delivery_again")[0]["bad_lines"] == 2
        assert files_of(box)["hook.dead.jsonl"].count("\n") == 3
    assert all(n == 2 for n in receiver.counts.values())
    receiver.check_duplicates()


def test_given_up_after_so_many_attempts(box):
    log = Log(box)
    with Receiver(lambda value, _: 500 if value["incident"]["id"] == 1 else 200) as receiver:
        with Program(box, log, webhook(receiver, max_attempts=3)) as program:
            log.add(1)
            log.add(2)
            log.add(1, CRITICAL, OK)
            wait_until(lambda: len(dead(box)) == 2, what="two dead letters")
            assert program.counts()["sent"] == 1
    assert all(x["attempts"] == 3 for x in dead(box))
    receiver.check_order({(1, 1), (1, 2)})


def test_a_receiver_that_restarts(box):
    log = Log(box)
    with Receiver() as receiver, Program(box, log, webhook(receiver)) as program:
        for incident in range(1, 21):
            log.add(incident)
        wait_until(lambda: len(receiver.keys()) == 20, what="the first ones")
        receiver.stop()
        for incident in range(1, 21):
            log.add(incident, CRITICAL, OK)
        wait_until(lambda: len(program.events("delivery_failed")) > 20, what="failures")
        receiver.start()
        wait_until(lambda: len(receiver.keys()) == 40, what="the others")
        assert program.counts()["waiting"] == 0
    receiver.check_duplicates()
    receiver.check_order()


def test_kill_9_again_and_again(box):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    log = Log(box)
    ways = [500, "hang", "close", "half", "reset"]

    def behave(value, _):
        if value["incident"]["id"] == 13 and value["incident"]["step"] == 2:
            return 400
        return draw.choice(ways) if draw.random() < 0.3 else 200

    parallel = 3
    with Receiver(behave) as receiver:
        settings = webhook(receiver, parallel=parallel, timeout_ms=1000, max_attempts=1000)
        late = 0
        for _ in range(ROUNDS):
            with Program(box, log, settings) as program:
                for _ in range(draw.randrange(40)):
                    log.add(1 + draw.randrange(20))
                    time.sleep(draw.random() / 100)
                time.sleep(draw.random())
                program.stop(signal.SIGKILL)
                late += program.too_late()
        log.add(13)
        log.add(13)
        with Program(box, log, settings) as program:
            expected = len(log.all()) - 1
            wait_until(lambda: len(receiver.keys()) == expected, seconds=120, what="all messages")
            program.counts()
            late += program.too_late()
        receiver.check_duplicates()
        receiver.check_order({(13, 2)})
        # What was accepted comes again only if it was under way when the process ended, or if this
        # machine was too slow to say so in time.
        late -= sum(a.action == "hang" for a in receiver.arrivals)
        repeated = len(receiver.accepted()) - len(receiver.keys())
        assert repeated <= ROUNDS * parallel + max(0, late), (repeated, late)
        assert {a.incident for a in receiver.accepted()} == log.all() - {(13, 2)}
        assert {(x["message"]["incident"]["id"], x["message"]["incident"]["step"])
                for x in dead(box)} == {(13, 2)}
        assert json.loads(files_of(box)["hook.json"])["open"] == []


def test_a_stop_leaves_what_hangs_to_the_next_start(box):
    log = Log(box)
    with Receiver(lambda value, count: "hang" if count == 1 else 200) as receiver:
        with Program(box, log, webhook(receiver, timeout_ms=60_000)) as program:
            log.add(1)
            wait_until(lambda: receiver.arrivals, what="a message")
            assert program.counts()["waiting"] == 1
        with Program(box, log, webhook(receiver)):
            wait_until(receiver.keys, what="the message")
    receiver.check_duplicates()


def test_old_ones_are_skipped(box):
    log = Log(box)
    for incident in range(1, 3001):
        log.steps[incident] = 0
    with open(log.path, "a", encoding="ascii") as out:
        now = int(time.time())
        for incident in range(1, 3001):
            age = 100 if incident == 2500 else 200_000
            out.write(f"{incident} 0 {incident} 1 0 2 {now - age}\n")
    with Receiver() as receiver, Program(box, log, webhook(receiver)) as program:
        wait_until(receiver.keys, what="the one")
        counts = program.counts()
    assert [a.incident for a in receiver.arrivals] == [(2500, 1)]
    assert counts["old"] == 2999, counts


def test_only_what_is_wanted(box):
    log = Log(box)
    with Receiver() as receiver:
        settings = webhook(receiver, min_severity="critical", rules=[1, "Other"])
        settings += webhook(receiver, path="/none", name="none", rules=["Other"])
        with Program(box, log, settings) as program:
            log.add(1, OK, WARNING)
            log.add(1, WARNING, CRITICAL)
            log.add(1, CRITICAL, WARNING)
            log.add(1, WARNING, OK)
            log.add(2)
            wait_until(lambda: len(receiver.keys()) == 3, what="three")
            counts = program.counts()
    told = [(a.incident, a.value["action"]) for a in receiver.arrivals]
    assert sorted(told) == [((1, 2), "opened"), ((1, 3), "resolved"), ((2, 1), "opened")], told
    assert counts["unwanted"] == 2
    assert program.events("counts")[1]["unwanted"] == 5


def test_files_and_stdout(box):
    log = Log(box)
    path = box.path("alerts.jsonl")
    settings = table({"name": "file", "kind": "file", "path": str(path)})
    settings += table({"name": "out", "kind": "stdout", "format": "result-v3"})
    with Program(box, log, settings, capture=True) as program:
        for incident in range(1, 201):
            log.add(incident)
            log.add(incident, CRITICAL, OK)
        out = [json.loads(program.process.stdout.readline()) for _ in range(400)]
        wait_until(lambda: path.exists() and path.read_text().count("\n") == 400, what="lines")
        program.stop(signal.SIGKILL)
    lines = [json.loads(x) for x in path.read_text().splitlines()]
    for incident in range(1, 201):
        steps = [x["incident"]["step"] for x in lines if x["incident"]["id"] == incident]
        assert steps == [1, 2], steps
    for message in out:
        payload = message["payload"]
        assert message["version"] == 3 and payload["entity"] == "events"
        assert payload["result"]["data"] == [{"value": None}], payload
        assert payload["subscription_id"].endswith("-r1")
    # A file that was renamed away is made anew, and one that was cut goes on with a new line.
    path.rename(box.path("old"))
    path.write_text('{"cut": ')
    with Program(box, log, settings) as program:
        log.add(300)
        wait_until(lambda: "-i300-1" in path.read_text(), what="a line")
        program.counts()
    text = path.read_text().splitlines()
    assert text[0] == '{"cut": ', text
    assert 300 in [json.loads(x)["incident"]["id"] for x in text[1:]]


def test_a_file_that_cannot_be_written(box):
    log = Log(box)
    settings = table({"name": "file", "kind": "file", "path": str(box.path("no/such/folder")),
                      "retry_first_ms": 20, "retry_most_ms": 50})
    with Program(box, log, settings) as program:
        log.add(1)
        wait_until(lambda: len(program.events("delivery_failed")) > 2, what="failures")
        assert "cannot open" in program.events("delivery_failed")[0]["why"]
        box.path("no/such").mkdir(parents=True)
        wait_until(lambda: box.path("no/such/folder").exists(), what="the file")
        assert program.counts()["sent"] == 1


def test_without_a_durable_cursor_little_is_sent(box):
    log = Log(box)
    with Receiver() as receiver, Program(box, log, webhook(receiver, parallel=2)) as program:
        box.store.mkdir()
        (box.store / "deliveries").write_text("in the way")  # rights do not bind root
        for incident in range(1, 11):
            log.add(incident)
        wait_until(lambda: program.events("delivery_cursor"), what="a complaint")
        time.sleep(1)
        assert len(receiver.arrivals) == 2, "more is under way than a crash may repeat"
        (box.store / "deliveries").unlink()
        wait_until(lambda: len(receiver.keys()) == 10, what="the rest")
    receiver.check_duplicates()


def certificates(box, name):
    """A self-signed certificate for a host, and its key."""
    cert, key = box.path(f"{name}.crt"), box.path(f"{name}.key")
    try:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                        "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    except FileNotFoundError as missing:
        raise Skip("no openssl") from missing
    return cert, key


def test_tls(box):
    log = Log(box)
    good = certificates(box, "localhost")
    other = certificates(box, "elsewhere.example")
    more = {"scheme": "https", "host": "localhost", "timeout_ms": 5000, "connect_ms": 5000}
    with Receiver(certificate=good) as receiver, Receiver(certificate=other) as wrong:
        settings = webhook(receiver, tls_ca=str(good[0]), **more)
        settings += webhook(receiver, name="unknown", **more)
        settings += webhook(wrong, name="wrong", tls_ca=str(other[0]), **more)
        with Program(box, log, settings) as program:
            log.add(1)
            wait_until(receiver.keys, what="a message")
            wait_until(lambda: {e["destination"] for e in program.events("delivery_failed")} ==
                       {"unknown", "wrong"}, what="two refusals")
            assert len(receiver.arrivals) == 1 and wrong.arrivals == []
            whys = " ".join(e["why"] for e in program.events("delivery_failed"))
            assert "certificate" in whys, whys


def test_a_cursor_that_cannot_be_is_refused(box):
    log = Log(box)
    log.add(1)
    with Receiver() as receiver:
        with Program(box, log, webhook(receiver)):
            wait_until(receiver.keys, what="a message")
            wait_until(lambda: files_of(box).get("hook.json", "").find('"open":[]') > 0,
                       what="the cursor")
        good = files_of(box)["hook.json"]
        path = box.store / "deliveries" / "hook.json"
        for bad, what in [("", "invalid JSON"), (good[:-5], ""), (good.replace("[1,0]", "[99,0]"),
                          "has read up to record 99"), (good.replace("5f0c", "0000"), "another store")]:
            path.write_text(bad)
            with Program(box, log, webhook(receiver)) as program:
                assert program.process.wait(30) == 1
                assert str(path) in program.lines[-1] and what in program.lines[-1], program.lines
        path.unlink()
        with Program(box, log, webhook(receiver)):
            wait_until(lambda: len(receiver.accepted()) == 2, what="the message again")
    receiver.check_duplicates()


if __name__ == "__main__":
    main(globals())

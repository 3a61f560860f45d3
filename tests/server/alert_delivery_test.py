"""What alert rules of a store have to say reaches a receiver over HTTP that fails, hangs and breaks
off, while the server is killed and started again.

Usage: alert_delivery_test.py CAIRN_BINARY ALERT_STORE_BINARY; longer with CAIRN_SOAK set.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import running
from harness import line, main
from receiver import Receiver
from running import wait_until

ALERT_STORE = os.path.abspath(sys.argv.pop(2))
ROUNDS = 20 if os.environ.get("CAIRN_SOAK") else 3
MINUTE = 60

MANY = {"name": "Many", "query": "level:error", "aggregate": "count()", "group_by": "browser",
        "time_window": 1, "triggers": [{"label": "critical", "alert_threshold": 8},
                                       {"label": "warning", "alert_threshold": 4}]}
NEW = {"name": "New ones", "query": "", "when": {"event": "first_seen"}, "frequency": 5}


def made(box, rules, begin):
    """A store with these rules since then."""
    path = box.write("rules", [json.dumps(rule) for rule in rules])
    subprocess.run([ALERT_STORE, str(box.store), str(path), str(begin)], check=True)


def seen(box, begin, minutes, draw):
    """Imports occurrences of some browsers, minute after minute, as they were recorded then."""
    lines, number = [], 0
    for minute in range(minutes):
        for browser in range(5):
            for _ in range(draw.choice([0, 2, 6, 10])):
                number += 1
                at = begin + minute * MINUTE + 30
                event = {"event_id": f"{number:032x}", "project_id": 7, "timestamp": at,
                         "platform": "python", "tags": {"browser": f"B{browser}"}}
                lines.append(line(number, [f"f{number % 23}"], time=at, event=event, level="error"))
    box.imports(box.write("seen.jsonl", lines), "--by-time")


def settings(receiver, **more):
    values = {"name": "hook", "kind": "webhook", "url": f"http://127.0.0.1:{receiver.port}/",
              "secret": "between us", "timeout_ms": 300, "retry_first_ms": 20,
              "retry_most_ms": 100, "parallel": 4, "max_attempts": 100_000, **more}
    return ("drain_ms = 500\n[[destination]]\n" +
            "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items()))


def check_incidents(arrivals):
    """Each incident from its first step on, each step once, from one severity to the next."""
    steps = {}
    for arrival in arrivals:
        incident = arrival.value["incident"]
        steps.setdefault(incident["id"], {}).setdefault(incident["step"], incident)
    for number, told in steps.items():
        assert sorted(told) == list(range(1, len(told) + 1)), (number, sorted(told))
        before = "ok"
        for step in sorted(told):
            assert told[step]["previous_severity"] == before, told
            before = told[step]["severity"]
            assert before != told[step]["previous_severity"], told
    return steps


def test_from_rules_to_a_receiver(box):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    draw = random.Random(seed)
    begin = (int(time.time()) // MINUTE - 40) * MINUTE
    made(box, [MANY, NEW], begin)
    seen(box, begin, 30, draw)
    ways = [500, "hang", "close", "half", "reset", "garbage", (503, [("Retry-After", "0")])]

    def behave(value, _):
        if value["kind"] == "issue" and value["issue"]["number"] == 5:
            return 403
        return draw.choice(ways) if draw.random() < 0.3 else 200

    with Receiver(behave) as receiver:
        for _ in range(ROUNDS):
            with running.Server(box, tcp=False, config=settings(receiver)) as server:
                time.sleep(0.3 + draw.random())
                server.stop(signal.SIGKILL)
        # All that was seen is long ago: the server's own ticks close what is open.
        with running.Server(box, tcp=False, config=settings(receiver)) as server:

            def all_there():
                steps = check_incidents([a for a in receiver.accepted()
                                         if a.value["kind"] == "incident"])
                closed = all(told[max(told)]["severity"] == "ok" for told in steps.values())
                issues = {a.key for a in receiver.accepted() if a.value["kind"] == "issue"}
                return len(steps) >= 5 and closed and len(issues) == 22
            wait_until(lambda: server.metrics()['cairn_delivery_waiting{destination="hook"}'] == 0
                       and all_there(), seconds=120, what="the end of all incidents")
            metrics = server.metrics()
            assert server.stop() == 0
        receiver.check_duplicates()
        incidents = [a for a in receiver.arrivals if a.value["kind"] == "incident"]
        receiver.arrivals = incidents
        receiver.check_order()
    assert metrics['cairn_delivery_oldest_seconds{destination="hook"}'] == 0
    # What was refused is kept; only that.
    dead = [json.loads(x) for x in
            (box.store / "deliveries" / "hook.dead.jsonl").read_text().splitlines()]
    assert {x["message"]["issue"]["short_id"] for x in dead} == {"P7-5"}, dead
    assert {x["why"].split(":")[0] for x in dead} == {"403 Forbidden"}
    one = incidents[0].value
    assert one["rule"] == {"id": 1, "name": "Many"} and one["incident"]["key"].startswith("B")
    assert "between us" not in "".join(server.lines)


def test_a_replay_and_another_start_tell_nothing_again(box):
    begin = (int(time.time()) // MINUTE - 40) * MINUTE
    made(box, [MANY, NEW], begin)
    seen(box, begin, 20, random.Random(1))
    with Receiver() as receiver:
        config = settings(receiver, timeout_ms=10_000)
        with running.Server(box, tcp=False, config=config) as server:
            wait_until(lambda: len(receiver.keys()) > 25 and server.metrics()[
                'cairn_delivery_waiting{destination="hook"}'] == 0, what="all")
            time.sleep(6)  # the server's first tick
            wait_until(lambda: server.metrics()[
                'cairn_delivery_waiting{destination="hook"}'] == 0, what="the rest")
            sent = server.metrics()['cairn_delivery_sent_total{destination="hook"}']
            assert server.stop() == 0
        assert sent == len(receiver.arrivals)
        told = len(receiver.arrivals)
        assert told == len(receiver.keys())
        box.ok("rebuild", box.store)
        with running.Server(box, tcp=False, config=config) as server:
            status, _ = server.ingest([line(900_000, ["quite new"], time=int(time.time()))])
            assert status == 200
            wait_until(lambda: len(receiver.arrivals) > told, what="a new issue")
            assert server.stop() == 0
        assert len(receiver.arrivals) == told + 1
        assert receiver.arrivals[-1].value["issue"]["event"] == "first_seen"


def test_history_that_is_imported_pages_nobody(box):
    begin = (int(time.time()) // MINUTE - 5000) * MINUTE
    made(box, [MANY, NEW], begin)
    seen(box, begin, 20, random.Random(2))
    with Receiver() as receiver:
        with running.Server(box, tcp=False, config=settings(receiver)) as server:
            wait_until(lambda: server.events("delivery_skipped"), what="old ones")
            time.sleep(1)
            skipped = server.metrics()['cairn_delivery_skipped_total{destination="hook",reason="old"}']
            assert skipped > 25
            assert server.stop() == 0
        assert [a for a in receiver.arrivals if a.value["kind"] == "issue"] == []


def test_settings_that_are_wrong_end_the_server(box):
    box.ok("init", box.store)
    for text, piece in [("kind = \"mail\"", "line 3"), ("kind = \"webhook\"", "needs a `url`"),
                        ("kind = \"webhook\"\nurl = \"https://a.example/\"\ntls_ca = \"/none\"",
                         "/none: cannot be read")]:
        config = box.write("c.toml", f"[[destination]]\nname = \"a\"\n{text}\n")
        box.run("serve", box.store, "--listen", f"unix:{box.path('s')}", "--config",
                config).expect(1).says(piece)


if __name__ == "__main__":
    main(globals())

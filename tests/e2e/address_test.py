"""A store behind an address: every verb as on a directory, byte by byte, over unix sockets, TCP and
TLS; imports through connections that are cut and servers that are killed.

Usage: address_test.py CAIRN_BINARY [TEST...]
The suites of other files run twice here, once on a directory and once at a server (twin.py).
CAIRN_SOAK=MINUTES: all of them over each kind of address, and many more cuts.
"""

import json
import os
import random
import signal
import subprocess
import threading
import time

import alert_test
import digest_test
import experiment_test
import issue_test
import page_test
import workflow_test
from harness import Skip, line, main, occurrence, operation
from server import CuttingProxy, Server
from twin import TwinSandbox

SOAK = float(os.environ.get("CAIRN_SOAK", "0")) > 0
START = 1_600_000_000

# What only makes sense on a directory, with the reason.
NOT_AT_AN_ADDRESS = {
    "test_the_key_is_private": "takes a file out of the directory",
    "test_check_says_what_it_understood": "has no store",
    "test_check_says_what_is_wrong_and_where": "has no store",
    "test_ticks_at_given_times": "a server goes by the time it is",
    "test_incidents_of_stored_rules": "the same, see test_alerts_of_the_past_at_an_address",
    "test_people_and_incidents": "the same",
    "test_rules_change_pause_and_go": "the same",
    "test_explain": "the same, see test_alerts_of_the_past_at_an_address",
    "test_many_rules": "how often windows are filled in between is a matter of time",
    "test_a_store_called_as_a_word": "is about names of directories",
}


def tour(box):
    """Every verb whose place is the store, with and without --json."""
    lines = [line(n, fingerprint=[f"f{n % 7}", "all"], time=START + n) for n in range(60)]
    box.imports(box.write("in.jsonl", lines))
    for words in TOUR:
        words = [box.store if word == "STORE" else word for word in words]
        for more in ([], ["--json"]):
            box.run(*words, *more)
    pairs = box.write("pairs.csv", ["SHOP-6,SHOP-5", "SHOP-99,SHOP-1", "x"])
    box.run("merge", box.store, "--pairs", pairs, "--rejects", box.path("rejected.jsonl")).expect(3)
    box.run("merge", box.store, "--pairs", "-", stdin=b"SHOP-6,SHOP-5\n").expect(0)
    box.run("merge", box.store, "--pairs", box.path("missing.csv")).expect(1)
    rules = box.write("rules.jsonl", ['{"name":"New","when":{"event":"first_seen"}}', "{",
                                      '{"name":"Back","when":{"event":"regression"}}'])
    changed = box.write("changed.json", '{"name":"Newest","when":{"event":"first_seen"}}')
    for words in (["add", rules], ["change", 1, changed], *(row.split() for row in ALERTS)):
        for more in ([], ["--json"]):
            box.run("alert", box.store, *words, *more)
    labels = box.write("labels.csv", [f"{occurrence(n)['id']},{n % 3}" for n in range(60)])
    box.ok("experiment", box.store, "compare", "e1", "--labels", labels, "--json")
    refused = box.write("bad.jsonl", ["{", line(100), '{"op":"occurrence"}', ""])
    box.run("import", box.store, refused, "--rejects", box.path("rejected2.jsonl")).expect(3)
    box.run("import", box.store, refused).expect(3)
    box.run("import", box.store, box.path("no.jsonl")).expect(1)


TOUR = [words.split() for words in """
query STORE
query STORE is:unresolved --sort freq --limit 3
query STORE level:eror
query STORE nofield:(
query STORE | count() uniq(user) by title
query STORE | top 3 fingerprint
query STORE --as-of 10
query STORE --at-least 100000
query STORE --timeout 1ms --max-rows 1
fields STORE
fields STORE level
export STORE issue:P7-1
export STORE --as-of 5
show STORE P7-1
show STORE P7-77
history STORE P7-1
events STORE P7-1 --limit 2
tags STORE P7-1
tags STORE P7-1 browser
diff STORE 5
diff STORE 5 10
digest STORE
log STORE --limit 5
merge STORE P7-1 P7-2 P7-3
merge STORE P7-1 P7-2
merge STORE --new Both P7-4 P7-5
unmerge STORE P7-1 P7-2
unmerge STORE P7-1 --last
split STORE P7-1 --fingerprint all
resolve STORE P7-1 P7-2
unresolve STORE P7-1
archive STORE P7-2 --forever
archive STORE P7-2 --until 2001-01-01
assign STORE P7-1 user:3 --actor grace
priority STORE P7-1 high
note STORE P7-1 some text --key k1
note STORE P7-1 some text --key k1
bookmark STORE P7-1 user:3
subscribe STORE P7-1 team:3
seen STORE P7-1 user:3
review STORE P7-1
link STORE P7-1 https://tracker.example/1 --title T
delete STORE P7-3
discard STORE P7-4
discard STORE P7-4 --undo
tick STORE
projects STORE
projects STORE set 7 --slug shop
types STORE
types STORE set 9001 --slug line
types STORE strict on
types STORE strict off
releases STORE
releases STORE set shop 1.0.0
experiment STORE new e1
experiment STORE add e1 fp:all
experiment STORE add e1 merge by fingerprint[1]
experiment STORE list
experiment STORE compare e1
experiment STORE promote e1 --dry-run
query STORE --in e1
sweep STORE merge by title --dry-run
retain STORE --max-age 9000d
retain STORE --max-occurrences 1 --dry-run
resolve STORE
assign STORE P7-1
""".strip().splitlines()]


# Rules that never wait for a tick.
ALERTS = """
list
list --limit 1 --open
show 1
show Back
show Nobody
pause 2
list
resume Back
incidents
incidents --rule 9
incident 1
ack 1
comment 1 text
close 1
explain Newest
explain Newest --issue P7-1
explain 1 --of x
explain 1 --at 2001-01-01
tick
stats
remove 1
test 2
""".strip().splitlines()


def twice(test, kind):
    def run(box):
        twin = TwinSandbox(box.binary, box.dir, kind)
        try:
            test(twin)
        finally:
            twin.stop()
        assert twin.compared > 0 or test.__name__ in NOT_AT_AN_ADDRESS, "nothing was compared"
    return run


for _kind in ("unix", "tcp", "tls"):
    globals()[f"test_tour_{_kind}"] = twice(tour, _kind)
    for _suite in (workflow_test, issue_test, experiment_test, page_test, alert_test, digest_test):
        for _name, _test in list(vars(_suite).items()):
            if _name.startswith("test_") and _name not in NOT_AT_AN_ADDRESS and \
                    (_kind == "unix" or SOAK):
                globals()[f"{_name}_{_suite.__name__}_{_kind}"] = twice(_test, _kind)


def test_alerts_of_the_past_at_an_address(box):
    """What was is the same at an address, though the server goes on evaluating. An incident that
    stays open, as nothing comes, is acknowledged and closed there."""
    quiet = alert_test.rule(name="Quiet", threshold_type="below",
                            triggers=[{"label": "critical", "alert_threshold": 1}])
    alert_test.watch(box, *alert_test.ALL, quiet)
    box.ok("alert", box.store, "tick", "--now", alert_test.at(75))
    told = box.ok("alert", box.store, "incidents", "--json").json()
    lsn = told["lsn"]
    number = told["incidents"][0]["number"]
    assert told["incidents"][0]["open"] and told["total"] > 5, told
    words = [["list"], ["show", 2], ["show", "Quiet"], ["incidents"], ["incidents", "--rule", 4],
             ["incident", number], ["incident", 1], ["incident", 999]]
    words = [[*each, "--as-of", lsn] for each in words]
    words += [["explain", rule, "--at", alert_test.at(minute)] for rule in (1, 2, 4, "Quiet")
              for minute in (11, 24, 33, 75)]
    words = [[*each, *more] for each in words for more in ([], ["--json"])]
    near = [box.run("alert", box.store, *each) for each in words]
    with Server(box, box.store) as server:
        for each, here in zip(words, near):
            far = box.run("alert", server.address, *each, env=server.env)
            assert (far.code, far.out, far.err) == (here.code, here.out, here.err), (here, far)

        def at(*more):
            return box.ok("alert", server.address, *more, "--json", env=server.env).json()
        assert at("ack", number, "--actor", "ada")["outcome"] == "stored"
        assert at("incident", number)["acknowledged"]["who"] == "ada"
        wait_until(lambda: at("show", "Quiet")["last_tick"] > alert_test.at(75), "a tick")
        assert at("close", number)["outcome"] == "stored"
        assert at("incident", number)["method"] == "manual"
        assert at("stats")["subscriptions"] == 4 and not at("stats")["just_opened"]
        box.run("alert", server.address, "tick", "--now", alert_test.at(80),
                env=server.env).expect(1).says("goes by the time it is")


# --- imports ------------------------------------------------------------------------------------

COUNT = 20_000
WAIT_SECONDS = 60  # for what takes moments, on a slow machine


def wait_until(condition, what):
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {WAIT_SECONDS} s"
        time.sleep(0.02)


def write_input(box, count=COUNT):
    lines = [line(n, fingerprint=[f"f{n % 50}"], time=START + n) for n in range(count)]
    lines += [operation("occurrence", START + n, id=occurrence(n)["id"], fp=f"f{n % 50}")
              for n in range(0, count, 1000)]
    lines += ["{"] * 3
    return box.write("many.jsonl", lines)


def check_summary(summary, store_has, count=COUNT):
    assert summary["lines"] == count + count // 1000 + 3, summary
    # What was stored before its answer was lost is known the second time.
    assert summary["stored"] + summary["duplicates"] == count, summary
    assert summary["references"] == count // 1000, summary
    assert summary["refused"] == 3 and not summary["interrupted"], summary
    assert store_has == count, (store_has, summary)


def occurrences_at(box, server):
    found = box.ok("query", server.address, "| count()", "--json", env=server.env).json()
    return found["rows"][0][0]


def test_import_through_cut_connections(box):
    for seed in range(20 if SOAK else 2):
        directory = box.path(f"store{seed}")
        with Server(box, directory) as server:
            proxy = CuttingProxy(box, server, seed, 4_000_000)
            done = box.run("import", proxy.address, write_input(box), "--json").expect(3)
            check_summary(done.json(), occurrences_at(box, server))
            assert proxy.cuts > 0, f"seed {seed} cut nothing"
            proxy.close()
            server.stop()
        box.ok("verify", directory, "--deep")


class FedImport:
    """An import that reads what feed() gives it, connected and under way: its first line is in the
    store. Who cannot connect at all is told so at once; only later connections are made anew."""

    def __init__(self, box, server, first, *words):
        self.running = subprocess.Popen(
            [box.binary, "import", server.address, "-", *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.feed(first)
        wait_until(lambda: self.running.poll() is not None or occurrences_at(box, server) == 1,
                   "the first line")

    def feed(self, data):
        try:
            self.running.stdin.write(data)
            self.running.stdin.flush()
        except BrokenPipeError:
            pass  # its end tells more

    def expect(self, code):
        """(stdout, stderr)."""
        out, err = (text.decode() for text in self.running.communicate(timeout=120))
        assert self.running.returncode == code, (self.running.returncode, out[-2000:], err[-2000:])
        return out, err


def test_import_while_the_server_is_killed(box):
    luck = random.Random(7)
    first, *rest = write_input(box).read_bytes().splitlines(keepends=True)
    kills = 3
    for number in range(20 if SOAK else 2):
        directory = box.path(f"killed{number}")
        with Server(box, directory) as server:
            running = FedImport(box, server, first, "--json")
            for kill in range(kills):
                part = b"".join(rest[kill::kills + 1])
                feeding = threading.Thread(target=running.feed, args=(part,))
                feeding.start()
                time.sleep(luck.uniform(0.02, 0.3))  # anywhere: in a part or after it
                server.kill()
                server.start()
                feeding.join()
            running.feed(b"".join(rest[kills::kills + 1]))
            out, err = running.expect(3)
            assert "trying again" in err, err
            check_summary(json.loads(out), occurrences_at(box, server))
            server.stop()
        box.ok("verify", directory, "--deep")


def test_import_is_interrupted(box):
    with Server(box, box.path("store")) as server:
        running = FedImport(box, server, (line(1) + "\n").encode())
        running.running.send_signal(signal.SIGINT)
        running.running.wait(20)  # its input is still open
        _, err = running.expect(130)
        assert "interrupted" in err and "1 of them stored and durable" in err, err
        assert occurrences_at(box, server) == 1


def test_a_reader_that_leaves_ends_an_export(box):
    with Server(box, box.path("store")) as server:
        box.run("import", server.address, write_input(box), "--quiet").expect(3)
        command = f"'{box.binary}' export {server.address} | head -n 1 | wc -l"
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True,
                              check=False, timeout=30)
        assert done.returncode == 0 and done.stdout.strip() == b"1", done


def test_an_export_is_interrupted(box):
    with Server(box, box.path("store")) as server:
        box.run("import", server.address, write_input(box), "--quiet").expect(3)
        running = subprocess.Popen([box.binary, "export", server.address],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        got = len(running.stdout.read(100_000))
        running.send_signal(signal.SIGINT)
        rest, err = running.communicate(timeout=20)
        assert running.returncode == 130, (running.returncode, err)
        whole = len(box.ok("export", server.address).out.encode())
        assert got + len(rest) < whole, "all of it came"
        server.stop()  # nothing is left under way


def left_open(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_clients_that_are_killed_leave_nothing(box):
    if not os.path.isdir("/proc/self/fd"):
        raise Skip("there is no /proc here")
    luck = random.Random(11)
    with Server(box, box.path("store")) as server:
        many = write_input(box)
        box.run("import", server.address, many, "--quiet").expect(3)
        box.ok("query", server.address)
        before = left_open(server)
        readers = box.ok("stats", server.address, "--json").json()["readers"]
        for words in [["export"], ["import", str(many)], ["query", "| count() by url"]] * (
                20 if SOAK else 4):
            client = subprocess.Popen([box.binary, words[0], server.address, *words[1:]],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            time.sleep(luck.uniform(0, 0.1))
            client.kill()
            client.communicate()
        wait_until(lambda: left_open(server) <= before, "the end of connections")

        def stats(name):
            return box.ok("stats", server.address, "--json").json()[name]
        wait_until(lambda: stats("readers") <= readers, "the end of their queries")
        assert stats("occurrences") == COUNT, stats("occurrences")
        server.stop()


def test_verbs_that_need_a_directory(box):
    with Server(box, box.path("store")) as server:
        for words in (["verify"], ["rebuild"], ["init"], ["backup", None, "elsewhere"]):
            words = [words[0], server.address, *words[2:]]
            box.run(*words).expect(1).says("where the directory is")


def test_tokens_and_certificates(box):
    directory = box.path("store")
    box.ok("init", directory)
    reads = box.ok("token", directory, "create", "reader", "--scope", "read").out.strip()
    writes = box.ok("token", directory, "create", "writer", "--scope", "ingest").out.strip()
    lines = box.write("in.jsonl", [line(n, time=START + n) for n in range(10)])
    with Server(box, directory, "tls") as server:
        def run(*words, **env):
            return box.run(words[0], server.address, *words[1:], env={**server.env, **env})
        run("query").expect(1)  # no token
        run("query", "--token", "cairn_guess_guess").expect(1)
        run("query", CAIRN_TOKEN=reads).expect(0)
        run("query", "--token", reads).expect(0)
        kept = box.write("token", reads + "\n")
        run("query", "--token-file", kept).expect(0)
        run("query", "--token-file", box.path("none")).expect(1).says("cannot read the token")
        run("query", "--token", reads, "--token-file", kept).expect(1).says("give one of them")
        # A token can do what its scopes say, and nothing else.
        run("import", lines, CAIRN_TOKEN=reads).expect(1).says("ingest")
        run("resolve", "P7-1", CAIRN_TOKEN=reads).expect(1).says("triage")
        run("query", CAIRN_TOKEN=writes).expect(1).says("read")
        for words, token in ((["resolve", "P7-1"], reads), (["query"], writes), (["query"], ""),
                             (["import", lines], reads)):
            told = run(*words, "--json", CAIRN_TOKEN=token).expect(1)
            assert told.json()["error"]["code"] == "denied", told
        run("import", lines, CAIRN_TOKEN=writes).expect(0)
        # Whose certificate nobody vouches for is not talked to, and is told no token.
        box.run("query", server.address, "--token", reads).expect(1).says("certificate")
        run("query", "--token", reads, "--tls-ca", box.path("none")).expect(1).says("--tls-ca")
        box.run("query", server.address, "--token", reads, "--tls-ca",
                server.env["CAIRN_CA"]).expect(0)
        server.stop()
    log = box.path("server.log").read_text()
    assert reads not in log and writes not in log, "a token is in the log"


if __name__ == "__main__":
    main(globals())

"""The command line as scripts see it: exit codes, JSON shapes, streams and signals.

Usage: cli_test.py CAIRN_BINARY [TEST...]
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time

from harness import Skip, line, main, occurrence, operation, packed

NOW = "2020-09-14T00:00:00Z"
ISSUE_KEYS = ["id", "short_id", "project_id", "title", "status", "substatus", "level", "priority",
              "type", "assignee", "first_seen", "last_seen", "times_seen", "count", "users",
              "merged"]


def fill(box):
    """Five groups: f0 .. f4, two occurrences each; all list the coarse fingerprint c."""
    lines = [line(n, fingerprint=[f"f{n % 5}", "c"], time=1_600_000_000 + n) for n in range(10)]
    return box.imports(box.write("fill.jsonl", lines))


def short_ids(page):
    return sorted(issue["short_id"] for issue in page["issues"])


def test_usage_errors_are_2(box):
    for words in [[], ["nonsense"], ["query"], ["query", "s", "--bad"], ["merge", "s"],
                  ["import", "s"], ["query", "s", "--limit", "x"]]:
        done = box.run(*words).expect(2)
        assert done.err and not done.out
    box.run("qurey", "s").expect(2).says("cairn query")
    error = box.run("query", "--json").expect(2).json()
    assert error["error"]["code"] == "invalid_argument"


def test_help_and_version(box):
    assert re.match(r"cairn \d+\.\d+\.\d+\n$", box.ok("--version").out)
    overview = box.ok("help").out
    verbs = re.findall(r"^  ([a-z]+) ", overview, re.M)
    for verb in ["init", "import", "export", "query", "explain", "parse", "show", "history", "events", "tags",
                 "diff", "merge", "unmerge", "split", "fields",
                 "resolve", "unresolve", "archive", "stats", "verify", "rebuild", "log",
                 "backup", "restore", "retain", "compact",
                 "generate", "demo", "assign", "projects", "types"]:
        assert verb in verbs, verb
    for verb in verbs:
        text = box.ok("help", verb).out
        assert text == box.ok(verb, "--help").out and "Examples:" in text


def test_errors_are_json_on_stdout(box):
    done = box.run("query", box.path("none"), "", "--json").expect(1)
    error = done.json()["error"]
    assert error["code"] == "not_found" and error["position"] is None
    fill(box)
    done = box.run("query", box.store, 'level:"err', "--json").expect(1)
    error = done.json()["error"]
    assert error["code"] == "invalid_argument" and error["position"] == 6, error
    done = box.run("query", box.store, 'level:"err').expect(1)
    assert "^" in done.err, "a caret points at the fault"


def test_search_shape(box):
    fill(box)
    page = box.search("is:unresolved", "--limit", "2", "--now", NOW)
    assert list(page) == ["lsn", "total", "next", "prev", "issues"]
    assert page["total"] == 5 and len(page["issues"]) == 2 and page["next"]
    for issue in page["issues"]:
        assert list(issue) == ISSUE_KEYS
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", issue["first_seen"])
    seen = short_ids(page)
    while page["next"]:
        page = box.search("is:unresolved", "--limit", "2", "--now", NOW, "--cursor", page["next"])
        seen += short_ids(page)
    assert len(seen) == len(set(seen)) == 5


def test_aggregate_shape(box):
    fill(box)
    table = box.search("level:error | count() by browser")
    assert list(table) == ["lsn", "total", "columns", "rows"]
    assert [column["name"] for column in table["columns"]] == ["browser", "count()"]
    assert table["rows"] == [["Firefox 130", 10]]
    assert "Firefox 130" in box.ok("query", box.store, "level:error | count() by browser").out


def test_a_cut_table_says_so(box):
    fill(box)
    table = box.search("| count() by issue | limit 2")
    assert table["total"] == 5 and len(table["rows"]) == 2
    shown = box.ok("query", box.store, "| count() by issue", "--limit", "2").out
    assert shown.splitlines()[-1] == "2 of 5 rows"
    assert "rows" not in box.ok("query", box.store, "| count() by issue").out


def test_messages_hold_no_escapes(box):
    fill(box)
    wrong = box.run("query", box.store, "is:\x1b[31mfoo").expect(1)
    assert "[31mfoo" in wrong.err and "\x1b" not in wrong.err
    done = box.ok("query", box.store, "brow\x1b[31m:x")
    assert "\x1b" not in done.err
    usage = box.run("query", box.store, "--wrong\x1b[31m").expect(2)
    assert "\x1b" not in usage.err


def test_issues_as_a_table(box):
    fill(box)
    now = "2020-09-13T12:27:00Z"  # just after the last occurrence
    query = "| fields short_id, count(), trend(1h) | sort short_id | limit 2"
    table = box.search(query, "--now", now)
    assert [column["type"] for column in table["columns"]] == ["string", "integer", "trend"]
    assert table["rows"] == [[f"P7-{n}", 2, [0] * 11 + [2]] for n in [1, 2]]
    shown = box.ok("query", box.store, query, "--now", now, env={"LC_ALL": "C"}).out
    assert re.search(r"P7-2 +2 +@$", shown, re.M), shown


def test_trends_of_a_page(box):
    fill(box)
    page = box.search("| trend 1h", "--now", "2020-09-13T12:27:00Z")
    assert list(page) == ["lsn", "total", "next", "prev", "issues", "trend_bucket_seconds"]
    assert page["trend_bucket_seconds"] == 300
    assert all(list(issue) == ISSUE_KEYS + ["trend"] for issue in page["issues"])
    assert page["issues"][0]["trend"] == [0] * 11 + [2]
    assert "LAST 1h" in box.ok("query", box.store, "| trend 1h", "--now", NOW,
                               env={"COLUMNS": "120"}).out


def test_an_earlier_window(box):
    fill(box)
    table = box.search("timestamp:>=2020-09-13T12:26:45Z | count() vs 3s", "--now",
                       "2020-09-13T12:26:50Z")
    assert [column["name"] for column in table["columns"]] == ["count()", "count().before",
                                                                "count().change"]
    assert table["rows"] == [[5, 5, 0]], table


def test_warnings_are_told_and_change_nothing(box):
    fill(box)
    done = box.ok("query", box.store, "browsr:x")
    assert 'did you mean "browser"?' in done.err and "no issues match" in done.out
    page = box.search("browsr:x")
    assert page["total"] == 0 and len(page["warnings"]) == 1
    table = box.search("| count() by browsr")
    assert table["rows"] == [[None, 10]] and len(table["warnings"]) == 1


def test_fields(box):
    fill(box)
    fields = {field["name"]: field for field in box.ok("fields", box.store, "--json").json()["fields"]}
    assert fields["browser"]["examples"] == ["Firefox 130"] and fields["browser"]["scope"] == "tag"
    assert fields["environment"]["aliases"] == ["env"]
    assert "resolved" in fields["is"]["examples"] and fields["is"]["values"] is None
    text = box.ok("fields", box.store, "env").out
    assert "environment" in text and "environment takes = !" in text and "browser" not in text
    assert "browser" in box.ok("fields", box.store).out
    box.run("fields", box.store, "nothing").expect(1).says("fields")


def test_what_lies_deeper(box):
    fill(box)
    event = {"event_id": "b" * 32, "project_id": 7, "platform": "python", "timestamp": 1, "tags": {},
             "contexts": {"os": {"name": "Plan 9"}}, "release": "shop@1.2.3"}
    value = occurrence(77, evidence_data={"rows": 1500}, event=event, evidence_display=[
        {"name": "Query", "value": "SELECT * FROM cart", "important": True}])
    box.imports(box.write("deeper.jsonl", [json.dumps(value)]))

    def checks():
        for query in [f"id:{value['id']}", f"id:{'b' * 32}", "select \\* from", "os.name:\"Plan 9\"",
                      "evidence.rows:>1k", "first_release:shop@1.2.*"]:
            assert short_ids(box.search(query)) == ["P7-6"], query
        assert box.search(f"!id:{'b' * 32}")["total"] == 5
        assert box.search("id:" + "c" * 32)["total"] == 0

    checks()  # in the head
    fields = {field["name"]: field for field in box.ok("fields", box.store, "--json").json()["fields"]}
    assert fields["evidence.rows"]["type"] == "number" and fields["os.name"]["scope"] == "tag"
    assert fields["first_release"]["aliases"] == ["first-release", "firstRelease"]
    box.ok("rebuild", box.store)
    checks()  # in a segment
    past = box.search(f"id:{'b' * 32}", "--as-of", "3")
    assert past["total"] == 0
    box.run("query", box.store, "id:b7").expect(1).says("all 32")
    box.ok("verify", box.store, "--deep")


def test_who_asks(box):
    fill(box)
    box.ok("assign", box.store, "P7-1", "user:7")
    box.ok("assign", box.store, "P7-2", "team:3")
    assert short_ids(box.search("assigned:me", "--as", "7")) == ["P7-1"]
    assert short_ids(box.search("assigned:me", "--as", "user:7")) == ["P7-1"]
    asked = box.search("assigned:my_teams", "--team", "9", "--team", "team:3", "--as", "1")
    assert short_ids(asked) == ["P7-2"]
    box.run("query", box.store, "assigned:me").expect(1).says("who asks")


def test_import_is_idempotent(box):
    first = fill(box)
    assert (first["stored"], first["duplicates"]) == (10, 0)
    before = box.digests()
    second = fill(box)
    assert (second["stored"], second["duplicates"]) == (0, 10)
    assert box.digests() == before


def test_a_taken_back_history_twice_changes_nothing(box):
    path = box.write("in.jsonl", [
        line(1), line(2),
        operation("merge", 1_600_000_001, primary="f1", children=["f2"], why="duplicate"),
        operation("merge", 1_600_000_002, primary="f1", children=["f2"], why="duplicate"),
        operation("unmerge", 1_600_000_003, primary="f1", children=["f2"])])
    first = box.imports(path)
    assert (first["stored"], first["no_change"]) == (4, 1), first
    digests = box.digests()
    again = box.imports(path)
    assert (again["stored"], again["duplicates"]) == (0, 5), again
    assert box.digests() == digests


def test_a_hidden_issue_keeps_its_own_figures(box):
    def by(number, user, fingerprint):
        value = occurrence(number, [fingerprint])
        value["event"]["user"] = {"id": user}
        return json.dumps(value)
    box.imports(box.write("in.jsonl", [by(1, "a", "x"), by(2, "a", "y"), by(3, "b", "y")]))
    before = box.ok("show", box.store, "P7-2", "--json").json()["issue"]
    box.ok("merge", box.store, "P7-1", "P7-2")
    hidden = box.ok("show", box.store, "P7-2", "--json").json()
    assert (hidden["issue"]["users"], hidden["issue"]["count"]) == (2, 2), hidden
    assert hidden["issue"]["users"] == before["users"] and hidden["top"] is None


def test_import_formats_and_stdin(box):
    lines = [line(n) for n in range(30)]
    plain = "".join(text + "\n" for text in lines).encode()
    assert box.imports(box.write("odd.name", packed(lines)))["stored"] == 30
    assert box.imports(box.write("plain.gz", plain))["duplicates"] == 30
    assert box.imports("-", stdin=plain)["duplicates"] == 30
    assert box.imports("-", stdin=packed(lines))["duplicates"] == 30
    if shutil.which("zstd"):
        packed_zstd = subprocess.run(["zstd", "-c"], input=plain, capture_output=True, check=True)
        assert box.imports("-", stdin=packed_zstd.stdout)["duplicates"] == 30
    twice = box.imports(box.write("two.gz", packed(lines[:10]) + packed(lines[10:])))
    assert twice["duplicates"] == 30


def test_must_exist(box):
    path = box.write("in.jsonl", [line(1)])
    box.run("import", box.store, path, "--must-exist").expect(1)
    assert not box.store.exists()
    box.ok("init", box.store)
    assert box.ok("init", box.store, "--json").json()["created"] is False
    box.ok("import", box.store, path, "--must-exist")


def test_a_live_stream_is_durable_at_once(box):
    """A slow pipe: what was written is in the log while the pipe stays open."""
    running = subprocess.Popen([box.binary, "import", box.store, "-", "--json"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    running.stdin.write((line(1) + "\n").encode())
    running.stdin.flush()
    for _ in range(600):
        time.sleep(0.1)
        done = box.run("stats", box.store, "--json")
        if done.code == 0 and done.json()["occurrences"] == 1:
            break
    else:
        raise AssertionError("the line did not arrive while the pipe was open")
    running.stdin.close()
    assert json.loads(running.stdout.read())["stored"] == 1
    assert running.wait() == 0


def test_interrupt_ends_in_order(box):
    running = subprocess.Popen([box.binary, "import", box.store, "-", "--json"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    running.stdin.write("".join(line(n) + "\n" for n in range(100)).encode())
    running.stdin.flush()
    for _ in range(600):
        time.sleep(0.1)
        done = box.run("stats", box.store, "--json")
        if done.code == 0 and done.json()["occurrences"] == 100:
            break
    running.send_signal(signal.SIGINT)
    code = running.wait()  # with its input still open
    err = running.stderr.read()
    assert code == 130, (code, err)
    summary = json.loads(running.stdout.read())
    assert summary["interrupted"] and summary["stored"] == 100
    assert b"interrupted" in err and b"durable" in err
    running.stdin.close()
    assert box.occurrences() == 100
    box.ok("verify", box.store, "--deep")


def test_explain_shows_the_plan(box):
    fill(box)
    text = box.ok("explain", box.store, "level:error has:title is:unresolved", "--now", NOW).out
    for piece in ["CONDITION", "EXPECTED", "FOUND", "level:error", "has:title", "issues: is:unresolved",
                  "parts:", "stages: parse ", " match ", " rows "]:
        assert piece in text, (piece, text)
    plan = box.ok("explain", box.store, "level:error | count() by level", "--json").json()
    assert plan["plan"]["text"] == "level:error" and plan["plan"]["found"] == 10
    assert plan["query"] == "level:error | count() by level" and plan["lsn"] > 0
    assert plan["parts"][0]["matches"] == 10 and plan["rows"] == 1
    assert [stage["name"] for stage in plan["stages"]] == [
        "parse", "bind", "plan", "match", "roll-up", "rows"]
    past = box.ok("explain", box.store, "level:error", "--as-of", "4", "--json").json()
    then = box.ok("query", box.store, "| count()", "--as-of", "4", "--json").json()["rows"][0][0]
    assert past["lsn"] == 4 and past["matches"] == then and 0 < then < 10
    box.run("explain", box.store, "is:wrong").expect(1).says("is:wrong", "^")


def test_profile_of_a_refused_answer_is_told(box):
    fill(box)
    done = box.run("query", box.store, "| count() by user", "--profile", "--max-memory", "1")
    done.expect(1).says("--max-memory", "stages: parse")
    assert done.out == "", done


def test_profile_comes_with_the_answer(box):
    fill(box)
    done = box.ok("query", box.store, "level:error", "--profile", "--now", NOW)
    assert done.out == box.ok("query", box.store, "level:error", "--now", NOW).out
    done.says("CONDITION", "stages: parse")
    for query in ["level:error", "level:error | count()"]:
        plain = box.ok("query", box.store, query, "--json").json()
        profiled = box.ok("query", box.store, query, "--json", "--profile").json()
        profile = profiled.pop("profile")
        assert profiled == plain and profile["matches"] == 10


def test_budgets_end_a_query(box):
    fill(box)
    done = box.run("query", box.store, "level:error", "--max-rows", "3").expect(1)
    done.says("limit of 3 rows", "--max-rows")
    error = box.run("query", box.store, "| count() uniq(user) by title", "--max-memory", "1",
                    "--json").expect(1).json()["error"]
    assert error["code"] == "exhausted" and "--max-memory" in error["message"]
    error = box.run("query", box.store, "| count() uniq(user) by title", "--max-examined", "5",
                    "--json").expect(1).json()["error"]
    assert error["code"] == "exhausted" and "limit of 5 occurrences" in error["message"]
    assert box.search("level:error")["total"] == 5


def test_interrupt_cancels_a_query(box):
    lines = [line(n, fingerprint=[f"f{n % 5}", "c"], time=1_600_000_000 + n, title="x" * 500)
             for n in range(2000)]
    box.imports(box.write("many.jsonl", lines))
    running = subprocess.Popen([box.binary, "export", box.store], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    first = running.stdout.readline()  # the pipe is full soon: it waits within its answer
    running.send_signal(signal.SIGINT)
    rest = running.stdout.read()
    err = running.stderr.read()
    assert running.wait() == 130, err
    assert b"cancelled" in err
    exported = (first + rest).splitlines()
    assert 0 < len(exported) < 2000 and all(json.loads(one) for one in exported)
    box.ok("verify", box.store, "--deep")


def test_one_writer(box):
    fill(box)
    running = subprocess.Popen([box.binary, "import", box.store, "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            time.sleep(0.1)
            done = box.run("resolve", box.store, "P7-1", "--json")
            if done.code == 1:
                break
        error = done.expect(1).json()["error"]
        assert error["code"] == "conflict" and str(running.pid) in error["message"], error
        box.search("is:unresolved")  # readers are welcome
    finally:
        running.stdin.close()
        running.wait()


def test_a_reader_that_leaves(box):
    fill(box)
    many = box.write("many.jsonl", [line(n) for n in range(100, 5100)])
    box.imports(many)
    for words in [["log"], ["log", "--json"], ["export"]]:
        command = [box.binary, words[0], str(box.store), *words[1:]]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 0, words


def test_merge_and_unmerge(box):
    fill(box)
    before = box.digests()
    done = box.ok("merge", box.store, "P7-1", "P7-2", "P7-3", "--json").json()
    assert done["outcome"] == "stored" and done["children"] == ["P7-2", "P7-3"]
    page = box.search("is:unresolved")
    assert page["total"] == 3 and page["lsn"] == done["lsn"]
    merged = [issue for issue in page["issues"] if issue["short_id"] == "P7-1"][0]
    assert merged["merged"] == ["P7-2", "P7-3"] and merged["times_seen"] == 6
    hidden = box.ok("show", box.store, "P7-2", "--json").json()
    assert hidden["shown_in"] == "P7-1" and hidden["own"]["times_seen"] == 2
    assert "shown within" in box.ok("show", box.store, "P7-2").out
    again = box.ok("merge", box.store, "P7-1", "P7-4", "--key", "k", "--json").json()
    assert again["outcome"] == "stored"
    repeated = box.ok("merge", box.store, "P7-1", "P7-4", "--key", "k", "--json").json()
    assert repeated["outcome"] == "duplicate"
    box.run("merge", box.store, "P7-5", "P7-2").expect(1).says("P7-2")
    box.ok("unmerge", box.store, "P7-1", "P7-3")
    box.ok("unmerge", box.store, "P7-1")
    assert box.digests()[0] == before[0], "unmerge gives back exactly what was there"


def test_a_new_view(box):
    fill(box)
    before = box.search("")["total"]
    done = box.ok("merge", box.store, "--new", "All of it", "P7-2", "P7-3", "--json").json()
    view = done["primary"]
    assert view == "P7-6" and done["children"] == ["P7-2", "P7-3"]
    found = [issue for issue in box.search("")["issues"] if issue["short_id"] == view][0]
    assert found["title"] == "All of it" and found["times_seen"] == 4 and found["count"] == 4
    assert found["merged"] == ["P7-2", "P7-3"] and found["status"] == "unresolved"
    box.ok("resolve", box.store, view)
    hidden = box.ok("show", box.store, "P7-2", "--json").json()
    assert hidden["shown_in"] == view and hidden["shown_in_since"]
    assert hidden["issue"]["status"] == "unresolved", "what people do to the view is the view's"
    alone = box.ok("show", box.store, view, "--alone", "--json").json()
    assert alone["own"] == {"first_seen": None, "last_seen": None, "times_seen": 0}
    box.ok("merge", box.store, view, "P7-4")
    assert "P7-4" in box.ok("unmerge", box.store, view, "--last").out
    assert "P7-2" in box.ok("unmerge", box.store, view, "--last", "1").out
    box.run("unmerge", box.store, view, "--last").expect(1).says("nothing is merged")
    box.run("unmerge", box.store, view, "P7-2", "--last").expect(2)
    assert box.search("")["total"] == before, "a view that shows nothing is no issue to find"
    assert box.ok("show", box.store, view, "--json").json()["issue"]["first_seen"] is None
    box.run("merge", box.store, "--new", "", "P7-2").expect(2)
    box.ok("verify", box.store, "--deep")


def test_split_and_undo(box):
    def seen(n, fingerprint, title):
        return line(n, fingerprint=fingerprint, issue_title=title, time=1_600_000_000 + n)
    lines = [seen(1, ["a", "b"], "first"), seen(2, ["b"], "second"), seen(3, ["a"], "third")]
    box.ok("init", box.store)
    box.ok("projects", box.store, "set", "7", "--policy", "known")
    box.imports(box.write("lines.jsonl", lines))
    assert box.search("")["total"] == 1
    done = box.ok("split", box.store, "P7-1", "--fingerprint", "b", "--json").json()
    assert done["issue"] == "P7-1" and done["part"] == "P7-2"
    by_id = {issue["short_id"]: issue for issue in box.search("")["issues"]}
    assert by_id["P7-1"]["title"] == "third" and by_id["P7-1"]["times_seen"] == 2
    assert by_id["P7-2"]["title"] == "second" and by_id["P7-2"]["times_seen"] == 1
    box.imports(box.write("more.jsonl", [seen(4, ["b", "a"], "fourth")]))
    shown = box.ok("show", box.store, "P7-2", "--json").json()
    assert shown["split_from"] == "P7-1" and shown["own"]["times_seen"] == 2
    box.run("split", box.store, "P7-1", "--fingerprint", "a").expect(1).says("at least one")
    box.run("split", box.store, "P7-1").expect(2)
    box.run("split", box.store, "P7-1", "--undo").expect(1).says("not split off")
    box.run("split", box.store, "P7-1", "--undo", "--fingerprint", "a").expect(2)
    before = box.search("", "--as-of", str(done["lsn"] - 1))
    assert before["total"] == 1 and before["issues"][0]["times_seen"] == 3
    box.ok("rebuild", box.store)
    assert box.search("")["total"] == 2
    box.ok("split", box.store, "P7-2", "--undo")
    page = box.search("")
    assert page["total"] == 1 and page["issues"][0]["times_seen"] == 4
    assert page["issues"][0]["title"] == "fourth"
    assert "back there" in box.ok("show", box.store, "P7-2").out
    box.ok("verify", box.store, "--deep")


def test_a_split_keeps_a_title_that_says_something(box):
    def seen(n, fingerprint, title, **more):
        return line(n, fingerprint=fingerprint, issue_title=title, time=1_600_000_000 + n, **more)
    box.ok("init", box.store)
    box.ok("projects", box.store, "set", "7", "--policy", "known")
    box.imports(box.write("lines.jsonl", [
        seen(1, ["a", "b"], "Real title"), seen(2, ["a"], "<untitled>", culprit="mod.b"),
        seen(3, ["b"], "Other")]))
    box.ok("split", box.store, "P7-1", "--fingerprint", "b")
    assert [issue["title"] for issue in box.search("", "--sort", "new")["issues"]
            if issue["short_id"] == "P7-1"] == ["Real title"]
    # A part that went back itself takes nothing back.
    box.ok("merge", box.store, "--new", "All", "P7-1")
    assert "shown within P7-3" in box.ok("split", box.store, "P7-2", "--undo").out
    alone = box.ok("show", box.store, "P7-3", "--alone", "--json").json()["issue"]
    assert alone["times_seen"] == 0 and alone["merged"] == [] and alone["level"] is None
    whole = box.ok("show", box.store, "P7-3", "--json").json()["issue"]
    assert whole["times_seen"] == 3 and whole["merged"] == ["P7-1"] and whole["level"] == "error"
    assert box.ok("stats", box.store, "--json").json()["issues"] == 1


def test_history(box):
    fill(box)
    def told(issue, *words):
        entries = box.ok("history", box.store, issue, "--json", *words).json()["history"]
        return [(e["issue"], e["what"], e["before"], e["after"]) for e in entries]
    box.ok("assign", box.store, "P7-1", "user:4")
    box.ok("assign", box.store, "P7-1", "none", "--actor", "ada")
    box.ok("merge", box.store, "P7-2", "P7-1")
    merged = box.search("")["lsn"]
    box.ok("resolve", box.store, "P7-2")
    box.ok("merge", box.store, "--new", "Both", "P7-2")
    box.ok("archive", box.store, "P7-6", "--forever")
    box.ok("unmerge", box.store, "P7-6")
    box.ok("unresolve", box.store, "P7-6")
    box.ok("unmerge", box.store, "P7-2")
    box.ok("resolve", box.store, "P7-2")
    expected = [("P7-1", "created", None, "Problem f0"),
                ("P7-1", "assignee", None, "user:4"),
                ("P7-1", "assignee", "user:4", None),
                ("P7-1", "merged_into", None, "P7-2"),
                ("P7-2", "status", "unresolved/new", "resolved"),
                ("P7-2", "merged_into", None, "P7-6"),
                ("P7-6", "status", "unresolved/ongoing", "ignored/forever"),
                ("P7-2", "unmerged_from", "P7-6", None),
                ("P7-1", "unmerged_from", "P7-2", None)]
    assert told("P7-1") == expected, told("P7-1")
    assert told("P7-1", "--as-of", str(merged)) == expected[:4]
    assert told("P7-1", "--limit", "2") == expected[-2:]
    view = [what for issue, what, _, _ in told("P7-6")]
    assert view == ["created", "status", "no_longer_shows", "status"], view
    out = box.ok("history", box.store, "P7-1").out
    assert "ada" in out and "merged_into" in out
    box.run("history", box.store, "P7-99").expect(1).says("P7")


def test_diff(box):
    fill(box)
    start = box.search("")["lsn"]
    box.ok("resolve", box.store, "P7-3")
    box.ok("merge", box.store, "P7-1", "P7-2")
    middle = box.search("")["lsn"]
    box.ok("unmerge", box.store, "P7-1")
    box.imports(box.write("more.jsonl", [line(60, fingerprint=["f1"]), line(61, fingerprint=["g"])]))
    def told(*moments):
        found = box.ok("diff", box.store, *map(str, moments), "--json").json()
        return found, {(d["issue"], d["what"], d["before"], d["after"]) for d in found["differences"]}
    found, changes = told(start, middle)
    assert found["issues"] == {"before": 5, "after": 4} and found["to"] == middle
    assert changes == {("P7-3", "status", "unresolved/new", "resolved"),
                       ("P7-2", "merged", None, "P7-1"), ("P7-1", "count", "2", "4")}, changes
    found, changes = told(middle)
    assert found["occurrences"] == {"before": 10, "after": 12}
    assert changes == {("P7-2", "unmerged", "P7-1", None), ("P7-1", "count", "4", "2"),
                       ("P7-6", "new", None, "Problem g")}, changes
    assert told(start, start)[1] == set()
    out = box.ok("diff", box.store, str(start)).out
    assert "5 issues, now 6" in out and "P7-6" in out
    box.run("diff", box.store, str(middle), str(start)).expect(1).says("earlier one first")
    box.run("diff", box.store).expect(2)
    box.run("diff", box.store, "yesterdayish").expect(2)


def test_priority(box):
    fill(box)
    done = box.ok("priority", box.store, "P7-1", "high", "--json").json()
    assert done["outcome"] == "stored" and done["priority"] == "high"
    assert "nothing to do" in box.ok("priority", box.store, "P7-1", "high").out
    assert short_ids(box.search("issue.priority:high")) == ["P7-1"]
    assert "by its type" in box.ok("priority", box.store, "P7-1", "auto").out
    told = box.ok("history", box.store, "P7-1", "--json").json()["history"]
    assert [(e["before"], e["after"]) for e in told if e["what"] == "priority"] == [
        ("by type", "high"), ("high", "medium by type")]
    box.run("priority", box.store, "P7-1", "urgent").expect(2)


def test_merge_by_fingerprint(box):
    fill(box)
    other = box.write("other.jsonl", [line(50, fingerprint=["g", "c"], project=8)])
    box.imports(other)
    box.run("merge", box.store, "fingerprint:nothing").expect(1).says("nothing")
    done = box.ok("merge", box.store, "7:fingerprint:c", "--json").json()
    assert done["primary"] == "P7-1" and len(done["children"]) == 4
    assert box.search("")["total"] == 2
    box.ok("unmerge", box.store, "P7-1")
    box.ok("projects", box.store, "set", "7", "--slug", "shop")
    done = box.ok("merge", box.store, "shop:fingerprint:c", "--json").json()
    assert done["primary"].upper() == "SHOP-1", done


def test_merge_by_an_awkward_fingerprint(box):
    """Quotes cannot hold a text that ends in a backslash: no other issue may be meant by it."""
    lines = [line(n, fingerprint=[f"own{n}", coarse])
             for n, coarse in enumerate(["a z\\", "a z\\", "a", "z\\", "a z"])]
    box.imports(box.write("awkward.jsonl", lines))
    done = box.ok("merge", box.store, "fingerprint:a z\\", "--json").json()
    assert (done["primary"], done["children"]) == ("P7-1", ["P7-2"]), done


def test_workflow(box):
    fill(box)
    done = box.ok("resolve", box.store, "P7-1", "P7-2", "--json", "--key", "k").json()
    assert [result["outcome"] for result in done["results"]] == ["stored", "stored"]
    done = box.ok("resolve", box.store, "P7-1", "P7-2", "--json", "--key", "k").json()
    assert [result["outcome"] for result in done["results"]] == ["duplicate", "duplicate"]
    assert box.search("is:unresolved")["total"] == 3
    assert box.search("is:resolved")["total"] == 2
    box.ok("unresolve", box.store, "P7-1")
    box.ok("archive", box.store, "P7-3", "--forever")
    issue = box.ok("show", box.store, "P7-3", "--json").json()["issue"]
    assert (issue["status"], issue["substatus"]) == ("ignored", "forever")
    box.ok("assign", box.store, "P7-4", "user:42")
    assert box.search("is:assigned")["issues"][0]["assignee"] == "user:42"
    box.ok("assign", box.store, "P7-4", "none")
    assert box.search("is:assigned")["total"] == 0
    box.run("resolve", box.store, "P7-99").expect(1)
    history = box.ok("show", box.store, "P7-3", "--json").json()["history"]
    assert any(record["kind"] == "status_changed" for record in history)


def test_registries(box):
    fill(box)
    box.ok("projects", box.store, "set", "7", "--slug", "shop", "--policy", "known")
    projects = box.ok("projects", box.store, "--json").json()["projects"]
    assert projects[0]["slug"].lower() == "shop" and projects[0]["policy"] == "known"
    box.ok("types", box.store, "strict", "on")
    strict = box.write("strict.jsonl", [json.dumps(occurrence(60, type=9001))])
    refused = box.imports(strict, "--rejects", box.path("rejects.jsonl"), code=3)
    assert refused["refused"] == 1
    box.ok("types", box.store, "set", "9001", "--slug", "log_line", "--priority", "low")
    # The reason is gone: the dead letter goes in.
    assert box.imports(box.path("rejects.jsonl"))["stored"] == 1
    types = {kind["id"]: kind for kind in box.ok("types", box.store, "--json").json()["types"]}
    assert types[9001]["slug"] == "log_line" and types[9001]["priority"] == "low"
    box.ok("types", box.store, "strict", "off")


def test_the_past(box):
    first = fill(box)
    box.ok("merge", box.store, "P7-1", "P7-2")
    box.ok("resolve", box.store, "P7-3")
    assert box.search("is:unresolved")["total"] == 3
    past = box.search("is:unresolved", "--as-of", first["lsn"])
    assert past["total"] == 5 and past["lsn"] == first["lsn"]
    assert box.search("", "--as-of", 3)["total"] == 2
    box.run("query", box.store, "", "--as-of", "999999", "--json").expect(1)
    assert box.search("", "--at-least", first["lsn"])["total"] == 4
    error = box.run("query", box.store, "", "--at-least", "999999", "--json").expect(1).json()
    assert error["error"]["code"] == "conflict"
    exported = box.ok("export", box.store, "--as-of", first["lsn"]).out.splitlines()
    assert len(exported) == 10


def test_by_time(box):
    start = 1_500_000_000
    occurrences = [line(n, time=start + 10 * n) for n in range(6)]
    ident = occurrence(0)["id"]
    operations = [operation("occurrence", start, id=ident, fp="f0"),
                  operation("merge", start + 15, primary="f0", children=["f1"], why="duplicate"),
                  operation("status_change", start + 25, fp="f2", status="resolved", to="Closed",
                            **{"from": "Open"})]
    a, b = box.write("a.jsonl", occurrences), box.write("b.jsonl", operations)
    summary = box.imports(b, a, "--by-time")
    assert (summary["stored"], summary["references"], summary["refused"]) == (8, 1, 0), summary
    assert box.search("")["total"] == 5
    before = box.search("", "--as-of", f"@{start + 14}")
    assert before["total"] == 2, "the past goes by the input's own times"
    after = box.search("", "--as-of", f"@{start + 16}")
    assert after["total"] == 1
    assert box.search("is:resolved", "--as-of", f"@{start + 26}")["total"] == 1


def test_references_in_any_order(box):
    start = 1_500_000_000
    known, unknown = occurrence(1)["id"], occurrence(99)["id"]
    operations = [operation("occurrence", start, id=known, fp="f1"),
                  operation("occurrence", start, id=unknown, fp="f99")]
    b = box.write("b.jsonl", operations)
    summary = box.imports(b, box.write("a.jsonl", [line(1)]), code=3)
    assert (summary["references"], summary["refused"]) == (1, 1), summary
    box.run("import", box.store, b).expect(3).says("b.jsonl:2", unknown)


def test_export_goes_in_again(box):
    fill(box)
    box.ok("merge", box.store, "P7-1", "P7-2")
    done = box.ok("export", box.store)
    values = [json.loads(text) for text in done.out.splitlines()]
    assert len(values) == 10
    assert {value["_issue"] for value in values} == {"P7-1", "P7-3", "P7-4", "P7-5"}
    assert {value["_leaf"] for value in values} == {f"P7-{n}" for n in range(1, 6)}
    lsns = [value["_lsn"] for value in values]
    assert lsns == sorted(lsns)
    path = box.write("again.jsonl", done.out)
    copy = box.path("copy")
    assert box.ok("import", copy, path, "--json").json()["stored"] == 10
    assert "_issue" not in box.ok("export", copy, "issue:P7-3").out.replace('"_issue":"P7-3"', "")
    assert box.imports(path)["duplicates"] == 10
    only = box.ok("export", box.store, "issue:P7-1").out.splitlines()
    assert len(only) == 4


def test_export_takes_a_filter_only(box):
    fill(box)
    for stage in ["limit 3", "sort freq", "trend 24h", "count()"]:
        done = box.run("export", box.store, f"issue:P7-1 | {stage}").expect(1)
        done.says("the part after |", "^")
        assert done.out == ""


def test_stats_verify_rebuild(box):
    fill(box)
    stats = box.ok("stats", box.store, "--json").json()
    assert stats["occurrences"] == 10 and stats["issues"] == 5 and stats["projects"] == 1
    assert re.match("[0-9a-f]{32}$", stats["state_digest"])
    assert re.match("[0-9a-f]{32}$", stats["full_digest"])
    verified = box.ok("verify", box.store, "--deep", "--json").json()
    assert verified["ok"] and verified["replay"]["state_digest"] == stats["state_digest"]
    rebuilt = box.ok("rebuild", box.store, "--json").json()
    assert rebuilt["state_digest"] == stats["state_digest"]
    assert rebuilt["full_digest"] == stats["full_digest"]
    assert "sound" in box.ok("verify", box.store).out
    assert "10" in box.ok("stats", box.store).out


def test_stats_say_where_the_bytes_are(box):
    fill(box)
    stats = box.ok("stats", box.store, "--json").json()
    for part in ["dictionary", "postings", "columns", "ids", "state", "past", "log_positions", "other",
                 "free"]:
        assert isinstance(stats["index"][part], int), part
    assert sum(bytes for name, bytes in stats["index"].items() if name != "free") \
        == stats["index_bytes"]
    assert {"segments", "groups", "values"} <= {table["name"] for table in stats["tables"]}
    assert stats["removed"]["runs"] == 0 and stats["base_lsn"] == 0
    assert stats["kept_occurrences"] == stats["occurrences"] == 10
    text = box.ok("stats", box.store).out
    assert "digest" not in text and "postings" in text
    assert stats["full_digest"] in box.ok("stats", box.store, "--digests").out


def test_backup_and_restore(box):
    fill(box)
    backup, other = box.path("backup"), box.path("other")
    first = box.ok("backup", box.store, backup, "--json").json()
    assert first["copied_files"] == first["files"] == 1 and first["lsn"] == 11
    assert box.ok("backup", box.store, backup, "--json").json()["copied_files"] == 0
    checked = box.ok("verify", backup, "--json").json()
    assert checked["ok"] and checked["kind"] == "backup" and checked["lsn"] == 11
    assert "a backup" in box.run("query", backup, "").expect(1).err
    done = box.ok("restore", backup, other, "--json").json()
    assert (done["state_digest"], done["full_digest"]) == box.digests()
    assert done["store_id"] == box.ok("stats", box.store, "--json").json()["store_id"]
    again = box.run("restore", backup, other, "--json").expect(1).json()
    assert again["error"]["code"] == "conflict"
    assert box.ok("verify", other, "--deep", "--json").json()["kind"] == "store"


def test_retain_and_compact(box):
    lines = [line(n, fingerprint=[f"f{n % 5}"], time=1_600_000_000 + 3600 * n)
             for n in range(48)]
    box.imports(box.write("old.jsonl", lines[:24]), "--by-time")
    box.ok("rebuild", box.store)  # which seals them
    box.imports(box.write("new.jsonl", lines[24:]), "--by-time")
    box.ok("resolve", box.store, short_ids(box.search())[0])
    before = box.ok("stats", box.store, "--json").json()
    box.run("retain", box.store).expect(2).says("--max-age")
    box.run("retain", box.store, "--max-age", "soon").expect(2).says("90d")
    words = ["retain", box.store, "--max-occurrences", 24, "--json"]
    told = box.ok(*words, "--dry-run").json()
    assert told["dry_run"] and told["occurrences"] == 24
    assert box.digests()[1] == before["full_digest"]
    done = box.ok(*words).json()
    assert done["occurrences"] == 24 and done["kept_occurrences"] == 24
    after = box.ok("stats", box.store, "--json").json()
    assert after["occurrences"] == 48 and after["kept_occurrences"] == 24
    assert after["state_digest"] == before["state_digest"]
    assert after["removed"]["occurrences"] == 24 and after["base_lsn"] == 25
    issue = box.search()["issues"][0]
    assert issue["count"] < issue["times_seen"]
    shown = box.ok("show", box.store, issue["short_id"], "--json").json()
    assert shown["removed_until"] and shown["history"]
    assert "removed by retention" in box.ok("show", box.store, issue["short_id"]).out
    assert "retention removed 24" in box.run("query", box.store, "", "--as-of", 10).expect(1).err
    assert box.ok("retain", box.store, "--max-age", "1d", "--now", "2020-09-14",
                  "--json").json()["occurrences"] == 0
    compacted = box.ok("compact", box.store, "--json").json()
    assert compacted["segments_after"] <= compacted["segments_before"]
    assert box.ok("verify", box.store, "--deep", "--json").json()["ok"]
    assert box.digests()[1] == after["full_digest"]


def test_log(box):
    fill(box)
    records = [json.loads(text) for text in box.ok("log", box.store, "--json").out.splitlines()]
    assert [record["lsn"] for record in records] == list(range(1, len(records) + 1))
    assert records[0]["kind"] == "store_created" and records[1]["kind"] == "occurrence"
    some = box.ok("log", box.store, "--from", "3", "--limit", "2").out.splitlines()
    assert [text.split()[0] for text in some] == ["3", "4"]
    assert box.ok("log", box.store, "--from", "9999").out == ""


def test_log_up_to_the_damage(box):
    """Damage behind the checkpoint: the store cannot be opened, but its log be listed."""
    ends = []  # of what the log holds after each import
    for number in range(4):
        box.imports(box.write("one.jsonl", [line(number)]))
        log = next((box.store / "log").glob("*.log"))
        ends.append(len(log.read_bytes().rstrip(b"\0")))
        if number == 0:
            box.ok("rebuild", box.store)  # makes a checkpoint
    whole = box.ok("log", box.store, "--json").out.splitlines()
    sound = log.read_bytes()

    def damage(number):
        damaged = bytearray(sound)
        damaged[(ends[number - 1] + ends[number]) // 2] ^= 0xff
        log.write_bytes(damaged)

    def lists_what_is_sound():
        done = box.run("log", box.store, "--json").expect(1)
        *records, error = done.out.splitlines()
        assert 2 <= len(records) < len(whole) and records == whole[:len(records)], done
        assert json.loads(error)["error"]["code"] == "corruption", done
        done = box.run("log", box.store).expect(1).says("acknowledged")
        assert len(done.out.splitlines()) == len(records), done
        assert len(box.ok("log", box.store, "--limit", "2").out.splitlines()) == 2

    damage(2)
    box.run("query", box.store, "").expect(1)
    lists_what_is_sound()
    log.write_bytes(sound)
    box.ok("rebuild", box.store)  # now the index knows how far the log reached
    damage(3)
    lists_what_is_sound()
    log.write_bytes(sound)
    shutil.rmtree(box.store / "index")
    assert len(box.ok("log", box.store).out.splitlines()) == len(whole)


def test_parse(box):
    tokens = box.ok("parse", "is:unresolved level:error", "--json").json()
    assert [token["type"] for token in tokens].count("filter") == 2
    tree = box.ok("parse", "is:unresolved level:[error, b*] | limit 5").out
    assert tree == '(and (= is "unresolved") (= level ["error" (* "b" "")])) | (limit 5)\n', tree
    assert box.ok("parse", "").out == "(all)\n"
    box.run("parse", 'level:"x').expect(1)


def test_no_progress_and_no_colour_without_a_terminal(box):
    path = box.write("many.jsonl", [line(n) for n in range(3000)])
    done = box.ok("import", box.store, path)
    assert done.err == "" and "3,000 stored" in done.out
    for words in [["query", box.store, ""], ["stats", box.store], ["verify", box.store]]:
        assert "\x1b" not in box.ok(*words, env={"TERM": "xterm"}).out
    assert box.ok("import", box.store, path, "--quiet").out == ""


def test_tables_fit(box):
    title = "\u00fcberraschend langer Titel \u4e16\u754c \x1b[31m " * 10
    box.imports(box.write("in.jsonl", [json.dumps(occurrence(1, issue_title=title))]))
    for locale in ["C.UTF-8", "C"]:
        for width in [60, 80, 120]:
            out = box.ok("query", box.store, "--now", NOW,
                         env={"COLUMNS": str(width), "LC_ALL": locale}).out
            assert "\x1b" not in out
            assert all(len(text) <= width for text in out.splitlines()), out
            assert locale != "C" or out.isascii()


def test_demo(box):
    done = box.ok("demo", "--occurrences", "20000", env={"TMPDIR": str(box.dir)})
    for step in range(1, 8):
        assert f"\n{step}. " in done.out, done
    assert done.out.count("equal") >= 2 and "DIFFERENT" not in done.out
    assert not list(box.dir.glob("cairn-demo*")), "the tour cleans up"
    kept = box.path("kept")
    box.ok("demo", "--occurrences", "20000", "--keep", kept)
    assert box.ok("stats", kept, "--json").json()["occurrences"] == 20000
    box.run("demo", "--keep", kept).expect(1).says("not empty")


def test_generate_into_import(box):
    made = box.ok("generate", "--occurrences", "3000", "--seed", "5").out
    assert made == box.ok("generate", "--occurrences", "3000", "--seed", "5").out
    assert len(made.splitlines()) == 3000
    assert box.imports("-", stdin=made.encode())["stored"] == 3000


def test_on_a_terminal(box):
    """Progress and colour through a pseudo terminal, one line that cleans up after itself."""
    try:
        import pty
        leader, follower = pty.openpty()
    except (ImportError, OSError) as error:
        raise Skip(f"no pseudo terminal here: {error}") from error
    path = box.write("many.jsonl", [line(n) for n in range(30_000)])
    env = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    env.pop("NO_COLOR", None)
    running = subprocess.Popen([box.binary, "import", str(box.store), str(path)], env=env,
                               stdin=subprocess.DEVNULL, stdout=follower, stderr=follower)
    os.close(follower)
    seen = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    assert running.wait() == 0
    text = seen.decode()
    assert "30,000 stored" in text
    assert "importing" in text and "lines" in text, text
    assert text.rfind("\x1b[K") < text.find("30,000 stored"), "the progress line is wiped first"


if __name__ == "__main__":
    main(globals())

"""One issue from outside: its occurrences, its tags; and many merges from a file of pairs.

Usage: issue_test.py CAIRN_BINARY [TEST...]
"""

import collections
import gzip
import json
import random

from harness import line, main, occurrence

NOW = "2020-09-14T00:00:00Z"


def shop(box):
    """f0: 30 occurrences, f1: 12, f2: 3, over two segments; as values, in order of import."""
    values = []
    for n in range(45):
        fingerprint = "f0" if n % 3 else ("f1" if n % 15 else "f2")
        value = occurrence(n, [fingerprint, "c"], time=1_600_000_000 + (n * 37) % 45,
                           level=["error", "fatal", "info"][n % 4 % 3])
        event = value["event"]
        event["tags"] = {"os": ["Linux", "macOS", "Windows"][n % 7 % 3]}
        event["release"] = f"shop@1.{n % 5}"
        if n % 2:
            event["user"] = {"id": f"u{n % 11}"}
        values.append(value)
    for part in (values[:30], values[30:]):
        box.imports(box.write("part.jsonl", [json.dumps(value) for value in part]))
        box.ok("compact", box.store)
    box.ok("projects", box.store, "set", "7", "--slug", "shop")
    return values


def events(box, *words):
    return box.ok("events", box.store, *words, "--json", "--now", NOW).json()


def tags(box, *words):
    return box.ok("tags", box.store, *words, "--json", "--now", NOW).json()


def wanted_order(values, fingerprints):
    """Newest first; of one time the one imported last."""
    numbered = [(value["detection_time"], n, value["id"]) for n, value in enumerate(values)
                if value["fingerprint"][0] in fingerprints]
    return [ident for _, _, ident in sorted(numbered, reverse=True)]


def ids_of(box, fingerprint):
    """The short id of the issue that a fingerprint decides."""
    out = box.ok("export", box.store, f"fingerprint:{fingerprint}").out
    for text in out.splitlines():
        event = json.loads(text)
        if event["fingerprint"][0] == fingerprint:
            return event["_leaf"]
    raise AssertionError(f"nothing has {fingerprint}")


def test_events_are_listed_newest_first(box):
    values = shop(box)
    f0 = ids_of(box, "f0")
    page = events(box, f0)
    assert list(page) == ["lsn", "total", "next", "prev", "events"]
    assert page["total"] == 30 and len(page["events"]) == 25 and page["next"]
    seen = list(page["events"])
    page = events(box, f0, "--cursor", page["next"])
    assert page["next"] is None
    seen += page["events"]
    assert [event["id"] for event in seen] == wanted_order(values, ["f0"])
    exported = {json.loads(text)["id"]: json.loads(text)
                for text in box.ok("export", box.store).out.splitlines()}
    for event in seen:
        assert event == exported[event["id"]], "the form is that of export"
        assert event["_issue"] == event["_leaf"] == f0


def test_events_of_merged_issues(box):
    values = shop(box)
    f0, f1, f2 = (ids_of(box, name) for name in ("f0", "f1", "f2"))
    before = events(box, f1, "--limit", "100")["lsn"]
    box.ok("merge", box.store, f0, f1)
    all_of = events(box, f0, "--limit", "100")["events"]
    assert [event["id"] for event in all_of] == wanted_order(values, ["f0", "f1"])
    assert {event["_issue"] for event in all_of} == {f0}
    assert {event["_leaf"] for event in all_of} == {f0, f1}
    alone = events(box, f0, "--limit", "100", "--alone")
    assert [event["id"] for event in alone["events"]] == wanted_order(values, ["f0"])
    hidden = events(box, f1, "--limit", "100")
    assert [event["id"] for event in hidden["events"]] == wanted_order(values, ["f1"])
    done = box.ok("events", box.store, f1)
    assert f"shown within {f0}" in done.err
    past = events(box, f0, "--limit", "100", "--as-of", before)
    assert past["total"] == 30
    assert events(box, f2)["total"] == 3


def test_events_take_a_filter(box):
    values = shop(box)
    f0 = ids_of(box, "f0")
    found = events(box, f0, "--query", "level:fatal os:Linux", "--limit", "100")
    by_id = {value["id"]: value for value in values}
    wanted = [ident for ident in wanted_order(values, ["f0"])
              if by_id[ident]["level"] == "fatal"
              and by_id[ident]["event"]["tags"]["os"] == "Linux"]
    assert [event["id"] for event in found["events"]] == wanted and wanted
    assert found["total"] == len(wanted)
    text = box.ok("events", box.store, f0, "--query", "level:nonsense").out
    assert text == "no events match\n"
    done = box.run("events", box.store, f0, "--query", 'level:"x').expect(1)
    assert "^" in done.err, "a caret points at the fault"
    done = box.run("events", box.store, f0, "--query", "level:error | count()").expect(1)
    assert "^" in done.err
    box.run("events", box.store, "SHOP-ZZ").expect(1).says("no issue SHOP-ZZ")
    box.run("events", box.store, f0, "--cursor", "x").expect(1).says("cursor")


def test_events_of_what_is_out_of_sight(box):
    shop(box)
    f0, f1 = ids_of(box, "f0"), ids_of(box, "f1")
    before = events(box, f1)["lsn"]
    box.ok("delete", box.store, f1)
    assert events(box, f1)["total"] == 0 and tags(box, f1)["tags"] == []
    done = box.ok("events", box.store, f1)
    assert done.out == "no events match\n"
    done.says(f"{f1} is deleted")
    assert events(box, f1, "--as-of", before)["total"] == 12
    assert events(box, f0)["total"] == 30
    done = box.run("merge", box.store, "--pairs", "-", stdin=f"{f1},{f0}\n".encode()).expect(3)
    done.says(f"(stdin):1: refused: {f1} is deleted")


def test_events_for_people(box):
    values = shop(box)
    done = box.ok("events", box.store, ids_of(box, "f0"), "--limit", "3",
                  env={"COLUMNS": "200"})
    lines = done.out.splitlines()
    assert lines[0].split() == ["TIME", "ID", "LEVEL", "TITLE", "RELEASE", "ENVIRONMENT", "USER"]
    first = wanted_order(values, ["f0"])[0].replace("-", "")
    assert first in lines[1] and "Problem f0" in lines[1] and "shop@1." in lines[1]
    assert lines[-1] == "3 of 30 events"
    done.says("next page: --cursor ")


def test_tags_count_exactly(box):
    values = shop(box)
    f0 = ids_of(box, "f0")
    report = tags(box, f0)
    assert list(report) == ["lsn", "issue", "total", "tags"]
    assert (report["issue"], report["total"]) == (f0, 30)
    mine = [value for value in values if value["fingerprint"][0] == "f0"]
    wanted = {
        "level": collections.Counter(value["level"] for value in mine),
        "release": collections.Counter(value["event"]["release"] for value in mine),
        "os": collections.Counter(value["event"]["tags"]["os"] for value in mine),
        "user": collections.Counter("id:" + value["event"]["user"]["id"] for value in mine
                                    if "user" in value["event"]),
    }
    keys = {key["key"]: key for key in report["tags"]}
    for name, counts in wanted.items():
        key = keys[name]
        assert list(key) == ["key", "values", "count", "top"]
        assert key["values"] == len(counts) and key["count"] == sum(counts.values()), key
        assert [value["count"] for value in key["top"]] == [
            count for _, count in counts.most_common(3)]
        one = tags(box, f0, name, "--limit", "100")
        assert {value["value"]: value["count"] for value in one["top"]} == counts
        for value in one["top"]:
            assert value["share"] == value["count"] / 30
            assert value["first_seen"] <= value["last_seen"]
    assert "Linux" in box.ok("tags", box.store, f0).out
    box.ok("merge", box.store, f0, ids_of(box, "f1"))
    assert tags(box, f0)["total"] == 42 and tags(box, f0, "--alone")["total"] == 30
    assert tags(box, f0, "os", "--query", "level:fatal")["total"] < 42


def test_tags_of_one_key_for_people(box):
    shop(box)
    f0 = ids_of(box, "f0")
    lines = box.ok("tags", box.store, f0, "os", "--limit", "2").out.splitlines()
    assert lines[0].split() == ["VALUE", "EVENTS", "SHARE", "FIRST", "SEEN"]
    assert lines[-1] == "2 of 3 values of os in 30 of 30 events"
    box.run("tags", box.store, f0, "oss").expect(1).says('did you mean "os"')
    box.run("tags", box.store, f0, "status").expect(1).says("tags[status]")


# --- merge --pairs ------------------------------------------------------------------------------


def reports(box, count, project=7):
    """One occurrence a fingerprint: r0, r1, ..."""
    box.imports(box.write("reports.jsonl",
                          [line(n, fingerprint=[f"r{n}"], project=project)
                           for n in range(count)]))


def pairs(box, content, *words, code=0, name="pairs.csv"):
    path = box.write(name, content)
    return box.run("merge", box.store, "--pairs", path, *words, "--json").expect(code).json()


def groups(box):
    """Sets of fingerprints shown as one."""
    shown = collections.defaultdict(set)
    for text in box.ok("export", box.store).out.splitlines():
        event = json.loads(text)
        shown[event["_issue"]].add(event["fingerprint"][0])
    return sorted(sorted(group) for group in shown.values())


def merged_issues(box):
    page = box.search("", "--limit", "1000", "--now", NOW)
    return [issue["short_id"] for issue in page["issues"] if issue["merged"]]


def test_pairs_of_a_graph(box):
    reports(box, 400)
    rng = random.Random(4)
    above = list(range(400))

    def root(n):
        while above[n] != n:
            n = above[n]
        return n
    rows = ["seq,issue_id,master_id"]
    merged = 0
    for n in range(400):
        master = rng.choice([n, n, rng.randrange(400)])
        rows.append(f"{n},r{n},r{master}")
        if root(n) != root(master):
            above[root(n)] = root(master)
            merged += 1
    before = box.digests()[0]
    packed = gzip.compress("\n".join(rows).encode())
    done = pairs(box, packed, "--project", "7", "--columns", "issue_id,master_id")
    assert (done["lines"], done["merged"], done["refused"]) == (400, merged, 0), done
    assert done["no_change"] == 400 - merged and 0 < done["records"] < merged
    wanted = collections.defaultdict(set)
    for n in range(400):
        wanted[root(n)].add(f"r{n}")
    assert groups(box) == sorted(sorted(group) for group in wanted.values())
    again = pairs(box, packed, "--project", "7", "--columns", "issue_id,master_id")
    assert (again["merged"], again["records"], again["no_change"]) == (0, 0, 400), again
    while merged_issues(box):  # nested ones become visible and are taken apart in turn
        for short_id in merged_issues(box):
            box.ok("unmerge", box.store, short_id)
    assert box.digests()[0] == before
    again = pairs(box, packed, "--project", "7", "--columns", "issue_id,master_id")
    assert again["merged"] == merged, "taken apart, they merge again"


def test_pairs_of_short_ids(box):
    reports(box, 5)
    box.ok("projects", box.store, "set", "7", "--slug", "shop")
    done = pairs(box, ['{"child":"SHOP-2","primary":"SHOP-1"}',
                       '{"primary":"shop-2","child":"shop-3"}'])
    assert (done["merged"], done["records"]) == (2, 1)
    assert groups(box) == [["r0", "r1", "r2"], ["r3"], ["r4"]]
    done = box.ok("merge", box.store, "--pairs", "-", stdin=b"SHOP-5,SHOP-4\n")
    assert done.out.startswith("1 line: 1 merged by 1 record, 0 without change")


def test_bad_pairs_are_refused_one_by_one(box):
    reports(box, 4)
    rows = ["child,primary", "r1,r0", "r9,r0", "r2", 'r2,"r0', "r3,r0,x", "r2,r0"]
    path = box.write("pairs.csv", rows)
    done = box.run("merge", box.store, "--pairs", path, "--project", "7").expect(3)
    done.says(f"{path}:3: refused: no issue in project 7 has the fingerprint 'r9'",
              f"{path}:4: refused: 1 field instead of the header's 2", f"{path}:5: refused: a quote",
              f"{path}:6: refused: 3 fields")
    assert "6 lines: 2 merged by 1 record, 0 without change, 4 refused" in done.out
    assert groups(box) == [["r0", "r1", "r2"], ["r3"]]


def test_refused_pairs_come_back(box):
    reports(box, 3)
    rejects = box.path("rejects.jsonl")
    done = pairs(box, ["issue_id,master_id", "r5,r0", "r1,r0", "r3,r0", "r2"], "--project", "7",
                 "--columns", "issue_id,master_id", "--rejects", rejects, code=3)
    assert (done["merged"], done["refused"]) == (1, 3)
    entries = [json.loads(text) for text in rejects.read_text().splitlines()]
    assert [entry["_rejected"]["line"] for entry in entries] == [2, 4, 5]
    reports(box, 6)
    again = box.run("merge", box.store, "--pairs", rejects, "--project", "7", "--columns",
                    "issue_id,master_id", "--json").expect(3).json()
    assert (again["merged"], again["refused"]) == (2, 1), again
    assert groups(box) == [["r0", "r1", "r3", "r5"], ["r2"], ["r4"]]


def test_pairs_that_cannot_begin(box):
    reports(box, 3)
    before = box.digests()
    path = box.write("pairs.csv", ["seq,a,b", "1,r1,r0"])
    box.run("merge", box.store, "--pairs", path, "--columns", "x,y").expect(1).says(
        f"{path}:1: the first line has no columns x and y")
    box.run("merge", box.store, "--pairs", path, "--project", "nobody").expect(1).says("nobody")
    box.run("merge", box.store, "--pairs", box.path("none.csv")).expect(1).says("none.csv")
    box.run("merge", box.store, "--pairs", path, "--rejects", path).expect(1)
    done = box.run("merge", box.store, "--pairs", box.write("n.csv", ["2,1"])).expect(3)
    done.says("--project")
    assert box.digests() == before
    reports(box, 2, project=8)
    done = box.run("merge", box.store, "--pairs", box.write("p.csv", ["P8-1,P7-1"])).expect(3)
    done.says("different projects")
    empty = pairs(box, "", "--project", "7")
    assert empty["lines"] == 0


if __name__ == "__main__":
    main(globals())

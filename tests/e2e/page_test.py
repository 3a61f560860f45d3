"""Lists read page by page from outside, while the store goes on.

Usage: page_test.py CAIRN_BINARY [TEST...]
"""

import json
import os
import stat

from harness import line, main, occurrence

NOW = "2020-09-14T00:00:00Z"
SORTS = ["date", "new", "freq", "user", "trends", "recommended", "priority"]


def fill(box, begin, end):
    values = []
    for n in range(begin, end):
        value = occurrence(n, [f"f{n * n % 23}"], time=1_600_000_000 + n * 37 % 9000,
                           level=["info", "error", "fatal"][n % 3])
        if n % 2:
            value["event"]["user"] = {"id": f"u{n % 7}"}
        values.append(json.dumps(value))
    box.imports(box.write("part.jsonl", values))


def ids(page):
    return [issue["short_id"] for issue in page["issues"]]


def test_walk_to_the_end_and_back(box):
    fill(box, 0, 80)
    wholes = {sort: box.search("", "--sort", sort, "--limit", "100", "--now", NOW)
              for sort in SORTS}
    firsts = {sort: box.search("", "--sort", sort, "--limit", "5", "--now", NOW) for sort in SORTS}
    for part, sort in enumerate(SORTS):
        whole, page = wholes[sort], firsts[sort]
        assert page["prev"] is None and page["total"] == whole["total"]
        pages = [ids(page)]
        while page["next"]:
            # No --now and no --limit: the first page's.
            page = box.search("", "--sort", sort, "--cursor", page["next"])
            assert page["lsn"] == whole["lsn"] and page["prev"], page
            pages.append(ids(page))
            if len(pages) == 2:  # the store goes on
                fill(box, 100 + 20 * part, 120 + 20 * part)
                box.ok("merge", box.store, *ids(whole)[-1 - part % 2::-9][:2])
                box.ok("resolve", box.store, ids(whole)[0])
                box.ok("unmerge", box.store, ids(whole)[-1 - part % 2])
        assert sum(pages, []) == ids(whole), sort
        for before in reversed(pages[:-1]):
            page = box.search("", "--sort", sort, "--cursor", page["prev"])
            assert ids(page) == before and page["next"], sort
        assert page["prev"] is None
        assert page["issues"] == firsts[sort]["issues"], sort


def test_another_now_beside_a_cursor_is_refused(box):
    fill(box, 0, 30)
    first = box.search("", "--limit", "3", "--now", NOW)
    same = box.search("", "--limit", "3", "--now", NOW, "--cursor", first["next"])
    assert ids(same) == ids(box.search("", "--limit", "3", "--cursor", first["next"]))
    done = box.run("query", box.store, "", "--now", "2026-12-01", "--cursor", first["next"])
    assert done.code == 1 and "begun with --now" in done.err and "leave --now out" in done.err, done


def test_events_back_and_forth(box):
    fill(box, 0, 60)
    issue = box.search("", "--sort", "freq", "--limit", "1")["issues"][0]["short_id"]
    whole = box.ok("events", box.store, issue, "--limit", "100", "--json").json()
    page = box.ok("events", box.store, issue, "--limit", "2", "--json").json()
    assert page["prev"] is None and page["next"]
    fill(box, 60, 120)
    read = [event["id"] for event in page["events"]]
    first = page
    while page["next"]:
        page = box.ok("events", box.store, issue, "--cursor", page["next"], "--json").json()
        assert page["lsn"] == whole["lsn"] and page["total"] == whole["total"]
        read += [event["id"] for event in page["events"]]
    assert read == [event["id"] for event in whole["events"]]
    while page["prev"]:
        page = box.ok("events", box.store, issue, "--cursor", page["prev"], "--json").json()
    assert page == first


def test_people_are_told_how_to_go_on(box):
    fill(box, 0, 40)
    done = box.ok("query", box.store, "--limit", "4")
    done.says("next page: --cursor ")
    assert "page before" not in done.err
    cursor = done.err.split("next page: --cursor ")[1].split()[0]
    done = box.ok("query", box.store, "--cursor", cursor)
    done.says("next page: --cursor ", "page before: --cursor ")


def test_wrong_cursors(box):
    fill(box, 0, 40)
    cursor = box.search("level:error", "--limit", "2")["next"]
    for at in range(0, len(cursor), 7):
        changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1:]
        box.run("query", box.store, "level:error", "--cursor", changed).expect(1).says(
            "start again without")
    for words in (["level:fatal"], ["level:error", "--sort", "freq"], ["level:error", "--as", "7"]):
        box.run("query", box.store, *words, "--cursor", cursor).expect(1).says("another query")
    box.ok("experiment", box.store, "new", "try")
    box.run("query", box.store, "level:error", "--in", "try", "--cursor", cursor).expect(1)
    other = box.path("other")
    box.ok("import", other, box.write("one.jsonl", [line(1)]))
    box.run("query", other, "level:error", "--cursor", cursor).expect(1).says("none of this store")
    box.run("query", box.store, "| count()", "--cursor", cursor).expect(1).says("no pages")


def test_in_an_experiment(box):
    fill(box, 0, 60)
    box.ok("experiment", box.store, "new", "try")
    box.ok("experiment", box.store, "add", "try", "merge by level")
    whole = box.search("", "--in", "try", "--limit", "100", "--now", NOW)
    first = box.search("", "--in", "try", "--limit", "1", "--now", NOW)
    box.ok("experiment", box.store, "drop", "try")
    fill(box, 60, 90)
    second = box.search("", "--in", "try", "--cursor", first["next"])
    assert ids(second) == ids(whole)[1:2]
    assert ids(box.search("", "--in", "try", "--cursor", second["prev"])) == ids(first)


def test_the_past_has_pages_too(box):
    fill(box, 0, 40)
    lsn = box.search("")["lsn"]
    whole = box.search("", "--limit", "100", "--now", NOW)
    fill(box, 40, 90)
    page = box.search("", "--as-of", str(lsn), "--limit", "4", "--now", NOW)
    # The cursor knows the moment, with and without it.
    for words in (["--as-of", str(lsn)], []):
        assert ids(box.search("", *words, "--cursor", page["next"])) == ids(whole)[4:8]
    late = box.search("", "--limit", "4")["next"]
    box.run("query", box.store, "--as-of", str(lsn), "--cursor", late).expect(1).says("LSN")
    # How far the store has come is not how far the list has.
    now = box.search("", "--limit", "1")["lsn"]
    assert now > page["lsn"]
    rest = box.search("", "--at-least", str(now), "--cursor", page["next"])
    assert ids(rest) == ids(whole)[4:8]
    box.run("query", box.store, "--at-least", "999999", "--cursor", page["next"]).expect(1)


def test_the_key_is_private(box):
    fill(box, 0, 40)
    key = box.store / "cursor.key"
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    cursor = box.search("", "--limit", "4")["next"]
    key.unlink()
    page = box.search("", "--limit", "4")
    assert page["next"] is None and page["prev"] is None
    assert "cursor.key" in page["warnings"][0], page
    assert "warnings" not in box.search("", "--limit", "100")
    box.run("query", box.store, "--cursor", cursor, "--json").expect(1)
    box.run("query", box.store, "--cursor", cursor).expect(1).says("cursor.key")
    box.ok("query", box.store, "--limit", "4").says("cursor.key")
    issue = page["issues"][0]["short_id"]
    events = box.ok("events", box.store, issue, "--limit", "1", "--json").json()
    assert events["next"] is None and "cursor.key" in events["warnings"][0]
    # Who writes makes another one; the old cursor is not its.
    box.ok("compact", box.store)
    assert box.search("", "--limit", "4")["next"]
    box.run("query", box.store, "--cursor", cursor).expect(1).says("start again")


if __name__ == "__main__":
    main(globals())

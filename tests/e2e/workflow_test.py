"""The life of an issue from outside: what people do with it, releases, settings, time.

Usage: workflow_test.py CAIRN_BINARY [TEST...]
"""

import json
import time

from harness import line, main, occurrence

START = 1_600_000_000


def fill(box, count=3):
    """Issues P7-1 .. P7-count of project 7, one occurrence each."""
    lines = [line(n, fingerprint=[f"f{n}"], time=START + n) for n in range(count)]
    return box.imports(box.write("fill.jsonl", lines))


def show(box, issue):
    return box.ok("show", box.store, issue, "--json").json()


def status(box, issue):
    one = show(box, issue)["issue"]
    return one["status"], one["substatus"]


def see(box, number, fingerprint, **more):
    box.imports(box.write(f"see{number}.jsonl",
                          [json.dumps(occurrence(number, [fingerprint], time=time.time(), **more))]))


def with_release(number, fingerprint, release):
    value = occurrence(number, [fingerprint], time=time.time())
    value["event"]["release"] = release
    return json.dumps(value)


def test_notes(box):
    fill(box)
    box.ok("note", box.store, "P7-1", "it", "is", "the cache", "--actor", "ada")
    box.ok("note", box.store, "P7-1", "or not")
    box.ok("note", box.store, "P7-1", "--edit", "1", "it was the cache")
    box.ok("note", box.store, "P7-1", "--remove", "2")
    notes = show(box, "P7-1")["notes"]
    assert [(note["note"], note["text"], note["author"]) for note in notes] == \
        [(1, "it was the cache", "ada")], notes
    assert notes[0]["edited"]
    whats = [entry["what"] for entry in box.ok("history", box.store, "P7-1", "--json").json()["history"]]
    assert whats == ["created", "note", "note", "note_edited", "note_removed"], whats
    box.run("note", box.store, "P7-1", "--remove", "2").expect(1).says("P7-1 has no note 2")
    box.run("note", box.store, "P7-1").expect(2).says("TEXT")
    box.run("note", box.store, "P7-1", "  ").expect(1).says("a note needs some text")
    # A key is good for one note.
    for _ in range(2):
        box.ok("note", box.store, "P7-2", "once", "--key", "k1")
    assert len(show(box, "P7-2")["notes"]) == 1


def test_people_and_links(box):
    fill(box)
    box.ok("bookmark", box.store, "P7-1", "user:1")
    box.ok("bookmark", box.store, "P7-1", "team:2")
    box.ok("subscribe", box.store, "P7-1", "user:1")
    box.ok("seen", box.store, "P7-1", "user:3")
    box.ok("link", box.store, "P7-1", "https://tracker.example/1", "--title", "BUG-1")
    one = show(box, "P7-1")
    assert one["bookmarked_by"] == ["team:2", "user:1"]
    assert one["subscribed_by"] == ["user:1"]
    assert [seen["who"] for seen in one["seen_by"]] == ["user:3"]
    assert one["links"] == [{"url": "https://tracker.example/1", "title": "BUG-1"}]
    box.ok("bookmark", box.store, "P7-1", "user:1", "--remove")
    box.ok("link", box.store, "P7-1", "https://tracker.example/1", "--remove")
    one = show(box, "P7-1")
    assert one["bookmarked_by"] == ["team:2"] and one["links"] == []
    box.run("bookmark", box.store, "P7-1", "ada").expect(1).says("user:ID")
    box.run("link", box.store, "P7-1", "tracker").expect(1).says("https://host/path")
    out = box.ok("show", box.store, "P7-1").out
    assert "team:2" in out and "not looked at yet" in out


def test_review(box):
    fill(box)
    assert show(box, "P7-1")["for_review"]
    box.ok("review", box.store, "P7-1")
    assert not show(box, "P7-1")["for_review"]
    again = box.ok("review", box.store, "P7-1", "--json").json()
    assert again["outcome"] == "no_change", again


def test_resolved_in_a_release(box):
    fill(box)
    box.imports(box.write("r.jsonl", [with_release(50, "f0", "shop@1.0.0")]))
    box.ok("resolve", box.store, "P7-1", "--in-next-release")
    assert show(box, "P7-1")["resolution"] == {"kind": "in_next_release", "version": "shop@1.0.0"}
    box.imports(box.write("r.jsonl", [with_release(51, "f0", "shop@1.0.0")]))
    assert status(box, "P7-1") == ("resolved", None)
    box.imports(box.write("r.jsonl", [with_release(52, "f0", "shop@1.0.1")]))
    assert status(box, "P7-1") == ("unresolved", "regressed")
    releases = box.ok("releases", box.store, "list", "7", "--json").json()["releases"]
    assert sorted(one["version"] for one in releases) == ["shop@1.0.0", "shop@1.0.1"]
    # By commit.
    box.ok("resolve", box.store, "P7-2", "--in-commit", "c0ffee")
    box.imports(box.write("r.jsonl", [with_release(53, "f1", "shop@1.0.1")]))
    assert status(box, "P7-2") == ("resolved", None)
    box.ok("releases", box.store, "set", "P7", "shop@1.1.0", "--commit", "c0ffee", "--date", "2026-01-01")
    box.imports(box.write("r.jsonl", [with_release(54, "f1", "shop@1.1.0")]))
    assert status(box, "P7-2") == ("unresolved", "regressed")
    assert "shop@1.1.0" in box.ok("releases", box.store).out
    box.run("resolve", box.store, "P7-3", "--in-release", "a", "--in-commit", "b").expect(2)
    box.run("releases", box.store, "set", "nowhere", "1.0").expect(1).says("no project 'nowhere'")


def test_snoozes(box):
    fill(box)
    box.ok("archive", box.store, "P7-1", "--count", "2", "--window", "1h")
    snooze = show(box, "P7-1")["snooze"]
    assert snooze["count"] == 2 and snooze["window_minutes"] == 60
    assert status(box, "P7-1") == ("ignored", "until_condition_met")
    see(box, 60, "f0")
    assert status(box, "P7-1") == ("ignored", "until_condition_met")
    see(box, 61, "f0")
    assert status(box, "P7-1") == ("unresolved", "escalating")
    assert show(box, "P7-1")["issue"]["priority"] == "high"
    box.ok("archive", box.store, "P7-2", "--for", "3d", "--users", "5")
    assert "until 5 users" in box.ok("show", box.store, "P7-2").out
    box.run("archive", box.store, "P7-2", "--until", "2020-01-01").expect(1).says("is over already")
    box.run("archive", box.store, "P7-2", "--forever", "--count", "3").expect(2)
    box.run("archive", box.store, "P7-2", "--window", "1h").expect(2)
    box.run("archive", box.store, "P7-2", "--count", "3", "--window", "90s").expect(2)


def test_time_brings(box):
    fill(box)
    # Seen years ago: due, and nothing has happened yet.
    assert box.search("is:new")["total"] == 3
    box.ok("tick", box.store)
    assert box.search("is:new")["total"] == 0
    assert box.search("is:ongoing")["total"] == 3
    assert "nothing is due" in box.ok("tick", box.store).out
    entry = box.ok("history", box.store, "P7-2", "--json").json()["history"][-1]
    assert (entry["what"], entry["before"], entry["after"]) == \
        ("ongoing", "unresolved/new", "unresolved/ongoing"), entry
    box.ok("projects", box.store, "set", "7", "--auto-resolve", "14d")
    box.ok("tick", box.store)
    assert box.search("is:resolved")["total"] == 3
    settings = box.ok("projects", box.store, "--json").json()["projects"][0]
    assert settings["auto_resolve_hours"] == 14 * 24
    box.ok("verify", box.store, "--deep")


def test_delete_and_discard(box):
    fill(box)
    box.ok("merge", box.store, "P7-1", "P7-2")
    box.ok("delete", box.store, "P7-1")
    assert box.search("")["total"] == 1
    see(box, 70, "f1")
    assert [one["short_id"] for one in box.search("")["issues"]] == ["P7-4", "P7-3"]
    box.run("resolve", box.store, "P7-1").expect(1).says("P7-1 is deleted")
    assert show(box, "P7-1")["standing"] == "deleted"

    box.ok("discard", box.store, "P7-3")
    see(box, 71, "f2")
    assert box.search("")["total"] == 1
    box.run("merge", box.store, "P7-4", "P7-3").expect(1).says("P7-3 is discarded", "--undo")
    box.ok("discard", box.store, "P7-3", "--undo")
    assert show(box, "P7-3")["issue"]["times_seen"] == 2
    before = box.digests()
    box.ok("rebuild", box.store)
    assert box.digests() == before


def test_hold_back(box):
    box.ok("init", box.store)
    box.ok("projects", box.store, "set", "7", "--hold-back", "on")
    box.ok("types", box.store, "set", "1", "--noise-limit", "3", "--quota", "100")
    for number in range(3):
        assert box.search("")["total"] == 0
        see(box, number, "f")
    issue, = box.search("")["issues"]
    assert issue["times_seen"] == 3
    assert box.ok("query", box.store, "| count()", "--json").json()["rows"] == [[3]]
    types = {one["id"]: one for one in box.ok("types", box.store, "--json").json()["types"]}
    assert types[1]["noise_limit"] == 3 and types[1]["quota_per_hour"] == 100


def test_a_resolved_view_comes_back_with_a_member(box):
    fill(box)
    box.ok("merge", box.store, "P7-1", "P7-2")
    box.ok("resolve", box.store, "P7-1")
    see(box, 80, "f1")
    assert status(box, "P7-1") == ("unresolved", "regressed")
    assert box.search("is:regressed")["total"] == 1
    own = box.ok("show", box.store, "P7-1", "--alone", "--json").json()["issue"]
    assert own["status"] == "resolved"
    box.ok("unmerge", box.store, "P7-1")
    assert status(box, "P7-1") == ("resolved", None)


def test_what_is_held_back_or_out_of_sight_is_refused_by_name(box):
    fill(box, 4)
    box.ok("projects", box.store, "set", "7", "--hold-back", "on")
    box.ok("types", box.store, "set", "1", "--noise-limit", "5")
    see(box, 90, "held")
    box.run("split", box.store, "P7-1", "--fingerprint", "held").expect(1).says("held back")
    box.ok("experiment", box.store, "new", "e")
    pairs = box.write("pairs", "held,P7-1\n")
    box.run("experiment", box.store, "add", "e", "--pairs", pairs).expect(1).says("held back")
    box.ok("merge", box.store, "P7-1", "P7-2")
    box.ok("discard", box.store, "P7-1")
    box.run("discard", box.store, "P7-2", "--undo").expect(1).says("P7-1")
    box.run("sweep", box.store, "merge P7-3 P7-1").expect(1).says("P7-1 is discarded")
    box.ok("verify", box.store, "--deep")


def test_options_without_a_value_are_not_as_if_not_given(box):
    fill(box)
    box.run("resolve", box.store, "P7-1", "--in-release", "").expect(1).says("name the release")
    box.run("archive", box.store, "P7-1", "--until", "").expect(2).says("--until")
    box.run("archive", box.store, "P7-1", "--for", "0d").expect(2).says("over at once")
    box.run("link", box.store, "P7-1", "http://a\x07b").expect(1).says("no address")
    assert status(box, "P7-1") == ("unresolved", "new")


def test_which_release_has_a_commit_is_the_same_after_a_rebuild(box):
    fill(box)
    for version, date in [("alpha", "2020-01-01"), ("beta", "2021-01-01")]:
        box.ok("releases", box.store, "set", "7", version, "--date", date)
    for version in ["beta", "alpha"]:  # the other way round
        box.ok("releases", box.store, "set", "7", version, "--commit", "c1")
    box.ok("resolve", box.store, "P7-1", "--in-commit", "c1")
    box.ok("rebuild", box.store)
    box.imports(box.write("r.jsonl", [with_release(95, "f0", "alpha")]))
    before = box.digests()
    box.ok("verify", box.store, "--deep")
    box.ok("rebuild", box.store)
    assert box.digests() == before


if __name__ == "__main__":
    main(globals())

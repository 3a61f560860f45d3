"""Experiments and sweeps on the command line.

Usage: experiment_test.py CAIRN_BINARY [TEST...]
"""

import uuid

from harness import line, main


def fill(box):
    """Six groups f0 .. f5; f0, f2, f4 list the coarse fingerprint c0, the others c1."""
    lines = [line(n, fingerprint=[f"f{n % 6}", f"c{n % 2}"], time=1_600_000_000 + n,
                  level="fatal" if n % 6 == 5 else "error") for n in range(15)]
    return box.imports(box.write("fill.jsonl", lines))


def members(page):
    return {issue["short_id"]: issue["merged"] for issue in page["issues"]}


def experiment(box, *words, code=0):
    return box.run("experiment", box.store, *words, "--json").expect(code).json()


def test_from_new_to_drop(box):
    fill(box)
    before = box.digests()
    assert "no experiments" in box.ok("experiment", box.store, "list").out
    assert experiment(box, "new", "coarse")["outcome"] == "stored"
    tried = experiment(box, "add", "coarse", "merge by fingerprint[2]", "--dry-run")
    assert tried["dry_run"] and tried["merged"] == 4 and len(tried["merges"]) == 2
    added = experiment(box, "add", "coarse", "merge by fingerprint[2]")
    assert (added["issues"], added["views"], added["merged"], added["occurrences"]) == (6, 2, 4, 9)
    assert box.search("")["total"] == 6
    page = box.search("", "--in", "coarse")
    assert members(page) == {"P7-1": ["P7-3", "P7-5"], "P7-2": ["P7-4", "P7-6"]}, page
    assert sorted(issue["times_seen"] for issue in page["issues"]) == [7, 8]
    shown = box.ok("show", box.store, "P7-3", "--in", "coarse", "--json").json()
    assert shown["shown_in"] == "P7-1" and shown["shown_in_since"] is None
    assert "shown within" in box.ok("show", box.store, "P7-3", "--in", "coarse").out
    assert len(box.ok("export", box.store, "issue:P7-1", "--in", "coarse").out.splitlines()) == 8
    told = experiment(box, "list")["experiments"][0]
    assert told["name"] == "coarse" and told["steps"][0]["rule"] == "merge by fingerprint[2]"
    assert told["promoted"] is None
    assert box.digests()[0] == before[0] and box.digests()[1] != before[1]
    # Later occurrences are in it.
    box.imports(box.write("more.jsonl", [line(50, fingerprint=["f2", "c0"], time=1_600_000_100)]))
    assert box.search("issue:P7-1", "--in", "coarse")["issues"][0]["times_seen"] == 9
    # The past knows no experiment, the rebuilt index does.
    box.run("query", box.store, "", "--in", "coarse", "--as-of", "10").expect(1).says("coarse")
    box.ok("rebuild", box.store)
    assert box.search("", "--in", "coarse")["total"] == 2
    assert "dropped" in box.ok("experiment", box.store, "drop", "coarse").out
    box.run("query", box.store, "", "--in", "coarse").expect(1).says("no experiment")


def test_compare_with_labels(box):
    fill(box)
    experiment(box, "new", "coarse")
    experiment(box, "new", "all")
    experiment(box, "add", "coarse", "merge by fingerprint[2]")
    experiment(box, "add", "all", "merge by project")
    ids = [str(uuid.UUID(int=n + (7 << 64))) for n in range(16)]
    labels = box.write("truth.csv", ["occurrence_id,group"] +
                       [f"{ids[n]},{'even' if n % 2 == 0 else 'odd'}" for n in range(16)])
    told = experiment(box, "compare", "coarse", "--labels", labels)
    assert told["occurrences"] == 15 and told["moved"] == 9 and told["changed"] == 2
    assert told["before"]["issues"] == 6 and told["after"]["issues"] == 2
    assert told["after"]["largest"] == 8
    assert told["changes"][0]["issue"] == "P7-1" and told["changes"][0]["parts"] == 3
    assert told["labels"]["missing"] == 1
    after, base = told["labels"]["after"], told["labels"]["before"]
    assert after["precision"] == after["recall"] == after["f1"] == 1, after
    assert after["adjusted_rand"] == 1 and base["precision"] == 1 and base["recall"] < 0.5
    other = experiment(box, "compare", "all", "coarse")
    assert other["other"] == "coarse" and other["before"]["issues"] == 2
    assert other["after"]["issues"] == 1 and other["moved"] == 7
    text = box.ok("experiment", box.store, "compare", "coarse", "--labels", labels).out
    assert "9 of 15 events moved" in text and "PRECISION" in text, text


def test_promote_and_conflicts(box):
    fill(box)
    experiment(box, "new", "coarse")
    experiment(box, "add", "coarse", "merge by fingerprint[2]")
    wanted = members(box.search("", "--in", "coarse"))
    box.ok("merge", box.store, "P7-2", "P7-3")  # c1's shows one of c0's
    refused = box.run("experiment", box.store, "promote", "coarse").expect(1)
    refused.says("P7-3 into P7-1; P7-3 is shown within P7-2 now", "rebase")
    tried = box.ok("experiment", box.store, "promote", "coarse", "--dry-run").out
    assert "conflict" in tried, tried
    box.ok("unmerge", box.store, "P7-2")
    done = experiment(box, "promote", "coarse")
    assert done["outcome"] == "stored"
    assert members(box.search("")) == wanted
    assert experiment(box, "promote", "coarse")["outcome"] == "no_change"
    assert experiment(box, "list")["experiments"][0]["promoted"] == done["lsn"]
    told = box.ok("history", box.store, "P7-3", "--json").json()["history"]
    assert told[-1]["what"] == "merged_into" and told[-1]["after"] == "P7-1", told
    # A promotion is taken back like a sweep.
    box.ok("sweep", box.store, "--undo", done["lsn"])
    assert box.search("")["total"] == 6


def test_rebase(box):
    fill(box)
    experiment(box, "new", "coarse")
    experiment(box, "add", "coarse", "merge by fingerprint[2]")
    box.ok("merge", box.store, "P7-2", "P7-3")
    experiment(box, "promote", "coarse", "--rebase")
    assert box.search("")["total"] == 1
    assert box.search("")["issues"][0]["short_id"] == "P7-1"


def test_pairs_and_moments(box):
    fill(box)
    experiment(box, "new", "pairs")
    pairs = box.write("pairs.txt", ["child,primary", "P7-2,P7-1", "f3,f2"])
    assert experiment(box, "add", "pairs", "--pairs", pairs)["merged"] == 2
    assert members(box.search("", "--in", "pairs"))["P7-3"] == ["P7-4"]
    wrong = box.write("wrong.txt", ["P7-2,P7-1", "P7-99,P7-1"])
    box.run("experiment", box.store, "add", "pairs", "--pairs", wrong).expect(1).says("wrong.txt:2")
    # As of record 4 there were three groups.
    experiment(box, "new", "then", "--at", "4")
    assert experiment(box, "add", "then", "merge by project")["merged"] == 2
    assert box.search("", "--in", "then")["total"] == 4
    box.run("experiment", box.store, "new", "later", "--at", "999").expect(1)


def test_rules_are_refused_where_they_are_wrong(box):
    fill(box)
    experiment(box, "new", "x")
    bad = box.run("experiment", box.store, "add", "x", "merge where is:unresolvd by level").expect(1)
    bad.says("unresolvd", "^")
    assert experiment(box, "add", "x", "merge by level,", code=1)["error"]["position"] == 15
    box.run("experiment", box.store, "add", "x").expect(2)
    box.run("experiment", box.store, "new", "x").expect(1).says("already")
    box.run("experiment", box.store, "new", "no name").expect(1).says("is no name")
    box.run("experiment", box.store, "add", "y", "merge by level").expect(1).says("no experiment")
    box.run("experiment", box.store, "explode", "x").expect(2)


def test_sweep_and_undo(box):
    fill(box)
    before = box.digests()
    rule = "merge where times_seen:<3 by fingerprint[2] into times_seen:>=3"
    tried = box.ok("sweep", box.store, rule, "--dry-run", "--json").json()
    assert tried["merged"] == 3 and box.digests() == before
    box.run("sweep", box.store, rule, "--limit", "2").expect(1).says("3 issues", "--limit")
    done = box.ok("sweep", box.store, rule, "--json").json()
    assert done["outcome"] == "stored" and done["merged"] == 3
    assert members(box.search("")) == {"P7-1": ["P7-5"], "P7-2": ["P7-4", "P7-6"], "P7-3": []}
    again = box.ok("sweep", box.store, rule, "--json").json()
    assert again["outcome"] == "no_change"
    # What a person undid stays undone.
    box.ok("unmerge", box.store, "P7-2", "P7-4")
    box.ok("merge", box.store, "P7-3", "P7-4")
    undone = box.ok("sweep", box.store, "--undo", done["lsn"], "--json").json()
    assert undone["taken_out"] == 2, undone
    assert members(box.search("")) == {"P7-1": [], "P7-2": [], "P7-3": ["P7-4"], "P7-5": [],
                                       "P7-6": []}
    box.ok("unmerge", box.store, "P7-3")
    assert box.digests()[0] == before[0]
    box.run("sweep", box.store, "--undo", "3").expect(1).says("record 3 is no sweep")
    box.run("sweep", box.store).expect(2)
    box.ok("verify", box.store, "--deep")


if __name__ == "__main__":
    main(globals())

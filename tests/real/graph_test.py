"""Merges the duplicates of whole bug trackers with the built binary: 194,000 reports.

For each graph: one occurrence a report, then `merge --pairs` with the graph as it is. Every report
must lead to the issue of its graph, with exactly the members and counts the graph says; a second
time nothing changes. Says how long it took; that is no part of the test.

Usage: graph_test.py CAIRN_BINARY. Data: $CAIRN_SHARED/data/duplicate-graphs; skips, and says so,
when absent.
"""

import collections
import csv
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import uuid

CAIRN = os.path.abspath(sys.argv[1])
START = 1_000_000_000  # the graphs have no times: reports are a minute apart
NOW = "2026-11-01T00:00:00Z"
SHOWN = 12  # issues asked for one by one


def cairn(*args):
    done = subprocess.run([CAIRN, *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"cairn {' '.join(map(str, args))} ended with {done.returncode}\n"
                         f"{done.stdout[:2000]}\n{done.stderr[:2000]}")
    return done.stdout


def read_graph(path):
    """Report -> its master, in order of filing."""
    with gzip.open(path, "rt", newline="") as file:
        return {row["issue_id"]: row["master_id"] for row in csv.DictReader(file)}


def occurrence(number, report, project):
    ident = uuid.uuid5(uuid.NAMESPACE_OID, f"{project}:{report}")
    at = START + 60 * number
    return {"id": str(ident), "project_id": project, "fingerprint": [report],
            "issue_title": f"Report {report}", "subtitle": None, "resource_id": None,
            "evidence_data": {}, "evidence_display": [], "type": 6001, "detection_time": at,
            "level": "info",
            "event": {"event_id": ident.hex, "project_id": project, "timestamp": at,
                      "platform": "other", "tags": {}}}


def write_occurrences(graph, project, path):
    with open(path, "w", encoding="utf-8") as file:
        for number, report in enumerate(graph):
            file.write(json.dumps(occurrence(number, report, project)) + "\n")


def issues_of(store):
    """Every visible issue, over all pages."""
    cursor = []
    while True:
        page = json.loads(cairn("query", store, "", "--json", "--limit", 10_000, "--now", NOW,
                                *cursor))
        yield from page["issues"]
        if page["next"] is None:
            return
        cursor = ["--cursor", page["next"]]


def check_members(graph, store):
    """Reports by the issue that shows them, from both sides: occurrences and issues."""
    wanted = collections.defaultdict(set)
    for report, master in graph.items():
        wanted[master].add(report)
    shown = collections.defaultdict(set)
    leaf_of = {}
    for line in cairn("export", store).splitlines():
        event = json.loads(line)
        report = event["fingerprint"][0]
        shown[event["_issue"]].add(report)
        leaf_of[report] = event["_leaf"]
    assert len(leaf_of) == len(graph) == len(set(leaf_of.values()))
    assert sorted(map(sorted, shown.values())) == sorted(map(sorted, wanted.values()))
    seen = 0
    for issue in issues_of(store):
        members = shown[issue["short_id"]]
        assert {issue["short_id"], *issue["merged"]} == {leaf_of[report] for report in members}
        assert issue["count"] == issue["times_seen"] == len(members), issue
        seen += 1
    assert seen == len(wanted)
    return shown, leaf_of


def check_one_by_one(shown, leaf_of, store):
    rng = random.Random(7)
    largest = sorted(shown, key=lambda issue: len(shown[issue]))[-3:]
    for issue in largest + rng.sample(sorted(shown), min(SHOWN, len(shown))):
        report = rng.choice(sorted(shown[issue]))
        own = json.loads(cairn("show", store, leaf_of[report], "--json", "--now", NOW))
        assert own["fingerprints"] == [report]
        assert (own["shown_in"] or leaf_of[report]) == issue, own["shown_in"]
        view = json.loads(cairn("show", store, issue, "--json", "--now", NOW))["issue"]
        assert view["count"] == len(shown[issue])
        assert len(view["merged"]) == len(shown[issue]) - 1
        events = json.loads(cairn("events", store, issue, "--json", "--limit", 1000))
        assert {event["fingerprint"][0] for event in events["events"]} == shown[issue]


def check_graph(path, project, folder):
    graph = read_graph(path)
    store = pathlib.Path(folder) / path.name
    lines = pathlib.Path(folder) / "occurrences.jsonl"
    write_occurrences(graph, project, lines)
    begin = time.monotonic()
    cairn("import", store, lines, "--quiet")
    imported = time.monotonic()
    merge = ["merge", store, "--pairs", path, "--project", project, "--columns",
             "issue_id,master_id", "--json"]
    done = json.loads(cairn(*merge))
    merged = time.monotonic()
    duplicates = sum(report != master for report, master in graph.items())
    assert done["lines"] == len(graph) and done["refused"] == 0, done
    assert done["merged"] == duplicates, done
    print(f"{path.name}: {len(graph)} reports imported in {imported - begin:.2f} s, {duplicates} "
          f"merged in {merged - imported:.2f} s by {done['records']} records")
    shown, leaf_of = check_members(graph, store)
    check_one_by_one(shown, leaf_of, store)
    again = json.loads(cairn(*merge))
    assert (again["merged"], again["records"], again["lsn"]) == (0, 0, done["lsn"]), again
    sys.stdout.flush()
    return len(graph), merged - imported


def main():
    shared = os.environ.get("CAIRN_SHARED", "../shared")
    graphs = sorted(pathlib.Path(shared, "data", "duplicate-graphs").glob("*.csv.gz"))
    if not graphs:
        print(f"skipped: no duplicate graphs in {shared}/data (set CAIRN_SHARED to its folder)")
        return 77
    totals = []
    for project, path in enumerate(graphs, 1):
        with tempfile.TemporaryDirectory(prefix="cairn-graph-") as folder:
            totals.append(check_graph(path, project, folder))
    print(f"{sum(count for count, _ in totals)} reports, merged in "
          f"{sum(seconds for _, seconds in totals):.2f} s")
    return 0


sys.exit(main())

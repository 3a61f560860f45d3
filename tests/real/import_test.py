"""Imports every file of real occurrences with the built binary and holds it against a plain scan.

For each file: nothing refused; as many issues as distinct (project, first fingerprint) pairs; a
second import changes nothing and counts every line as a duplicate; what export gives back is what
went in; searches return the issues and counts that a scan with the same predicate finds.

Usage: import_test.py CAIRN_BINARY. Data: $CAIRN_SHARED/data; skips, and says so, when absent.
"""

import collections
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

CAIRN = os.path.abspath(sys.argv[1])
FOLDERS = ["loghub", "jira-apache", "jira-titanium", "github-timelines", "syzkaller",
           "sentry-events"]
NOW = "2026-11-01T00:00:00Z"


def cairn(*args):
    done = subprocess.run([CAIRN, *args], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"cairn {' '.join(args)} ended with {done.returncode}\n{done.stdout}\n"
                         f"{done.stderr}")
    return done.stdout


def occurrence_files(data):
    for folder in FOLDERS:
        for path in sorted((data / folder).glob("*.jsonl.gz")):
            if not path.name.endswith(".ops.jsonl.gz"):
                yield path


def group_key(occurrence):
    return occurrence["project_id"], occurrence["fingerprint"][0]


def tag(occurrence, key):
    return occurrence.get("event", {}).get("tags", {}).get(key)


def evidence(occurrence):
    """NAME: VALUE of what is to be shown."""
    def text(value):
        if isinstance(value, str):
            return value
        return json.dumps(value) if isinstance(value, (int, float)) else ""

    for entry in occurrence.get("evidence_display") or []:
        yield ": ".join(filter(None, [text(entry.get("name")), text(entry.get("value"))]))


def texts(occurrence):
    event = occurrence.get("event", {})
    entry = event.get("logentry", {})
    message = entry.get("formatted") or entry.get("message") or event.get("message") or ""
    return [occurrence.get("issue_title") or "", occurrence.get("subtitle") or "",
            occurrence.get("culprit") or "", message if isinstance(message, str) else "",
            *evidence(occurrence)]


def contains(occurrence, needle):
    return any(needle.lower() in text.lower() for text in texts(occurrence))


def queries(occurrences):
    """Pairs of a query and the same question as a Python predicate."""
    levels = collections.Counter(o.get("level", "info") for o in occurrences)
    common = levels.most_common(1)[0][0]
    yield "", lambda o: True
    yield "is:unresolved", lambda o: True
    yield "is:resolved", lambda o: False
    yield f"level:{common}", lambda o: o.get("level", "info") == common
    yield f"!level:{common}", lambda o: o.get("level", "info") != common
    yield "level:[error, fatal]", lambda o: o.get("level", "info") in ("error", "fatal")
    keys = collections.Counter(k for o in occurrences for k in o.get("event", {}).get("tags", {}))
    reserved = {"level", "environment", "release", "user", "url"}
    for key, _ in keys.most_common(6):
        if key in reserved:
            continue
        values = collections.Counter(tag(o, key) for o in occurrences if tag(o, key))
        if not values:
            continue
        value = values.most_common(2)[-1][0]
        if '"' in value or "\\" in value or "*" in value:
            continue
        yield f'tags[{key}]:"{value}"', lambda o, k=key, v=value: tag(o, k) == v
        yield f'!tags[{key}]:"{value}"', lambda o, k=key, v=value: tag(o, k) != v
        yield f"has:tags[{key}]", lambda o, k=key: bool(tag(o, k))
        yield (f'level:fatal OR tags[{key}]:"{value}"',
               lambda o, k=key, v=value: o.get("level", "info") == "fatal" or tag(o, k) == v)
    for word in ("error", "connection", "null"):
        yield word, lambda o, w=word: contains(o, w)
    times = sorted(o["detection_time"] for o in occurrences)
    middle = int(times[len(times) // 2])
    import datetime
    stamp = datetime.datetime.fromtimestamp(middle, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")
    yield f"timestamp:>={stamp}", lambda o: o["detection_time"] >= middle
    yield f"timestamp:<{stamp} level:{common}", (
        lambda o: o["detection_time"] < middle and o.get("level", "info") == common)


def check_queries(store, occurrences, leaf_of):
    for text, predicate in queries(occurrences):
        want = collections.Counter(leaf_of[group_key(o)] for o in occurrences if predicate(o))
        got = {}
        cursor = None
        while True:
            args = ["query", store, text, "--json", "--now", NOW, "--limit", "5000"]
            page = json.loads(cairn(*args, *(["--cursor", cursor] if cursor else [])))
            for issue in page["issues"]:
                got[issue["short_id"]] = issue["count"]
            cursor = page["next"]
            if not cursor:
                break
        assert page["total"] == len(want), f"{text}: {page['total']} issues, scan {len(want)}"
        assert got == dict(want), f"{text}: counts differ from a scan"


def same_value(a, b):
    """Equal as the wire form: null and absent are one."""
    a = {k: v for k, v in a.items() if v is not None}
    b = {k: v for k, v in b.items() if v is not None and not k.startswith("_")}
    return a == b


def check_file(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        occurrences = [json.loads(line) for line in lines]
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "store")
        first = json.loads(cairn("import", store, str(path), "--json"))
        assert first["refused"] == 0, first
        assert first["stored"] == len(occurrences), first
        stats = json.loads(cairn("stats", store, "--json"))
        groups = {group_key(o) for o in occurrences}
        assert stats["issues"] == len(groups), (stats["issues"], len(groups))
        second = json.loads(cairn("import", store, str(path), "--json"))
        assert second["stored"] == 0 and second["duplicates"] == len(occurrences), second
        after = json.loads(cairn("stats", store, "--json"))
        for key in ("state_digest", "full_digest"):
            assert after[key] == stats[key], key
        # Not splitlines(): JSON strings may hold characters that it takes for line ends.
        exported = [json.loads(line) for line in cairn("export", store).rstrip("\n").split("\n")]
        by_id = {(o["project_id"], o["id"].replace("-", "")): o for o in exported}
        leaf_of = {}
        for occurrence in occurrences:
            back = by_id[occurrence["project_id"], occurrence["id"].replace("-", "")]
            back = dict(back, id=occurrence["id"], event_id=occurrence["event_id"])
            assert same_value(occurrence, back), f"export changed {occurrence['id']}"
            leaf = leaf_of.setdefault(group_key(occurrence), back["_leaf"])
            assert leaf == back["_leaf"] == back["_issue"]
        check_queries(store, occurrences, leaf_of)
        return len(occurrences), len(groups)


def main():
    data = pathlib.Path(os.environ.get("CAIRN_SHARED", "../shared")) / "data"
    if not data.is_dir():
        print("skipped: no shared data (set CAIRN_SHARED to its folder)")
        return 77
    for path in occurrence_files(data):
        lines, groups = check_file(path)
        print(f"{path.parent.name}/{path.name}: {lines} occurrences, {groups} issues")
    return 0


sys.exit(main())

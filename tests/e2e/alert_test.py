"""Rules of alerts on the command line: what is wrong with them, what they would have done.

Usage: alert_test.py CAIRN_BINARY [TEST...]
"""

import json
import time

from harness import line, main

START = 1_600_000_200  # a multiple of five minutes
MINUTE = 60


def at(minute):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(START + minute * MINUTE))


def rule(**more):
    return {"name": "Errors", "query": "level:error", "time_window": 5,
            "triggers": [{"label": "critical", "alert_threshold": 10},
                         {"label": "warning", "alert_threshold": 5}], **more}


def fill(box):
    """Two an hour's minute, eight a minute from the 20th to the 29th, of two releases and issues."""
    lines = []
    for minute in range(60):
        for i in range(8 if 20 <= minute < 30 else 1):
            number = len(lines)
            lines.append(line(number, fingerprint=[f"f{number % 2}"],
                              time=START + minute * MINUTE + i * 7,
                              level="error" if number % 5 else "info",
                              event={"event_id": f"{number + 1:032x}", "project_id": 7,
                                     "timestamp": START, "platform": "python",
                                     "release": f"shop@{1 + number % 3}",
                                     "tags": {"took": str(number % 50)}}))
    return box.imports(box.write("fill.jsonl", lines), "--by-time")


def tested(box, value, *more, name="rule.json"):
    path = box.write(name, json.dumps(value))
    return box.ok("alert", "test", box.store, path, "--from", at(0), "--to", at(60), "--json",
                  *more).json()


def query(box, text):
    return box.ok("query", box.store, text, "--json").json()["rows"]


def test_check_says_what_it_understood(box):
    path = box.write("rules.json", json.dumps([rule(), rule(
        name="Slow", query="", aggregate="p95(took)", group_by="release", time_window=60,
        threshold_period=3, resolve_threshold=2, no_data="hold", environment="prod")], indent=1))
    done = box.ok("alert", "check", path)
    assert "count() of level:error, over 5 min, every 1 min; critical above 10, warning above 5" \
        in done.out, done
    assert "p95(took) of everything, in environment prod, by release, over 1 h, every 3 min; " \
        "critical above 10, warning above 5, 3 times in a row; resolved below 2; without data" \
        in done.out, done
    assert "2 rules, 0 refused" in done.out, done
    told = box.ok("alert", "check", path, "--json").json()
    assert told["checked"] == 2 and told["refused"] == 0
    # What it prints is a rule again, the same one.
    again = box.write("again.jsonl", [json.dumps(one["rule"]) for one in told["rules"]])
    same = box.ok("alert", "check", again, "--json").json()
    assert [one["rule"] for one in same["rules"]] == [one["rule"] for one in told["rules"]]
    assert [one["line"] for one in same["rules"]] == [1, 2]
    issue = json.dumps({"name": "New", "when": {"event": "first_seen"}})
    done = box.ok("alert", "check", "-", stdin=issue.encode())
    assert "a new issue, of everything; at most one alert of an issue in 30 min" in done.out, done


def test_check_says_what_is_wrong_and_where(box):
    path = box.write("rules.jsonl", [
        json.dumps(rule()), json.dumps(rule(colour="red")), json.dumps(rule(query="level:eror (")),
        json.dumps(rule(aggregate="p95(")), json.dumps(rule(query="project:shop")), "{", "",
        json.dumps(rule(time_window=9999))])
    done = box.run("alert", "check", path).expect(3)
    done.says(f"{path}:2:", "colour: no member of a rule", f"{path}:3: Errors: query: ", "^",
              f"{path}:4: Errors: aggregate: ", f"{path}:5: note: query: ", f"{path}:6:",
              f"{path}:8:", "time_window")
    assert "7 rules, 5 refused" in done.out, done
    told = box.run("alert", "check", path, "--json").expect(3).json()
    assert [one["ok"] for one in told["rules"]] == [True, False, False, False, True, False, False]
    where = told["rules"][1]
    assert where["line"] == 2 and where["column"] == json.dumps(rule(colour="red")).index('"colour') + 1
    text = '[\n {"name": "A", "time_window": 5,\n  "triggers": 7}\n]'
    done = box.run("alert", "check", box.write("array.json", text)).expect(3)
    done.says("array.json:3:15: triggers: ")
    box.run("alert", "check", box.write("empty.json", " \n")).expect(1).says("holds no rule")
    box.run("alert", "check", box.path("none.json")).expect(1).says("none.json")
    box.run("alert", "check", path, "--last", "7d").expect(2).says("a time is for test")
    box.run("alert", "check").expect(2).says("name the file")
    box.run("alert", "explode", "x").expect(2)


def test_values_are_what_queries_say(box):
    fill(box)
    told = tested(box, rule())
    assert told["ticks"] == 60 and told["keys_total"] == 1 and told["late"] == 0, told
    points = told["keys"][0]["points"]
    assert [point["time"] for point in points] == [at(minute) for minute in range(1, 61)]
    for minute in range(1, 61, 7):
        rows = query(box, f"level:error timestamp:>={at(minute - 5)} timestamp:<{at(minute)}"
                          " | count()")
        assert points[minute - 1]["value"] == rows[0][0], (minute, rows)
    whole = query(box, f"level:error timestamp:>={at(-5)} timestamp:<{at(60)} | count()")
    assert told["occurrences"] == whole[0][0]


def test_incidents(box):
    fill(box)
    told = tested(box, rule())
    whats = [(one["what"], one["threshold"]) for one in told["transitions"]]
    assert whats == [("opened critical", 10), ("eased to warning", 10), ("resolved", 5)] or \
        whats == [("opened warning", 5), ("became critical", 10), ("eased to warning", 10),
                  ("resolved", 5)], whats
    incident, = told["incidents"]
    assert incident["worst"] == "critical" and incident["ended"] == told["transitions"][-1]["time"]
    values = {point["time"]: point["value"] for point in told["keys"][0]["points"]}
    for one in told["transitions"]:
        assert values[one["time"]] == one["value"], one
        beyond = one["value"] > one["threshold"]
        assert beyond == (one["what"][:6] in ("opened", "became")), one
    text = box.ok("alert", "test", box.store, box.path("rule.json"), "--from", at(0), "--to",
                  at(60)).out
    for piece in ("Errors: count() of level:error", "60 ticks", "critical above 10", "C", "resolved",
                  "STARTED", incident["started"]):
        assert piece in text, text
    assert "still open" not in text
    # Up to the middle of it, the incident is open.
    short = box.ok("alert", "test", box.store, box.path("rule.json"), "--now", at(25), "--last",
                   "20m").out
    assert "still open" in short and "20 ticks" in short, short
    quiet = tested(box, rule(triggers=[{"label": "critical", "alert_threshold": 1000}]))
    assert quiet["transitions"] == [] and quiet["incidents"] == []


def test_keys_fields_and_percentages(box):
    fill(box)
    by_release = tested(box, rule(group_by="release", aggregate="uniq(took)"))
    assert [key["key"] for key in by_release["keys"]] and by_release["keys_total"] == 3
    window = f"timestamp:>={at(22)} timestamp:<{at(27)}"
    wanted = {row[0]: row[1] for row in
              query(box, f"level:error {window} | uniq(took) by release")}
    found = {key["key"]: point["value"] for key in by_release["keys"] for point in key["points"]
             if point["time"] == at(27)}
    assert found == wanted, (found, wanted)
    slow = tested(box, rule(aggregate="p95(took)", query=""))
    wanted = query(box, f"{window} | p95(took)")[0][0]
    assert [point["value"] for point in slow["keys"][0]["points"]
            if point["time"] == at(27)] == [wanted]
    share = tested(box, rule(query="level:error", percent_of="level:[error, info]"))
    part, all_of = (query(box, f"{text} {window} | count()")[0][0]
                    for text in ("level:error", "level:[error, info]"))
    value, = [point["value"] for point in share["keys"][0]["points"] if point["time"] == at(27)]
    assert abs(value - 100 * part / all_of) < 1e-9
    more = tested(box, rule(query="", comparison_delta=10))
    assert more["resolution"] == 2 and more["thresholds"]["critical"]["threshold"] == 110
    now, before = (query(box, f"timestamp:>={at(begin)} timestamp:<{at(begin + 5)} | count()")[0][0]
                   for begin in (23, 13))
    value, = [point["value"] for point in more["keys"][0]["points"] if point["time"] == at(28)]
    assert abs(value - 100 * now / before) < 1e-9, (value, now, before)
    first = more["keys"][0]["points"][0]
    assert first["outcome"] == "no_base", first
    by_issue = tested(box, rule(group_by="issue", query="is:unresolved"), "--limit", "1")
    assert len(by_issue["keys"]) == 1 and by_issue["keys_total"] == 2
    assert by_issue["keys"][0]["issue"] in ("P7-1", "P7-2")
    assert any("as they are now" in note for note in by_issue["notes"])
    text = box.ok("alert", "test", box.store, box.path("rule.json"), "--from", at(0), "--to",
                  at(60), "--limit", "1").out
    assert "1 of 2 keys" in text and "P7-" in text, text
    counted = tested(box, {"name": "Often", "when": {"event": "event_frequency", "value": 15,
                                                     "interval": 5}})
    assert counted["keys_total"] == 2 and len(counted["incidents"]) == 2, counted["transitions"]


def test_late_ones_are_counted_and_told(box):
    fill(box)
    # Recorded now, which is long after.
    box.imports(box.write("late.jsonl", [line(900, time=START + 10 * MINUTE + 3)]))
    told = tested(box, rule())
    assert told["late"] == 1, told["late"]
    assert any("recorded after" in note for note in told["notes"])


def test_what_cannot_be_tested(box):
    fill(box)
    def fails(value, *more, code=1):
        path = box.write("wrong.json", value if isinstance(value, str) else json.dumps(value))
        return box.run("alert", "test", box.store, path, *more).expect(code)
    fails({"name": "New", "when": {"event": "first_seen"}}).says("has no number to replay")
    fails(rule(query="project:nobody")).says("query: ", "nobody", "^")
    fails(rule(query="level:(")).says("query: ", "^")
    fails("[" + json.dumps(rule()) + "," + json.dumps(rule()) + "]").says("2 rules")
    fails(rule(), "--from", at(0), "--last", "7d", code=2)
    fails(rule(), "--from", at(5), "--to", at(1), code=2).says("--from")
    fails(rule(), "--from", "2020-01-01", "--to", "2021-01-01").says("ticks", "shorter")
    box.run("alert", "test", box.store).expect(2).says("name the store and the file")
    box.run("alert", "test", box.store, box.path("none.json")).expect(1).says("none.json")


def test_in_the_repl(box):
    fill(box)
    path = box.write("rule.json", json.dumps(rule()))
    words = f"alert test {path} --from {at(0)} --to {at(60)} --json"
    done = box.ok("repl", box.store, "-c", words, "-c", f"alert check {path}")
    first, _, rest = done.out.partition("\n")
    assert json.loads(first)["ticks"] == 60 and "1 rule, 0 refused" in rest


if __name__ == "__main__":
    main(globals())

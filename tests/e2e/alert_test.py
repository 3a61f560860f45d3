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
    box.run("alert", "check", path, "--last", "7d").expect(2).says(
        "--last is not for this, but for test")
    box.run("alert", "check").expect(2).says("name the file")
    box.run("alert", "explode", "x").expect(2).says("'x' is nothing to do with a store")


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
    box.run("alert", "test", box.store).expect(2).says("name the store, and the file")
    box.run("alert", "test", box.store, box.path("none.json")).expect(1).says("none.json")


# --- stored rules ---------------------------------------------------------------------------------
#
# Rules are added after ten minutes of occurrences, at that time, so that what follows is recorded, and
# ticks pass, at the times of the occurrences.

def busy_hour(box, name="hour.jsonl", minutes=range(10, 60), busy=range(20, 30)):
    """Two an hour's minute, and eight while it is busy; of two issues and three releases."""
    lines = []
    for minute in minutes:
        for i in range(8 if minute in busy else 1):
            number = minute * 100 + i
            lines.append(line(number, fingerprint=[f"f{number % 2}"], level="error",
                              time=START + minute * MINUTE + i * 7,
                              event={"event_id": f"{number + 1:032x}", "project_id": 7,
                                     "timestamp": START, "platform": "python",
                                     "release": f"shop@{1 + number % 3}", "tags": {}}))
    return box.imports(box.write(name, lines), "--by-time")


def watch(box, *rules, **more):
    """A store with rules and an hour that they have seen."""
    busy_hour(box, "first.jsonl", range(10))
    added = box.run("alert", box.store, "add", box.write("rules.json", json.dumps(rules)), "--json",
                    "--now", at(10), **more)
    busy_hour(box)
    return added


# Before another tick is due.
LATER = ("--now", at(74.5))


def said(box, *words):
    return box.ok("alert", box.store, *words, "--json").json()


ALL = [rule(), rule(name="By release", group_by="release"),
       {"name": "New", "when": {"event": "first_seen"}},
       rule(name="By issue", query="is:unresolved", group_by="issue")]


def test_rules_are_added_listed_and_shown(box):
    path = box.write("rules.jsonl", [json.dumps(one) for one in ALL[:2]] + [
        json.dumps(rule(name="bad", query="level:(")), "{", json.dumps(rule())])
    busy_hour(box, "first.jsonl", range(10))
    done = box.run("alert", box.store, "add", path, "--actor", "ada").expect(3)
    done.says(f"{path}:3: bad: query: ", "^", f"{path}:4:")
    assert "rule 1: Errors: count() of level:error" in done.out, done
    assert "3 rules added, 2 refused" in done.out, done
    told = box.run("alert", box.store, "add", path, "--json").expect(3).json()
    assert told["added"] == 3 and told["refused"] == 2 and told["duplicates"] == 0, told
    assert [one.get("number") for one in told["rules"]] == [4, 5, None, None, 6], told
    assert [one["line"] for one in told["rules"]] == [1, 2, 3, 4, 5]
    listed = said(box, "list")
    assert listed["total"] == 6 and listed["next"] is None
    assert [one["number"] for one in listed["rules"]] == [1, 2, 3, 4, 5, 6]
    assert {one["status"] for one in listed["rules"]} == {"active"}
    assert listed["rules"][0]["changed_by"] == "ada"
    # What is listed is a rule again.
    again = box.write("again.json", json.dumps([one["rule"] for one in listed["rules"]]))
    assert box.ok("alert", "check", again, "--json").json()["checked"] == 6
    page = said(box, "list", "--limit", "4")
    assert page["next"] == 4 and page["total"] == 6
    rest = said(box, "list", "--limit", "4", "--after", page["next"])
    assert [one["number"] for one in rest["rules"]] == [5, 6] and rest["next"] is None
    text = box.ok("alert", box.store, "list", "--limit", "4")
    assert "By release: count()" in text.out and "--after 4" in text.err, text
    assert box.ok("alert", box.store, "list", "--open").out == "no rule with an open incident\n"
    shown = said(box, "show", 2)
    assert shown["name"] == "By release" and shown["rule"]["group_by"] == "release"
    box.run("alert", box.store, "show", "Errors").expect(1).says("4 alert rules are called")
    box.run("alert", box.store, "show", 7).expect(1).says("never given")
    box.run("alert", box.store, "show", "Nobody").expect(1).says("no alert rule is called")
    for words in (["show"], ["show", 1, 2], ["list", "x"], ["incident", "x"], ["comment", 1],
                  ["explode"], ["add"], ["change", 1], ["pause", 1, "--at", at(1)],
                  ["list", "--rule", 1]):
        box.run("alert", box.store, *words).expect(2)


def test_the_same_key_adds_once(box):
    busy_hour(box, "first.jsonl", range(10))
    path = box.write("rules.json", json.dumps(ALL))
    assert box.ok("alert", box.store, "add", path, "--key", "k", "--json").json()["added"] == 4
    told = box.ok("alert", box.store, "add", path, "--key", "k", "--json").json()
    assert told["added"] == 0 and told["duplicates"] == 4, told
    assert said(box, "list")["total"] == 4


def test_many_rules(box):
    box.ok("init", box.store)
    many = box.write("many.jsonl", [json.dumps(rule(name=f"R{n}", query=f"browser:B{n % 50}"))
                                    for n in range(2500)])
    told = said(box, "add", many, "--key", "m")
    assert told["added"] == 2500 and told["rules"][-1]["number"] == 2500
    assert said(box, "add", many, "--key", "m")["duplicates"] == 2500
    assert "2,500 rules added, 2501 to 5000" in box.ok("alert", box.store, "add", many).out
    assert {one["status"] for one in said(box, "list", "--limit", "10000")["rules"]} == {"active"}
    told = said(box, "stats")
    assert told["rules"] == told["subscriptions"] == 5000 and told["just_opened"], told
    assert told["evaluations"] == told["filters"] == 50 and told["ratio"] == 100, told
    text = box.ok("alert", box.store, "stats").out
    assert "100.00  rules for each evaluation" in text, text


def test_incidents_of_stored_rules(box):
    watch(box, *ALL).expect(0)
    told = said(box, "incidents")
    assert told["total"] == len(told["incidents"]) > 4
    assert [one["number"] for one in told["incidents"]] == list(range(told["total"], 0, -1))
    assert all(not one["open"] and one["method"] == "rule_triggered" for one in told["incidents"])
    of_rule = said(box, "incidents", "--rule", "By release")["incidents"]
    assert {one["key"] for one in of_rule} == {"shop@1", "shop@2", "shop@3"}
    by_issue = said(box, "incidents", "--rule", 4)["incidents"]
    assert {one["issue"] for one in by_issue} == {"P7-1", "P7-2"}, by_issue
    whole = said(box, "incident", of_rule[0]["number"])
    assert [step["from"] for step in whole["steps"]][0] == "ok"
    assert whole["earlier_steps"] == 0 and len(whole["steps"]) == of_rule[0]["steps"]
    assert whole["steps"][-1]["to"] == "ok" and whole["steps"][-1]["at"] == whole["ended"]
    # What the rule would have done is what it did.
    test = box.ok("alert", "test", box.store, 2, "--from", at(10), "--to", at(58),
                  "--json").json()
    steps = [(step["at"], one["key"], step["what"], step["value"]) for one in
             (said(box, "incident", each["number"]) for each in of_rule) for step in one["steps"]]
    assert sorted(steps) == sorted((one["time"], one["key"], one["what"], one["value"])
                                   for one in test["transitions"])
    page = said(box, "incidents", "--limit", "3")
    assert page["next"] == page["incidents"][-1]["number"]
    assert said(box, "incidents", "--before", page["next"])["incidents"][0]["number"] == \
        page["next"] - 1
    assert box.ok("alert", box.store, "incidents", "--open").out == "no open incident\n"
    # As of a record in between, one was open.
    lsn = whole["steps"][0]["lsn"]
    then = said(box, "incident", whole["number"], "--as-of", lsn)
    assert then["open"] and len(then["steps"]) == 1
    assert said(box, "list", "--as-of", lsn, "--open")["total"] > 0
    assert said(box, "show", 2, "--as-of", lsn)["open_incidents"] > 0
    text = box.ok("alert", box.store, "incident", whole["number"]).out
    assert "By release: shop@" in text and "resolved" in text, text
    text = box.ok("alert", box.store, "incidents", "--rule", 2).out
    assert "2 By release: shop@1" in text, text
    box.run("alert", box.store, "incident", 999).expect(1).says("no incident 999")


def test_people_and_incidents(box):
    watch(box, rule())
    busy_hour(box, "more.jsonl", range(60, 75), range(60, 75))
    number, = [one["number"] for one in said(box, "incidents", "--open")["incidents"]]
    text = box.ok("alert", box.store, "ack", number, "--actor", "ada", *LATER).out
    assert f"incident {number} is acknowledged (LSN" in text
    assert said(box, "ack", number, "--actor", "bob", *LATER)["outcome"] == "no_change"
    box.ok("alert", box.store, "comment", number, "looking", "into", "it", "--actor", "ada", *LATER)
    box.run("alert", box.store, "comment", number, "", "--actor", "ada", *LATER).expect(1)
    told = said(box, "incident", number)
    assert told["acknowledged"]["who"] == "ada"
    assert told["comments"] == [{"at": told["comments"][0]["at"], "who": "ada",
                                 "text": "looking into it"}]
    assert "(acknowledged)" in box.ok("alert", box.store, "incidents").out
    box.ok("alert", box.store, "close", number, "--actor", "eve", *LATER)
    told = said(box, "incident", number)
    assert told["method"] == "manual" and told["steps"][-1]["who"] == "eve" and not told["open"]
    text = box.ok("alert", box.store, "incident", number).out
    assert "looking into it" in text and "acknowledged" in text and "(manual)" in text, text
    assert said(box, "close", number, *LATER)["outcome"] == "no_change"
    box.run("alert", box.store, "ack", number, *LATER).expect(1).says("closed")
    box.run("alert", box.store, "close", 99, *LATER).expect(1).says("no incident 99")


def test_rules_change_pause_and_go(box):
    watch(box, *ALL[:2])
    busy_hour(box, "more.jsonl", range(60, 75), range(60, 75))
    assert said(box, "list", "--open")["total"] == 2
    same = box.write("same.json", json.dumps(rule(name="Renamed")))
    assert "rule 1 (Renamed) is changed" in box.ok("alert", box.store, "change", "Errors", same, *LATER).out
    assert said(box, "show", "Renamed")["open_incidents"] == 1
    assert said(box, "change", 1, same, *LATER)["outcome"] == "no_change"
    other = box.write("other.json", json.dumps(rule(name="Renamed", triggers=[
        {"label": "critical", "alert_threshold": 1000}])))
    box.ok("alert", box.store, "change", 1, other, *LATER)
    told = said(box, "show", 1)
    assert told["open_incidents"] == 0 and told["status"] == "active"
    assert told["incidents"][0]["method"] == "rule_updated"
    box.run("alert", box.store, "change", 1, box.write("x.json", json.dumps(
        rule(query="level:(")))).expect(1).says("query: ", "^")
    box.run("alert", box.store, "change", 1, box.write("x.json", "[1, 2]")).expect(1)
    box.ok("alert", box.store, "pause", 2, *LATER)
    told = said(box, "show", 2)
    assert told["status"] == "disabled" and told["open_incidents"] == 0
    assert said(box, "pause", 2, *LATER)["outcome"] == "no_change"
    assert "disabled" in box.ok("alert", box.store, "explain", 2).out
    box.ok("alert", box.store, "resume", 2, *LATER)
    assert said(box, "show", 2)["status"] == "active"
    assert "rule 1 (Renamed) is removed" in box.ok("alert", box.store, "remove", 1, *LATER).out
    assert said(box, "list")["total"] == 1
    box.run("alert", box.store, "show", 1).expect(1).says("it was removed")
    assert said(box, "incidents", "--rule", 1)["total"] > 0, "what it did is still known"


def test_explain(box):
    watch(box, *ALL, rule(name="Thrice", threshold_period=3))
    told = said(box, "explain", 1)
    assert "is not above 5" in told["reason"] and told["severity"] == "ok", told
    assert told["value"] == 5 and told["window"]["end"] == told["tick"] == at(58)
    assert [one["what"] for one in told["transitions"]][0] == "resolved"
    # At a tick in the midst of it, between two, and against the query of its window.
    then = said(box, "explain", 1, "--at", at(24.5))
    assert then["tick"] == at(24) and then["severity"] == "critical", then
    assert then["reason"].startswith("An incident is open since"), then
    window = f"level:error timestamp:>={then['window']['begin']} timestamp:<{then['window']['end']}"
    assert then["value"] == then["logged"] == query(box, window + " | count()")[0][0]
    first = then["transitions"][-1]
    assert said(box, "explain", 1, "--at", first["at"])["logged"] == first["value"]
    before = said(box, "explain", 1, "--at", at(20))
    assert before["severity"] == "ok" and before["transitions"] == [], before
    # Of a rule that wants three in a row.
    at_first = said(box, "explain", "Thrice", "--at", first["at"])
    assert at_first["severity"] == "ok" and "1 of 3 evaluations in a row" in at_first["reason"]
    assert at_first["triggers"][0]["counted"] == 1 and at_first["triggers"][0]["needed"] == 3
    # By key.
    keyed = said(box, "explain", 2, "--at", at(24), "--of", "shop@2")
    assert keyed["key"] == "shop@2" and keyed["keys_total"] == 3, keyed
    assert {one["key"] for one in keyed["transitions"]} <= {"shop@2"}
    nothing = said(box, "explain", 2, "--of", "shop@9")
    assert nothing["reason"] == "Nothing of shop@9 was counted in the window.", nothing
    assert said(box, "explain", 4, "--issue", "P7-2", "--at", at(24))["issue"] == "P7-2"
    assert len(said(box, "explain", 2, "--limit", 1)["keys"]) == 1
    box.run("alert", box.store, "explain", 1, "--at", at(5)).expect(1).says(
        "alert rule 1 is of")
    box.run("alert", box.store, "explain", 1, "--at", "2999-01-01T00:00:00Z").expect(1).says(
        "the ticks of a rule are in the past")
    text = box.ok("alert", box.store, "explain", 2, "--at", at(24)).out
    for piece in ("rule 2 (By release): An incident is open", "TRIGGER", "above 10", "shop@1",
                  "0 of 1 healthy"):
        assert piece in text, text


def test_explain_rules_about_issues(box):
    busy_hour(box)
    rules = [ALL[2], {"name": "Back", "when": {"event": "regression"}, "frequency": 60},
             {"name": "Warnings", "when": {"event": "first_seen"}, "query": "level:warning"},
             {"name": "Elsewhere", "when": {"event": "first_seen"}, "projects": [8]}]
    box.ok("alert", box.store, "add", box.write("rules.json", json.dumps(rules)))
    box.imports(box.write("new.jsonl", [line(9000, fingerprint=["new"],
                                             time=START + 61 * MINUTE)]), "--by-time")
    told = said(box, "explain", "New")
    assert told["reason"].startswith("The rule has alerted"), told
    assert told["firings"][0]["issue"] == "P7-3", told
    assert "did alert about P7-3" in said(box, "explain", "New", "--issue", "P7-3")["reason"]
    assert "before the rule was there" in said(box, "explain", "New", "--issue", "P7-1")["reason"]
    told = said(box, "explain", "Warnings", "--issue", "P7-3")
    assert "and the rule did not alert" in told["reason"], told
    assert any("0 of its 1 occurrences match" in one for one in told["suppressed"]), told
    assert "about other projects" in said(box, "explain", 4, "--issue", "P7-3")["reason"]
    assert "never came back" in said(box, "explain", "Back", "--issue", "P7-3")["reason"]
    later = int(time.time())  # than it is resolved

    def again(number, minute):
        box.ok("resolve", box.store, "P7-3")
        box.imports(box.write("again.jsonl", [line(number, fingerprint=["new"],
                                                   time=later + minute * MINUTE)]), "--by-time")
    again(9001, 62)
    assert "did alert about P7-3" in said(box, "explain", "Back", "--issue", "P7-3")["reason"]
    again(9002, 63)
    told = said(box, "explain", "Back", "--issue", "P7-3")
    assert "had alerted about it at" in told["reason"] and "once in 1 h" in told["reason"], told
    box.ok("merge", box.store, "P7-1", "P7-3")
    assert "is merged into P7-1" in " ".join(
        [told["reason"]] + said(box, "explain", "New", "--issue", "P7-3")["suppressed"])
    box.run("alert", box.store, "explain", "Back", "--issue", "P7-99").expect(1)
    box.run("alert", box.store, "explain", "Back", "--of", "x").expect(1).says("--issue")
    text = box.ok("alert", box.store, "explain", "New").out
    assert "P7-3" in text and "OCCURRENCE" in text, text


def test_rules_in_trouble_say_so(box):
    busy_hour(box, "first.jsonl", range(10))
    box.ok("projects", box.store, "set", "7", "--slug", "shop")
    path = box.write("rules.json", json.dumps(rule(name="Slug", query="project:shop")))
    box.ok("alert", box.store, "add", path)
    assert said(box, "show", 1)["trouble"] is None
    box.ok("projects", box.store, "set", "7", "--slug", "store")
    told = said(box, "show", 1)
    assert "shop" in told["trouble"], told
    text = box.ok("alert", box.store, "list").out
    assert "trouble" in text and "shop" in text, text
    assert "cannot be evaluated" in said(box, "explain", 1)["reason"]


def test_ticks_at_given_times(box):
    busy_hour(box, "first.jsonl", range(10))
    path = box.write("rule.json", json.dumps([rule(triggers=[
        {"label": "critical", "alert_threshold": 3}])]))
    box.ok("alert", box.store, "add", path, "--now", at(10))
    # A tick is evaluated ten seconds after its time.
    told = said(box, "tick", "--now", at(11))
    assert (told["ticks"], told["last_tick"], told["told"]) == (0, None, []), told
    told = said(box, "tick", "--now", at(11 + 10 / MINUTE))
    assert told["ticks"] == 1 and told["last_tick"] == at(11), told
    assert [(one["what"], one["value"]) for one in told["told"]] == [("opened critical", 4)], told
    box.ok("alert", box.store, "ack", 1, "--now", at(12), "--actor", "ada")
    done = box.ok("alert", box.store, "tick", "--now", at(20))
    assert "incident 1 of rule 1 (Errors): resolved, value 0" in done.out, done
    assert f"1 tick evaluated, the last is that of {at(19)}" in done.out, done
    told = said(box, "incident", 1)
    assert told["acknowledged"]["at"] == at(12) and told["ended"] == at(19), told
    # Nothing is due twice.
    again = said(box, "tick", "--now", at(20))
    assert again["ticks"] == 0 and again["told"] == []


def test_a_store_called_as_a_word(box):
    import os
    here = os.getcwd()
    try:
        os.chdir(box.dir)
        box.ok("init", "test")
        assert box.ok("alert", "./test", "list").out == "no rules\n"
        box.run("alert", "test", "list").expect(2)
    finally:
        os.chdir(here)


def test_in_the_repl(box):
    fill(box)
    path = box.write("rule.json", json.dumps(rule()))
    words = f"alert test {path} --from {at(0)} --to {at(60)} --json"
    done = box.ok("repl", box.store, "-c", words, "-c", f"alert check {path}")
    first, _, rest = done.out.partition("\n")
    assert json.loads(first)["ticks"] == 60 and "1 rule, 0 refused" in rest
    done = box.ok("repl", box.store, "-c", f"alert add {path}", "-c", "alert list", "-c",
                  "alert test 1 --from @1600000200 --to @1600003800", "-c", "alert explain Errors")
    assert "1 rule added" in done.out and "60 ticks" in done.out, done
    assert "Nothing has been evaluated yet" in done.out, done


if __name__ == "__main__":
    main(globals())

"""The HTTP gateway, from a language that has no Cap'n Proto: only Python's library.

Usage: gateway_test.py CAIRN_BINARY [TEST...]
"""

import http.client
import json
import signal
import ssl
import subprocess

import running
from harness import Skip, line, main


def fill(server, count=40, project=7, token=None):
    values = [line(n, [f"g{n % 4}"], project=project) for n in range(count)]
    status, told = server.ingest(values, token)
    assert status == 200 and told["stored"] == count, told
    return told


def test_search_and_merge(box):
    with running.Server(box) as server:
        told = fill(server)
        status, page = server.query("is:unresolved", limit=2, at_least=told["lsn"])
        assert status == 200 and page["total"] == 4 and len(page["issues"]) == 2, page
        status, rest = server.query("is:unresolved", limit=2, cursor=page["next"])
        names = [issue["short_id"] for issue in page["issues"] + rest["issues"]]
        assert status == 200 and len(set(names)) == 4
        status, merged = server.verb("merge", *names[:3])
        assert status == 200, merged
        status, page = server.query("is:unresolved", at_least=merged["lsn"])
        assert page["total"] == 2
        shown = [i for i in page["issues"] if i["short_id"] == names[0]][0]
        assert sorted(shown["merged"]) == sorted(names[1:3]) and shown["times_seen"] == 30
        assert server.verb("unmerge", names[0])[0] == 200
        assert server.query("is:unresolved")[1]["total"] == 4
        status, table = server.query("| count() by level")
        assert status == 200 and table["rows"] == [["error", 40]], table


def test_the_same_bytes_as_the_command_line(box):
    box.imports(box.write("a.jsonl", [line(n, [f"g{n % 4}"]) for n in range(40)]))
    now = "2020-09-14T00:00:00Z"
    here = {query: box.ok("query", box.store, "--json", "--now", now, "--", query).out
            for query in ("| count() by level", "is:unresolved | fields short_id, count()")}
    show = box.ok("show", box.store, "P7-1", "--json").out
    with running.Server(box) as server:
        for query, expected in here.items():
            status, text = server.call("POST", "/v1/query", {"query": query, "now": now})
            assert (status, text) == (200, expected), query
        status, text = server.call("POST", "/v1/verbs/show", {"args": ["P7-1"]})
        assert (status, text) == (200, show)


def test_errors_have_a_status_and_the_shape_of_json_output(box):
    with running.Server(box) as server:
        fill(server)
        for method, path, body, expected, code in [
                ("POST", "/v1/query", {"query": "is:unresolvd"}, 400, "invalid_argument"),
                ("POST", "/v1/query", {"quary": ""}, 400, "invalid_argument"),
                ("POST", "/v1/query", "{", 400, "invalid_argument"),
                ("POST", "/v1/query", "[" * 100_000, 400, "invalid_argument"),
                ("POST", "/v1/query", {"query": "", "at_least": 10**9}, 409, "conflict"),
                ("POST", "/v1/verbs/show", {"args": ["P7-999"]}, 404, "not_found"),
                ("POST", "/v1/verbs/nothing", {}, 400, "invalid_argument"),
                ("POST", "/v1/verbs/verify", {}, 501, "unsupported"),
                ("POST", "/v1/verbs/serve", {"args": ["--listen", "unix:/x"]}, 501, "unsupported"),
                ("POST", "/v1/verbs/%zz", {}, 404, "not_found"),
                ("GET", "/v1/query", None, 405, "invalid_argument"),
                ("POST", "/healthz", "", 405, "invalid_argument"),
                ("GET", "/nothing", None, 404, "not_found"),
                ("GET", "/../../etc/passwd", None, 404, "not_found")]:
            status, text = server.call(method, path, body)
            error = json.loads(text)["error"]
            assert (status, error["code"]) == (expected, code), (path, body, status, text)
        assert server.alive()


def test_no_verb_touches_files_of_the_server(box):
    secret = box.write("secret", '{"child":"P7-1","primary":"P7-2"}\n')
    with running.Server(box) as server:
        fill(server)
        status, answer = server.verb("merge", "--pairs", secret)
        assert status != 200, answer
        rejects = box.path("rejects")
        server.verb("merge", "--pairs", secret, "--rejects", rejects)
        assert not rejects.exists()


def test_tokens(box):
    box.ok("init", box.store)
    reader = running.token(box, "reader", "read")
    writer = running.token(box, "writer", "ingest")
    seven = running.token(box, "seven", "read", projects=[7])
    admin = running.token(box, "admin", "admin")
    with running.Server(box) as server:
        fill(server, token=writer)
        fill(server, project=8, token=writer)
        assert server.query("", reader)[1]["total"] == 8
        assert server.query("", seven)[1]["total"] == 4
        status, answer = server.query("", writer)
        assert (status, answer["error"]["code"]) == (403, "denied"), answer
        assert server.query("")[0] == 401
        assert server.query("", reader + "x")[0] == 401
        assert server.ingest([line(1)], reader)[0] == 403
        status, answer = server.verb("merge", "P7-1", "P7-2", token=reader)
        assert (status, answer["error"]["code"]) == (403, "denied"), answer
        status, answer = server.verb("stats", token=seven)
        assert (status, answer["error"]["code"]) == (403, "denied"), answer
        assert server.verb("merge", "P7-1", "P7-2", token=admin)[0] == 200
        assert server.call("GET", "/metrics")[0] == 401
        assert server.call("GET", "/metrics", token=seven)[0] == 403
        assert server.call("GET", "/healthz")[0] == 200
        box.ok("token", box.store, "revoke", "reader")
        running.wait_until(lambda: server.query("", reader)[0] == 401, what="the end of a token")


def test_limits_of_a_token(box):
    box.ok("init", box.store)
    narrow = running.token(box, "narrow", "admin", limits=["--message-bytes", "65536"])
    rare = running.token(box, "rare", "admin", limits=["--requests-per-second", "2"])
    free = running.token(box, "free", "admin", limits=["--requests-per-second", "1000000",
                                                       "--query-memory-bytes", "1000000000"])
    listed = box.ok("token", box.store, "list", "--json").json()["tokens"]
    assert [one["limits"] for one in listed] == [
        {"message_bytes": 65536}, {"requests_per_second": 2},
        {"requests_per_second": 1000000, "query_memory_bytes": 1000000000}]
    box.run("token", box.store, "create", "x", "--scope", "read", "--calls", "0").expect(2)
    box.run("token", box.store, "list", "--calls", "1").expect(2)
    box.run("token", box.store, "create", "x", "--scope", "read", "--message-bytes",
            "7").expect(1).says("65536")
    with running.Server(box, config="requests_per_second = 500\n") as server:
        body = "".join(line(n) + "\n" for n in range(200))
        assert len(body) > 65536
        assert server.call("POST", "/v1/ingest", body, narrow)[0] == 413
        assert server.call("POST", "/v1/ingest", body, free)[0] == 200
        statuses = [server.query("", rare)[0] for _ in range(20)]
        assert statuses[0] == 200 and 429 in statuses, statuses
        # What the server gives is the most: no token lifts it.
        server.stop()
    with running.Server(box, config="query_memory_bytes = 1\n") as server:
        query = 'message:"*a*" | count() by title'
        assert server.query(query, free)[0] == 422


def test_a_verb_that_takes_too_long_ends(box):
    with running.Server(box, config="verb_ms = 1\n") as server:
        for first in range(0, 10_000, 5_000):
            server.ingest([line(n) for n in range(first, first + 5_000)])
        status, text = server.call("POST", "/v1/verbs/export", {})
        error = json.loads(text.splitlines()[-1])["error"]
        assert (status, error["code"]) == (422, "exhausted"), (status, error)
        assert "verb_ms" in error["message"] and len(text.splitlines()) < 10_000


def test_health_metrics_and_drain(box):
    with running.Server(box) as server:
        assert server.call("GET", "/healthz")[0] == 200
        assert server.call("GET", "/readyz")[0] == 200
        fill(server)
        server.query("is:unresolved")
        server.query("is:unresolvd")
        metrics = server.metrics()
        assert metrics['cairn_ingest_lines_total{outcome="stored"}'] == 40
        assert metrics["cairn_issues"] == 4 and metrics["cairn_up"] == 1
        assert metrics['cairn_call_seconds_count{call="gateway"}'] == 2
        buckets = [value for key, value in metrics.items()
                   if key.startswith('cairn_call_seconds_bucket{call="gateway"')]
        assert buckets == sorted(buckets) and buckets[-1] == 2
        assert server.stop() == 0
        assert [e["event"] for e in map(json.loads, server.lines)][-1] == "stopped"


def test_alerts(box):
    def at(server, path, body, token=None):
        status, text = server.call("POST", path, body, token=token)
        return status, json.loads(text)

    def rule(name, **more):
        return {"name": name, "when": {"event": "first_seen"}, **more}

    with running.Server(box) as server:
        fill(server)
        status, told = at(server, "/v1/alerts/rules?actor=ada&key=k",
                          [rule("New"), rule("Seven", projects=[7]), {"name": "bad"}])
        assert status == 200 and (told["added"], told["refused"]) == (2, 1), told
        assert at(server, "/v1/alerts/rules?key=k&actor=ada", [rule("New")])[1]["duplicates"] == 1
        status, listed = at(server, "/v1/verbs/alert", {"args": ["list"]})
        assert status == 200 and [one["name"] for one in listed["rules"]] == ["New", "Seven"]
        assert listed["rules"][0]["changed_by"] == "ada"
        assert at(server, "/v1/alerts/rules/New", rule("Fresh"))[0] == 200
        for path in ("/v1/alerts/rules/99", "/v1/alerts/rules/", "/v1/alerts/rules/%zz"):
            assert at(server, path, rule("x"))[0] == 404, path
        assert at(server, "/v1/alerts/rules/2", {"name": ""})[0] == 400
        assert at(server, "/v1/alerts/rules?color=red", [rule("x")])[0] == 400
        metric = {"name": "M", "time_window": 5,
                  "triggers": [{"label": "critical", "alert_threshold": 3}]}
        status, tested = at(server, "/v1/alerts/test?from=@1599999600&to=@1600003200", metric)
        assert status == 200 and tested["occurrences"] == 40 and tested["incidents"], tested
        assert server.ingest([line(900, ["fresh"])])[0] == 200
        told = at(server, "/v1/verbs/alert", {"args": ["explain", "Fresh"]})[1]
        assert told["firings"][0]["issue"] == "P7-5", told
        assert server.metrics()["cairn_alert_rules"] == 2
        assert server.metrics()["cairn_alert_troubled"] == 0
        seven = box.ok("token", box.store, "create", "seven", "--scope", "admin", "--project",
                       "7").out.strip()
        reader = box.ok("token", box.store, "create", "reader", "--scope", "read").out.strip()
        running.wait_until(lambda: server.call("POST", "/v1/query", {}, token=reader)[0] == 200)
        assert at(server, "/v1/alerts/rules", [rule("x")], reader)[0] == 403
        listed = at(server, "/v1/verbs/alert", {"args": ["list"]}, seven)[1]
        assert [one["name"] for one in listed["rules"]] == ["Seven"]
        assert at(server, "/v1/alerts/rules/1", rule("x", projects=[7]), seven)[0] == 404
        for action in ("tick", "stats"):
            assert at(server, "/v1/verbs/alert", {"args": [action]}, seven)[0] == 403


def test_web_pages_are_not_answered(box):
    with running.Server(box) as server:
        status, _ = server.call("POST", "/v1/query", {"query": ""},
                                headers={"Origin": "https://evil.example"})
        assert status == 403


def test_slow_queries_are_logged(box):
    with running.Server(box, config="slow_ms = 1\n") as server:
        fill(server, 2000)
        for _ in range(20):
            server.query('message:"*a\n{}*" | count() by title')
        running.wait_until(lambda: server.events("slow") or server.metrics()
                           ["cairn_slow_queries_total"] == 0, what="a slow query")
        for text in server.lines:
            json.loads(text)


def test_public_addresses_are_refused(box):
    box.ok("init", box.store)
    for words, piece in [(["--listen", "tcp:0.0.0.0:0"], "no tokens"),
                         (["--http", "tcp:0.0.0.0:0"], "no tokens"),
                         (["--listen", "tls:127.0.0.1:0"], "--tls-cert"),
                         ([], "nowhere to listen"),
                         (["--listen", "udp:1"], "unix:PATH")]:
        box.run("serve", box.store, *words).expect(1).says(piece)
    running.token(box, "a", "read")
    box.run("serve", box.store, "--listen", "tcp:0.0.0.0:0").expect(1).says("not encrypted")


def test_a_second_server_is_told_who_is_there(box):
    with running.Server(box) as server:
        box.run("serve", box.store, "--listen", f"unix:{server.socket}x").expect(1)
        other = box.path("other")
        box.run("serve", other, "--listen", f"unix:{server.socket}").expect(1).says("another server")
        assert server.query("")[0] == 200
    # The one that was killed left its socket behind.
    with running.Server(box) as server:
        assert server.query("")[0] == 200


def certificate(box, name):
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                           "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj",
                           f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                           str(box.path("key.pem")), "-out", str(box.path("cert.pem"))],
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise Skip("no openssl program")


def test_tls_and_reload(box):
    certificate(box, "first")
    box.ok("init", box.store)
    with running.Server(box, "--http", "tls:127.0.0.1:0", "--tls-cert", box.path("cert.pem"),
                        "--tls-key", box.path("key.pem")) as server:
        address = [a for a in server.addresses["http"] if a.startswith("tls")][0]
        port = int(address.rsplit(":", 1)[1])

        def answers():
            context = ssl.create_default_context(cafile=str(box.path("cert.pem")))
            try:
                connection = http.client.HTTPSConnection("localhost", port, context=context,
                                                         timeout=20)
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
            except ssl.SSLError:
                return False
        assert answers()
        certificate(box, "second")
        assert not answers()
        server.process.send_signal(signal.SIGHUP)
        running.wait_until(answers, what="the new certificate")
        # One that cannot be read leaves the old one in use.
        before = box.path("cert.pem").read_bytes()
        box.write("cert.pem", "nothing")
        server.process.send_signal(signal.SIGHUP)
        running.wait_until(lambda: server.events("reload"), what="a complaint")
        box.write("cert.pem", before)
        assert answers()


if __name__ == "__main__":
    main(globals())

"""docs/openapi.json says what the gateway does.

Usage: openapi_test.py CAIRN_BINARY [TEST...]
"""

import json
import pathlib
import re

import running
from harness import line, main

API = json.loads((pathlib.Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8"))


def test_the_same_paths_and_methods(box):
    with running.Server(box) as server:
        status, text = server.call("GET", "/nothing")
        assert status == 404
        served = set(re.findall(r"(GET|POST) (/[\w/{}]*)", json.loads(text)["error"]["message"]))
        written = {(method.upper(), path) for path, methods in API["paths"].items()
                   for method in methods}
        assert served == written, served ^ written
        for method, path in written:
            other = "GET" if method == "POST" else "POST"
            assert server.call(other, path.replace("{verb}", "query").replace("{rule}", "1"))[0] == 405, path


def test_the_same_verbs(box):
    listed = set(API["paths"]["/v1/verbs/{verb}"]["post"]["parameters"][0]["schema"]["enum"])
    overview = box.ok("help").out.split("\n\n")[2]
    all_verbs = {text.split()[0] for text in overview.splitlines() if text.startswith("  ")}
    assert listed <= all_verbs, listed - all_verbs
    with running.Server(box) as server:
        for verb in all_verbs - {"help"}:
            status, text = server.call("POST", f"/v1/verbs/{verb}",
                                       {"args": ["a", "b", "--occurrences", "1", "--listen", "x"]})
            if verb in listed:
                assert status != 501, (verb, text)
        for verb in listed:
            status, text = server.call("POST", f"/v1/verbs/{verb}", {"args": []})
            assert status != 501, (verb, text)


def test_the_members_of_a_query(box):
    body = API["paths"]["/v1/query"]["post"]["requestBody"]["content"]["application/json"]
    values = {"query": "is:unresolved", "sort": "freq", "limit": 3, "now": "2020-09-14T00:00:00Z",
              "at_least": 1, "as": "ada", "team": ["a", "b"], "timeout": "5s"}
    with running.Server(box) as server:
        told = server.ingest([line(n, [f"g{n}"]) for n in range(9)])[1]
        assert set(told) == set(API["components"]["schemas"]["Acknowledgement"]["required"])
        status, page = server.query(**values)
        assert status == 200, page
        assert set(API["components"]["schemas"]["Page"]["required"]) <= set(page)
        assert server.query(**values, cursor=page["next"])[0] == 200
        assert server.query(as_of=told["lsn"])[0] == 200
        assert server.query(**{"in": "none"})[0] == 404
        known = set(values) | {"cursor", "as_of", "in"}
        assert known == set(body["schema"]["properties"])
        status, table = server.query("| count() by level")
        assert status == 200
        assert set(API["components"]["schemas"]["Table"]["required"]) <= set(table)


if __name__ == "__main__":
    main(globals())

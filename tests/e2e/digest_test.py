"""Digests of alerts on the command line: on request, as text, JSON and page.

Usage: digest_test.py CAIRN_BINARY [TEST...]. What is in a digest is tested where alerts can be made
at will (tests/unit/verbs/digest_test.cc); here: words, files, and stores behind an address.
"""

from harness import line, main

START = 1_600_000_000
DAY = ["--from", "2020-09-13", "--to", "2020-09-14"]


def fill(box):
    box.imports(box.write("in.jsonl", [line(n, [f"f{n % 3}"], time=START + n) for n in range(9)]))


def test_a_store_without_alerts(box):
    fill(box)
    done = box.ok("digest", box.store, *DAY)
    assert done.out == ("Digest, 2020-09-13 00:00 to 2020-09-14 00:00 UTC\n"
                        "no alerts about unresolved issues\n"), done
    told = box.ok("digest", box.store, *DAY, "--json").json()
    assert told["alerts"] == 0 and told["rules"] == [] and told["first"] is None, told
    assert told["trend_bucket_seconds"] == 3600
    done = box.ok("digest", box.store, "--last", "7d", "--now", "2020-09-14T12:00:00Z")
    assert done.out.startswith("Digest, 2020-09-07 12:00 to 2020-09-14 12:00 UTC\n"), done
    box.ok("digest", box.store, "--project", "P7", *DAY)


def test_the_page_is_a_file(box):
    fill(box)
    path = box.path("page.html")
    done = box.ok("digest", box.store, *DAY, "--html", path)
    assert done.out == "", done
    done.says("page.html: 0 alerts of 0 rules about 0 issues")
    first = path.read_text()
    assert first.startswith("<!DOCTYPE html>") and first.endswith("</html>\n")
    assert "No alerts about unresolved issues." in first
    box.ok("digest", box.store, "--from", "2020-09-13", "--to", "2020-09-15", "--html", path)
    second = path.read_text()
    assert second.count("<!DOCTYPE html>") == 1 and "2020-09-15 00:00" in second
    assert box.ok("digest", box.store, *DAY, "--html", "-").out == first
    # What is wrong leaves the file as it was, and nothing beside it.
    box.run("digest", box.store, *DAY, "--rule", "nope", "--html", path).expect(1)
    assert path.read_text() == second
    assert not list(box.dir.glob("*.part"))


def test_what_is_wrong_is_said(box):
    fill(box)
    box.run("digest", box.store, "--rule", "nope").expect(1).says("there is no alert rule nope")
    box.run("digest", box.store, "--project", "nope").expect(1).says("nope")
    box.run("digest", box.store, *DAY, "--html", "/dev/null").expect(1).says("is no file")
    box.run("digest", box.store, *DAY, "--html", box.path("no/page.html")).expect(1)
    box.run("digest", box.store, *DAY, "--html", "-", "--json").expect(1)
    box.run("digest", box.store, "--last", "0d").expect(2)
    box.run("digest", box.store, "--limit", "0").expect(2)
    box.run("digest", box.store, "--from", "2020-09-14", "--to", "2020-09-13").expect(2)


if __name__ == "__main__":
    main(globals())

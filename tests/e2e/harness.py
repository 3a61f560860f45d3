"""What the end-to-end tests share: running the built binary, making input, reporting.

A test is a function whose name starts with test_; it takes a Sandbox and raises AssertionError.
Skip ends a test that this machine cannot run, with the reason printed.
"""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback
import uuid


class Skip(Exception):
    """This machine cannot run the test."""


class Done:
    """A finished run of the binary."""

    def __init__(self, words, code, out, err):
        self.words, self.code, self.out, self.err = words, code, out, err

    def expect(self, code):
        assert self.code == code, f"exit code {self.code}, not {code}\n{self}"
        return self

    def says(self, *pieces):
        for piece in pieces:
            assert piece in self.err, f"stderr lacks {piece!r}\n{self}"
        return self

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return (f"$ cairn {' '.join(map(str, self.words))}\n[{self.code}]\n--- stdout\n"
                f"{self.out[:2000]}\n--- stderr\n{self.err[:2000]}")


class Sandbox:
    """A directory for one test and the binary under test."""

    def __init__(self, binary, directory):
        self.binary, self.dir = binary, pathlib.Path(directory)
        self.store = self.dir / "store"

    def path(self, name):
        return self.dir / name

    def write(self, name, content):
        path = self.dir / name
        if isinstance(content, (list, tuple)):
            content = "".join(line + "\n" for line in content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def run(self, *words, stdin=None, env=None, preexec=None):
        done = subprocess.run([self.binary, *map(str, words)], input=stdin, capture_output=True,
                              env={**os.environ, **(env or {})}, preexec_fn=preexec, check=False)
        assert done.returncode >= 0, f"cairn {words} was killed by signal {-done.returncode}"
        return Done(words, done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, *words, **more):
        return self.run(*words, **more).expect(0)

    def imports(self, *words, code=0, **more):
        """The summary of an import."""
        return self.run("import", self.store, *words, "--json", **more).expect(code).json()

    def search(self, *words):
        return self.ok("query", self.store, *words, "--json").json()

    def occurrences(self):
        return self.ok("stats", self.store, "--json").json()["occurrences"]

    def digests(self):
        stats = self.ok("stats", self.store, "--json").json()
        return stats["state_digest"], stats["full_digest"]


def occurrence(number, fingerprint=None, project=7, time=1_600_000_000, **more):
    """A valid occurrence in the wire form, as a value."""
    ident = str(uuid.UUID(int=number + (project << 64)))
    fingerprint = fingerprint or [f"f{number}"]
    event = {"event_id": ident.replace("-", ""), "project_id": project,
             "timestamp": time, "platform": "python", "tags": {"browser": "Firefox 130"}}
    value = {"id": ident, "project_id": project, "fingerprint": fingerprint,
             "issue_title": f"Problem {fingerprint[0]}", "subtitle": "somewhere",
             "resource_id": None, "evidence_data": {}, "evidence_display": [], "type": 1,
             "detection_time": time, "level": "error", "event": event}
    value.update(more)
    return value


def line(number, *args, **more):
    return json.dumps(occurrence(number, *args, **more))


def operation(kind, time, project=7, **more):
    return json.dumps({"t": time, "project_id": project, "issue": "KEY-1", "op": kind, **more})


def packed(lines):
    return gzip.compress("".join(text + "\n" for text in lines).encode())


def main(tests):
    """Runs every test_ function of a module's globals, or those named after the binary."""
    binary = os.path.abspath(sys.argv[1])
    wanted = sys.argv[2:]
    failed = 0
    for name, test in list(tests.items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        with tempfile.TemporaryDirectory(prefix="cairn-e2e-") as directory:
            try:
                test(Sandbox(binary, directory))
                print(f"ok      {name}")
            except Skip as reason:
                print(f"skipped {name}: {reason}")
            except Exception:  # a test must not hide the others
                failed += 1
                print(f"FAILED  {name}")
                traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
    if failed:
        raise SystemExit(f"{failed} failed")

"""A sandbox that runs everything twice, on a directory and on a server with a store of its own, and
compares what comes out byte by byte: exit code, stdout, stderr, files of refused lines.

The two stores see the same commands in the same order, so that they differ in their ids, in the
times of their records, and in cursors (which are sealed with a key of the store). Those, and how
long things took, are made equal before the comparison; nothing else is.
"""

import pathlib
import re
import time

from harness import Done, Sandbox
from server import Server

# Verbs that work on the files of a store. There is nothing to compare at an address.
ON_FILES = {"init", "verify", "rebuild", "backup", "restore"}
# Verbs without a store.
ELSEWHERE = {"parse", "generate", "bench", "demo", "help", "--help", "--version"}
# How a store lies on disk is its own affair: one is opened anew for each command.
PHYSICAL = {"stats", "compact", "explain"}

NORMAL = [
    (re.compile(r'"seconds":[0-9.e+-]+'), '"seconds":T'),
    (re.compile(r"\([0-9.]+ (?:s|ms|us|min)[^)]*\)"), "(T)"),
    (re.compile(r'"(next|prev)":"[^"]+"'), r'"\1":"CURSOR"'),
    (re.compile(r"--cursor \S+"), "--cursor CURSOR"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "RANDOM-ID"),
    (re.compile(r'"(state|full)_digest":"[0-9a-f]+"'), r'"\1_digest":"D"'),
]
CURSOR = re.compile(r'(?:"(?:next|prev)":"|--cursor )([^"\s]+)')
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?")


def is_now(text, slack=60 * 86_400):
    try:
        seconds = time.strptime(text[:19].replace(" ", "T").ljust(19, "0")[:19],
                                "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return False
    return abs(time.time() - (time.mktime(seconds) - time.timezone)) < slack


class TwinSandbox(Sandbox):
    """`kind` of the server's address: unix, tcp or tls."""

    def __init__(self, binary, directory, kind):
        super().__init__(binary, directory)
        self.kind, self.server, self.compared = kind, None, 0
        self.far = self.dir / "far"
        self.cursors = {}  # of the directory's answers -> of the server's

    def run(self, *words, **more):
        near = super().run(*words, **more)
        if not self.concerns_store(words):
            return near
        verb = str(words[0])
        if verb in ON_FILES or "--must-exist" in words:
            self.stop()
            super().run(*[self.moved(word, self.far) for word in words], **more)
            return near
        self.start()
        env = {**(more.pop("env", None) or {}), **self.server.env}
        far = super().run(*[self.moved(word, self.server.address) for word in words], env=env,
                          **more)
        self.cursors.update(zip(CURSOR.findall(near.out + near.err),
                                CURSOR.findall(far.out + far.err)))
        if verb not in PHYSICAL and words[:1] + words[2:3] != ("alert", "stats"):
            self.compare(near, far)
            self.compare_files(words)
        return near

    def concerns_store(self, words):
        return len(words) > 1 and str(words[0]) not in ELSEWHERE and self.store in words

    def moved(self, word, store):
        """A word as the other side is told it."""
        if word == self.store:
            return store
        if word in self.cursors and store != self.far:
            return self.cursors[word]
        if isinstance(word, pathlib.Path) and self.is_output(word):
            return word.with_name(word.name + ".far")
        return word

    @staticmethod
    def is_output(path):
        return any(word in path.name for word in ("reject", "backup", "page"))

    def start(self):
        if self.server is None:
            if not self.far.exists():
                super().run("init", self.far).expect(0)
            self.server = Server(self, self.far, self.kind)
        elif self.server.process.poll() is not None:
            self.server.start()

    def stop(self):
        if self.server is not None and self.server.process.poll() is None:
            self.server.stop()

    def normal(self, text):
        for names in ((str(self.store),), (str(self.far), self.server.address)):
            for name in names:
                text = text.replace(str(name), "STORE")
        text = text.replace(".far", "")
        for pattern, plain in NORMAL:
            text = pattern.sub(plain, text)
        return TIME.sub(lambda found: "NOW" if is_now(found[0]) else found[0], text)

    def compare(self, near, far):
        self.compared += 1
        plain = [Done(done.words, done.code, self.normal(done.out), self.normal(done.err))
                 for done in (near, far)]
        same = all(getattr(plain[0], part) == getattr(plain[1], part)
                   for part in ("code", "out", "err"))
        assert same, f"a directory and {self.server.address} differ\n{plain[0]}\n{plain[1]}"

    def compare_files(self, words):
        for word in words:
            if not (isinstance(word, pathlib.Path) and self.is_output(word) and word.exists()):
                continue
            near, far = word.read_bytes(), word.with_name(word.name + ".far").read_bytes()
            assert near == far, f"{word.name} differs:\n{near[:1000]}\n{far[:1000]}"

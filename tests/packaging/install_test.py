#!/usr/bin/env python3
"""Installs the build into a staging root and uses what is there, and nothing else of the tree:
the examples of examples/embed with plain make and pkg-config, against the shared and the static
library; the man page; the completions. Usage: install_test.py SOURCE_ROOT BUILD_ROOT
"""
import ctypes
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

SOURCE, BUILD = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
EXAMPLES = ("triage", "triage_c")


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **more)
    assert done.returncode == 0, f"{words}: exit code {done.returncode}\n{done.stdout}"
    return done.stdout


class Staged:
    """The tree as installed below a root that is not its prefix."""

    def __init__(self, root):
        self.root = root
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
            env={**os.environ, "DESTDIR": str(root)})
        self.library = self.find("libcairn.so").parent

    def find(self, name):
        found = [path for path in self.root.rglob(name)]
        assert len(found) == 1, f"{name} is installed {len(found)} times: {found}"
        return found[0]

    def environment(self):
        # No path of the source tree, and pkg-config sees the staged file.
        return {**os.environ, "PKG_CONFIG_PATH": str(self.library / "pkgconfig"),
                "PKG_CONFIG_SYSROOT_DIR": str(self.root)}

    def build_examples(self, scratch, link):
        shutil.copytree(SOURCE / "examples/embed", scratch)
        run("make", "-C", scratch, f"LINK={link}", env=self.environment())

    def run_example(self, scratch, name, library_path):
        env = {**os.environ, "LD_LIBRARY_PATH": str(library_path)}
        return run(scratch / name, scratch / (name + ".store"), env=env)


def check_output(text):
    for piece in ("SHOP-", "200 events", "now shows", "300 events", 'did you mean "unresolved"'):
        assert piece in text, f"no {piece!r} in\n{text}"


def test_examples_with_the_shared_library(staged, scratch):
    staged.build_examples(scratch, "shared")
    for name in EXAMPLES:
        check_output(staged.run_example(scratch, name, staged.library))
    needed = run("readelf", "-d", scratch / "triage")
    soname = re.search(r"\[(libcairn\.so\S*)\]", needed).group(1)
    assert re.fullmatch(r"libcairn\.so\.\d+\.\d+", soname), f"{soname} has no version"


def test_examples_with_the_static_library(staged, scratch):
    staged.build_examples(scratch, "static")
    for name in EXAMPLES:
        assert "libcairn" not in run("readelf", "-d", scratch / name)
        check_output(staged.run_example(scratch, name, ""))


class Issue(ctypes.Structure):
    """The beginning of cairn_issue: what is read of it here."""
    _fields_ = [("id", ctypes.c_uint64), ("short_id", ctypes.c_char_p),
                ("project", ctypes.c_uint64), ("title", ctypes.c_char_p),
                ("status", ctypes.c_char_p)]


class Cairn:
    """cairn.h as Python calls it, by its standard library alone."""

    def __init__(self, library):
        self.c = ctypes.CDLL(str(library))
        self.c.cairn_page_issue.restype = ctypes.POINTER(Issue)
        self.c.cairn_page_total.restype = ctypes.c_uint64
        self.c.cairn_error_message.restype = ctypes.c_char_p

    def call(self, name, *arguments):
        """What a function makes, its last argument but one; an error is raised."""
        made, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = getattr(self.c, name)(*arguments, ctypes.byref(made), ctypes.byref(error))
        if status:
            message = self.c.cairn_error_message(error).decode()
            self.c.cairn_error_free(error)
            raise ValueError(message)
        return made

    def titles(self, store, query):
        page = self.call("cairn_search", store, query, None, None)
        total = self.c.cairn_page_total(page)
        titles = [self.c.cairn_page_issue(page, ctypes.c_size_t(index)).contents.title.decode()
                  for index in range(total)]
        self.c.cairn_page_free(page)
        return titles


def test_python_calls_the_library(staged, scratch):
    cairn = Cairn(staged.library / "libcairn.so")
    store = cairn.call("cairn_open", str(scratch).encode(), None)
    lines = "".join(json.dumps({
        "id": f"{number:032x}", "project_id": 1, "fingerprint": [f"f{number % 2}"],
        "issue_title": f"Problem {number % 2}", "subtitle": None, "type": 1,
        "detection_time": 1_700_000_000 + number, "event_id": f"{number:032x}"}) + "\n"
        for number in range(1, 8)).encode()
    submitted = cairn.call("cairn_submit_json", store, lines, ctypes.c_size_t(len(lines)), None)
    cairn.c.cairn_submitted_free(submitted)
    assert sorted(cairn.titles(store, b"is:unresolved")) == ["Problem 0", "Problem 1"]
    children = (ctypes.c_char_p * 1)(b"1:fingerprint:f1")
    merged = cairn.call("cairn_merge", store, b"1:fingerprint:f0", children, ctypes.c_size_t(1),
                        None)
    cairn.c.cairn_executed_free(merged)
    assert cairn.titles(store, b"is:unresolved") == ["Problem 0"]
    cairn.call("cairn_unmerge", store, b"1:fingerprint:f0", None, ctypes.c_size_t(0), None)
    assert len(cairn.titles(store, b"is:unresolved")) == 2
    try:
        cairn.titles(store, b"is:unresolvd")
        raise AssertionError("a wrong query was taken")
    except ValueError as error:
        assert "did you mean" in str(error)
    assert cairn.c.cairn_close(store, None) == 0


def declared_in_c():
    text = (SOURCE / "include/cairn/cairn.h").read_text(encoding="utf-8")
    return set(re.findall(r"^CAIRN_C_API [^;(]*?(\w+)\(", text, re.M))


def check_symbols(listing):
    """Of C exactly what the header declares; of C++ the classes of store.h and free functions."""
    names = {line.split(" ", 2)[2].split("@")[0] for line in listing.splitlines() if line}
    in_c = {name for name in names if name.startswith("cairn_")}
    assert in_c == declared_in_c(), f"differ from cairn.h: {in_c ^ declared_in_c()}"
    allowed = re.compile(r"cairn::v1::(Store|Snapshot)::|cairn::v1::(version|error_code_name)\(")
    stray = {name for name in names - in_c if not allowed.match(name)}
    assert not stray, f"not part of the interface: {sorted(stray)[:10]}"
    assert any(name.startswith("cairn::v1::Store::open(") for name in names)


def test_the_shared_library_shows_its_interface_alone(staged, _scratch):
    listing = run("nm", "-DC", "--defined-only", staged.library / "libcairn.so")
    versions = [line for line in listing.splitlines() if " A " in line]
    check_symbols("\n".join(line for line in listing.splitlines() if line not in versions))


def test_the_static_library_shows_its_interface_alone(staged, _scratch):
    listing = run("nm", "-gC", "--defined-only", staged.find("libcairn.a"))
    check_symbols("\n".join(re.findall(r"^[0-9a-f]+ \S .*$", listing, re.M)))


def test_headers_need_nothing_but_themselves(staged, scratch):
    scratch.mkdir()
    headers = sorted(staged.find("store.h").parent.glob("*.h"))
    assert len(headers) >= 5
    for header in headers:
        kinds = [("c++", "c++17"), ("c++", "c++20")]
        if header.name == "cairn.h":
            kinds.append(("c", "c99"))
        for language, standard in kinds:
            run(os.environ.get("CXX", "c++").split()[-1], "-x", language, f"-std={standard}",
                "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I",
                header.parent.parent, "-include", f"cairn/{header.name}", "/dev/null")
        text = header.read_text(encoding="utf-8")
        for included in re.findall(r'#include [<"]([^">]+)', text):
            ours = (header.parent.parent / included).exists()
            assert ours or "/" not in included and not included.endswith(".hpp"), included


def test_the_man_page_has_every_verb(staged, _scratch):
    page = staged.find("cairn.1").read_text(encoding="utf-8")
    cairn = staged.find("bin") / "cairn"
    verbs = re.findall(r"^  ([a-z]\S*) ", run(cairn, "help"), re.M)
    assert set(re.findall(r"^\.SS (\S+)$", page, re.M)) == set(verbs)
    for verb in verbs:
        for option in re.findall(r"^  (--[a-z-]+)", run(cairn, "help", verb), re.M):
            assert option.replace("-", "\\-") in page, f"no {option} of {verb}"
    if shutil.which("groff"):
        said = run("groff", "-man", "-ww", "-z", staged.find("cairn.1"))
        assert said == "", said


COMPLETE = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cairn; printf '%s\n' "${COMPREPLY[@]}"
"""


def complete(staged, scratch, *words):
    file = next(path for path in staged.root.rglob("completions/cairn"))
    return run("bash", "-c", COMPLETE, "bash", file, *words, cwd=scratch).split()


def test_bash_completes(staged, scratch):
    scratch.mkdir()
    (scratch / "shop.cairn").mkdir()
    assert complete(staged, scratch, "cairn", "unm") == ["unmerge"]
    assert complete(staged, scratch, "cairn", "query", "sh") == ["shop.cairn"]
    assert "--sort" in complete(staged, scratch, "cairn", "query", "shop.cairn", "--s")
    assert complete(staged, scratch, "cairn", "help", "exper") == ["experiment"]
    for name, check in (("_cairn", "zsh"), ("cairn.fish", "fish")):
        file = staged.find(name)
        if shutil.which(check):
            run(check, "--no-execute", file)


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        staged = Staged(directory / "root")
        tests = [(name, value) for name, value in globals().items() if name.startswith("test_")]
        for name, test in tests:
            try:
                test(staged, directory / name)
                print(f"ok      {name}")
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"FAILED  {name}")
                traceback.print_exc()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

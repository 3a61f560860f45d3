#!/usr/bin/env python3
"""Installs the build into a staging root and uses what is there, and nothing else of the tree:
the examples of examples/embed with plain make and pkg-config, against the shared and the static
library; the man page; the completions. Usage: install_test.py SOURCE_ROOT BUILD_ROOT
"""
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

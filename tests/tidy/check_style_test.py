#!/usr/bin/env python3
"""The style check finds what it is for: a small tree with one violation of each rule, and a clean
one. Usage: check_style_test.py PATH_OF_CHECK_STYLE"""
import pathlib
import subprocess
import sys
import tempfile

CLEAN = {
    "src/base/a.h": "#pragma once\n\nint a();\n",
    "src/storage/b.cc": "#include <lmdb.h>\n",
    "src/model/c.cc": "// A clock in a comment: std::chrono::system_clock\nint x(T t) { return t.time(); }\n",
    "tests/unit/base/a_more_test.cc": "int a;\n",
}
LONG_BODY = "void f() {\n" + "  g();\n" * 71 + "}\n"
# File, its text, what the check must say about it.
VIOLATIONS = [
    ("src/base/up.cc", '#include "../model/x.h"\n', "'../'"),
    ("src/query/db.cc", "#include <lmdb.h>\n", "lmdb.h may be included only"),
    ("src/engine/r.cc", "#include <roaring/roaring.h>\n", "roaring/roaring.h may be"),
    ("src/query/binder.cc", "#include <boost/spirit/home/x3.hpp>\n", "boost/spirit"),
    ("src/client/c.cc", '#include "record.capnp.h"\n', "record.capnp.h may be"),
    ("src/query/j.cc", "#include <simdjson.h>\n", "simdjson.h may be"),
    ("src/model/now.cc", "auto t = std::chrono::system_clock::now();\n", "no clock"),
    ("src/model/old.cc", "auto t = time(nullptr);\n", "no clock"),
    ("src/model/rand.cc", "std::mt19937 random;\n", "no clock"),
    ("src/base/tab.cc", "\tint a;\n", "tab"),
    ("src/base/blank.cc", "int a; \n", "blank at the end"),
    ("src/base/end.cc", "int a;", "no newline"),
    ("src/base/later.cc", "// TO" + "DO: later\n", "unfinished"),
    ("src/base/wide.cc", "// " + "x" * 99 + "\n", "102 columns"),
    ("src/base/once.h", "int a;\n", "no #pragma once"),
    ("src/base/long.h", "#pragma once\n" + "//\n" * 400, "401 lines"),
    ("src/base/long.cc", "//\n" * 801, "801 lines"),
    ("src/base/body.cc", LONG_BODY, "body of 71 lines"),
    ("tests/unit/base/nothing_test.cc", "int a;\n", "tests nothing"),
    ("src/base/bytes.cc", b"// \xff\n", "not UTF-8"),
]


def run(check, files):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        # The rules under test do not depend on formatting, and clang-format may be missing.
        result = subprocess.run([sys.executable, check, folder], capture_output=True, text=True,
                                env={"PATH": "/nonexistent"}, check=False)
        return result.returncode, result.stdout


def main():
    check = sys.argv[1]
    failures = []
    status, output = run(check, CLEAN)
    if status != 0:
        failures.append(f"a clean tree is refused:\n{output}")
    for name, content, expected in VIOLATIONS:
        status, output = run(check, {**CLEAN, name: content})
        found = [line for line in output.splitlines() if line.startswith(name + ":")]
        if status != 1 or len(found) != 1 or expected not in found[0]:
            failures.append(f"{name}: expected one violation with '{expected}', got:\n{output}")
    for failure in failures:
        print(failure)
    print(f"{len(VIOLATIONS)} rules tried, {len(failures)} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

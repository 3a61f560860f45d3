#!/usr/bin/env python3
"""House rules that no compiler checks. Usage: check_style.py SOURCE_ROOT

Prints one line for each violation, FILE:LINE: RULE, and exits with 1 if there was any.
The constants below are the rules.
"""
import pathlib
import re
import shutil
import subprocess
import sys

MAX_COLUMNS = 100
MAX_LINES = {".h": 400, ".cc": 800}
MAX_FUNCTION_LINES = 70
CODE_FOLDERS = ("src", "include", "examples", "tests", "bench")
# One file is what other languages read to call cairn.
LONG_HEADERS = {"include/cairn/cairn.h": 500}

# Third-party headers and where under src/ they may be included (a folder, or the start of a path).
# Tests and benchmarks may include what they test. The rest of the library stays replaceable.
HOMES = {
    r"lmdb\.h": ["storage/"],
    r"roaring/": ["storage/"],
    r"boost/": ["query/grammar"],
    r"(capnp|kj)/|.*\.capnp\.h": ["model/record_codec", "model/record_message", "rpc/", "server/",
                                   "client/remote", "client/bench_rpc"],
    r"toml\+\+/": ["server/config", "server/token_file"],
    r"simdjson": ["model/", "verbs/dead_letter"],
    r"histedit\.h|editline/|readline/": ["client/line_editor"],
    r"CLI/": ["verbs/"],
    r"zstd\.h": ["log/", "storage/", "verbs/"],
    r"zlib\.h": ["verbs/"],
    r"xxhash\.h": ["base/", "storage/"],
}
# Folds must give the same result in any replay.
PURE_LAYERS = ("src/model/", "src/alert/")
IMPURE = re.compile(
    r"std::chrono::\w*_clock|\btime\s*\(\s*(?:nullptr|NULL|0|&)|random_device|std::mt19937"
    r"|\b(?:rand|srand|clock_gettime|gettimeofday|getenv)\s*\(")
# Split so that this file does not contain the words.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')


class Report:
    def __init__(self):
        self.lines = []

    def add(self, path, number, text):
        self.lines.append(f"{path}:{number}: {text}")


def without_comments(text):
    """Blanks comments and string literals, keeping line numbers and columns."""
    pattern = re.compile(r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
                         r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def check_text(path, text, report):
    """Rules for every text file."""
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line and path.suffix in (".h", ".cc", ".py", ".capnp", ".build"):
            report.add(path, number, "tab")
        if line != line.rstrip():
            report.add(path, number, "blank at the end of the line")
        if UNFINISHED.search(line):
            report.add(path, number, "unfinished work belongs in an issue, not in a comment")
    if text and not text.endswith("\n"):
        report.add(path, len(text.split("\n")), "no newline at the end of the file")


def check_includes(path, text, report):
    source = str(path)
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1)
        if ".." in pathlib.PurePosixPath(header).parts:
            report.add(path, number, f"'../' in the include of {header}")
        if not source.startswith("src/"):
            continue
        for pattern, homes in HOMES.items():
            if re.match(pattern, header) and not any(
                    source.startswith("src/" + home) for home in homes):
                allowed = " or ".join("src/" + home for home in homes)
                report.add(path, number, f"{header} may be included only in {allowed}")


def check_functions(path, code, report):
    """Bodies of functions. A body opens with a brace after a closing parenthesis (and words such
    as const); that also finds long lambdas and control structures, which are as hard to read."""
    depth_open = []
    number = 1
    head = ""
    for character in code:
        if character == "\n":
            number += 1
            head += " "
        elif character == "{":
            is_body = re.search(r"\)\s*(const|noexcept|override|final|mutable|->[^;{}]*|:[^;{}]*)*\s*$",
                                head) is not None
            depth_open.append((number, is_body))
            head = ""
        elif character == "}":
            if depth_open:
                start, is_body = depth_open.pop()
                if is_body and number - start - 1 > MAX_FUNCTION_LINES:
                    report.add(path, start,
                               f"body of {number - start - 1} lines, at most {MAX_FUNCTION_LINES}")
            head = ""
        elif character == ";":
            head = ""
        else:
            head += character


def check_code(path, text, report):
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            report.add(path, number, f"{len(line)} columns, at most {MAX_COLUMNS}")
    limit = LONG_HEADERS.get(str(path), MAX_LINES[path.suffix])
    if len(lines) - 1 > limit:
        report.add(path, limit, f"{len(lines) - 1} lines, at most {limit}: split the file")
    guarded = "#pragma once" in text or "#ifndef CAIRN_" in text  # the latter is C, too
    if path.suffix == ".h" and not guarded:
        report.add(path, 1, "no #pragma once")
    code = without_comments(text)
    check_includes(path, text, report)
    check_functions(path, code, report)
    if str(path).startswith(PURE_LAYERS):
        for number, line in enumerate(code.split("\n"), 1):
            match = IMPURE.search(line)
            if match:
                report.add(path, number, f"{match.group().strip()}: folds have no clock, "
                           "randomness or environment")


def check_mirror(root, report):
    """tests/unit/LAYER/x_test.cc tests src/LAYER/x.h or .cc, or a part of it: src/LAYER/x*.cc may
    be tested by x_y_test.cc and the other way round. golden_test.cc runs the cases of tests/golden."""
    for test in sorted((root / "tests/unit").rglob("*_test.cc")):
        layer = test.parent.relative_to(root / "tests/unit")
        name = test.name[:-len("_test.cc")]
        stems = {p.stem for p in (root / "src" / layer).glob("*") if p.suffix in (".h", ".cc")}
        if name == "golden":
            continue
        if not any(name == s or name.startswith(s + "_") or s.startswith(name + "_")
                   for s in stems):
            report.add(test.relative_to(root), 1, f"tests nothing in src/{layer}")


def check_format(root, files, report):
    tool = shutil.which("clang-format-14")
    if tool is None:
        print("clang-format-14 is not installed: formatting was not checked")
        return
    command = [tool, "--dry-run", "--Werror", "--ferror-limit=1", *map(str, files)]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    bad = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, re.M)))
    for path in bad:
        report.add(path, 1, "not formatted: run ./dev format")
    if result.returncode != 0 and not bad:
        report.add(".clang-format", 1, result.stderr.strip()[:500])


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    report = Report()
    text_files = [root / name for name in ("meson.build", "meson_options.txt", "README.md",
                                           "CHANGELOG.md", "dev", ".ci/run")]
    code_files = []
    for folder in CODE_FOLDERS + ("schema", "packaging", "tools", "docs"):
        for path in sorted((root / folder).rglob("*")):
            if "__pycache__" in path.parts or not path.is_file():
                continue
            if folder in CODE_FOLDERS and path.suffix in MAX_LINES:
                code_files.append(path)
            elif path.suffix in (".md", ".build", ".capnp", ".py"):
                text_files.append(path)
    for path in text_files + code_files:
        if not path.exists():
            continue
        relative = path.relative_to(root)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            report.add(relative, 1, f"not UTF-8: {error}")
            continue
        check_text(relative, text, report)
        if path in code_files:
            check_code(relative, text, report)
    check_mirror(root, report)
    check_format(root, [path.relative_to(root) for path in code_files], report)
    for line in report.lines:
        print(line)
    print(f"{len(code_files)} code files, {len(report.lines)} violations")
    return 1 if report.lines else 0


if __name__ == "__main__":
    sys.exit(main())

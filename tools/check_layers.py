#!/usr/bin/env python3
"""Proves that a forbidden include does not compile. Usage: check_layers.py SOURCE_ROOT BUILD_ROOT

For every layer L of src/meson.build and every other layer H, a one-line file that includes a header
of H is preprocessed with the very command that compiles L's own sources. It must succeed if L may
use H and fail for want of the header if not. What is allowed is derived from the table in
src/meson.build: L's own dependencies, and the public dependencies of those.
"""
import ast
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile


def read_layers(source_root):
    """The rows of the `layers` table: name -> (public, private)."""
    text = (source_root / "src/meson.build").read_text(encoding="utf-8")
    table = re.search(r"^layers = \[\n(.*?)^\]", text, re.M | re.S).group(1)
    rows = re.findall(r"^\s*\['(\w+)', (\[[^\]]*\]), (\[[^\]]*\])", table, re.M)
    return {name: (ast.literal_eval(public), ast.literal_eval(private))
            for name, public, private in rows}


def allowed_layers(layers, name):
    seen = {name}
    todo = list(layers[name][0]) + list(layers[name][1])
    while todo:
        other = todo.pop()
        if other not in seen:
            seen.add(other)
            todo += layers[other][0]
    return seen


def preprocess_commands(build_root, layers):
    """Per layer, the command of one of its sources up to the include directories."""
    commands = {}
    entries = json.loads((build_root / "compile_commands.json").read_text(encoding="utf-8"))
    for entry in entries:
        output = entry.get("output", "")
        for name in layers:
            if f"libcairn_{name}.a.p/" in output and name not in commands:
                words = shlex.split(entry["command"])
                keep = [w for w in words if re.match(r"-(I|isystem|std=|D)", w)]
                compiler = words[:next(i for i, w in enumerate(words) if w.startswith("-"))]
                commands[name] = (compiler + keep, entry["directory"])
    return commands


def try_include(command, directory, header, scratch):
    """'yes', 'no' when the header is not found, else the compiler's message."""
    probe = pathlib.Path(scratch) / "probe.cc"
    probe.write_text(f'#include "{header}"\n', encoding="utf-8")
    result = subprocess.run(command + ["-E", "-o", "/dev/null", str(probe)], cwd=directory,
                            capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return "yes"
    missing = re.search(r"fatal error: (?:'([^']+)' file not found|(\S+): No such file)",
                        result.stderr)
    if missing and header in (missing.group(1), missing.group(2)):
        return "no"
    return result.stderr.strip()


def main():
    source_root, build_root = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
    layers = read_layers(source_root)
    commands = preprocess_commands(build_root, layers)
    # A header with few includes of its own; which one does not matter to the lookup.
    headers = {name: min((source_root / "src" / name).glob("*.h"), key=lambda p: p.stat().st_size,
                         default=None) for name in layers}
    failures = checked = 0
    with tempfile.TemporaryDirectory() as scratch:
        for lower, (command, directory) in commands.items():
            allowed = allowed_layers(layers, lower)
            for other, header in headers.items():
                if header is None:
                    continue
                expected = "yes" if other in allowed else "no"
                found = try_include(command, directory, f"{other}/{header.name}", scratch)
                checked += 1
                if found != expected:
                    failures += 1
                    print(f"src/{lower} including {other}/{header.name}: expected {expected}, "
                          f"got {found}")
    print(f"{checked} includes tried in {len(commands)} layers, {failures} wrong")
    return 1 if failures or len(commands) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())

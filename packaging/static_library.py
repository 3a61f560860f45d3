#!/usr/bin/env python3
"""Makes a static library that hides its inside, as a shared one does.

Usage: static_library.py OUTPUT MAP lto|plain COMPILER... -- ARCHIVE...

All objects are linked into one, then every symbol that MAP (a version script) does not name becomes
local to it. So a program can have things of the same name without clashing or mixing, and nothing
but the interface can be used.
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def exported(version_script):
    """The patterns of its `global:` part."""
    text = re.sub(r"#[^\n]*", "", pathlib.Path(version_script).read_text(encoding="utf-8"))
    return re.findall(r"[^\s;]+", re.search(r"global:(.*?)local:", text, re.S).group(1))


def main():
    output, version_script, kind = sys.argv[1:4]
    split = sys.argv.index("--")
    compiler, archives = sys.argv[4:split], sys.argv[split + 1:]
    # Without --force-group-allocation a template that the program has, too, would be taken from
    # there, and what became local here would be missing. GNU ld alone knows it.
    link = [*compiler, "-r", "-nostdlib", "-fuse-ld=bfd", "-Wl,--force-group-allocation"]
    if kind == "lto":
        link += ["-flto=auto", "-flinker-output=nolto-rel", "-O3"]
    with tempfile.TemporaryDirectory() as scratch:
        whole = f"{scratch}/cairn.o"
        subprocess.run([*link, "-o", whole, "-Wl,--whole-archive", *archives,
                        "-Wl,--no-whole-archive"], check=True)
        # Unique symbols (statics of inline functions) become local only once they are weak.
        names = subprocess.run(["nm", "--defined-only", whole], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        unique = pathlib.Path(scratch) / "unique"
        unique.write_text("".join(f"{line.split()[2]}\n" for line in names.splitlines()
                                  if " u " in line), encoding="utf-8")
        subprocess.run(["objcopy", f"--weaken-symbols={unique}", whole], check=True)
        keep = [f"--keep-global-symbol={pattern}" for pattern in exported(version_script)]
        subprocess.run(["objcopy", "--wildcard", "--localize-hidden", *keep, whole], check=True)
        pathlib.Path(output).unlink(missing_ok=True)
        subprocess.run(["ar", "rcsD", output, whole], check=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Prints the closing line of a test run from Meson's testlog.json: N passed, N failed."""
import json
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP", "IGNORED"}


def main():
    passed = failed = skipped = 0
    try:
        with open(sys.argv[1], encoding="utf-8") as log:
            results = [json.loads(line)["result"] for line in log if line.strip()]
    except OSError as error:
        print(f"no test results: {error}", file=sys.stderr)
        results = []
    for result in results:
        if result in PASSED:
            passed += 1
        elif result in SKIPPED:
            skipped += 1
        else:
            failed += 1
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{tail}")
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())

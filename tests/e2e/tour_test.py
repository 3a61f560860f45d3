"""The README's tour, typed into a terminal as a new user would, and held against what it promises.

Usage: tour_test.py CAIRN_BINARY [TEST...]
"""

import os
import pathlib
import re
import time

from harness import main
from terminal import Terminal

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
# A prompt of the shell or the REPL, and what is typed there.
PROMPT_LINE = re.compile(r"(\$|\S+>) (.*)")
SHELL = r"(^|\n)\$ $"


def tour():
    """[(prompt, what is typed, the lines that are promised)] of the console block."""
    text = README.read_text(encoding="utf-8")
    block = re.search(r"^## Two minutes$.*?^```console\n(.*?)^```$", text, re.M | re.S).group(1)
    steps = []
    for line in block.splitlines():
        typed = PROMPT_LINE.fullmatch(line)
        if typed:
            steps.append((typed.group(1), typed.group(2), []))
        else:
            steps[-1][2].append(line)
    return steps


def pattern_of(line):
    """What a line that was printed once may look like another day: durations, ages and trends
    differ, a title is cut elsewhere."""
    line = line.removesuffix(" ...")
    line = re.sub(r"\([\d.,]+ \S+, [\d.,]+ lines/s\)", "TIMES", line)
    tokens = []
    for token in line.split():
        if tokens and tokens[-1] == r"\(LSN":
            tokens.append(r"\d+\)")  # the store may have a tick of its own in between
        elif token == "TIMES":
            tokens.append(r"\([^)]*\)")
        elif re.fullmatch(r"\d+(s|m|h|d|mo|y)", token):
            tokens.append(r"\d+(s|m|h|d|mo|y)")
        elif "…" in token or re.fullmatch(r"[▁-█ ]+", token):
            tokens.append(r"\S+")
        else:
            tokens.append(re.escape(token))
    if "…" in line:  # of words that may be cut away the rest says enough
        first, numbers = tokens[0], re.findall(r" (\d+) ", line)
        return first + r"\s.*" + r".*\s".join(numbers)
    return r"\s+".join(tokens)


def check(typed, promised, shown):
    lines = [line.strip() for line in shown.split("\n")]
    at = 0
    for line in promised:
        if line == "...":
            continue
        pattern = re.compile(pattern_of(line))
        while at < len(lines) and not pattern.match(lines[at]):
            at += 1
        assert at < len(lines), f"{typed}\npromises {line!r} in its place, and says\n{shown}"
        at += 1


def wait_for_server(box):
    """A person takes longer to type the next line."""
    log = box.dir / "serve.log"
    deadline = time.monotonic() + 30
    while not log.exists() or '"ready"' not in log.read_text():
        assert time.monotonic() < deadline, "the server does not come up; see serve.log"
        time.sleep(0.05)


def test_the_tour_of_the_readme(box):
    links = box.dir / "bin"
    links.mkdir()
    (links / "cairn").symlink_to(box.binary)
    env = {"PATH": f"{links}:{os.environ['PATH']}", "PS1": "$ ", "PS2": "", "CAIRN_HISTORY": ""}
    steps = tour()
    assert len(steps) >= 12
    shell = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]
    with Terminal(shell, box.dir, columns=100, rows=60, env=env) as terminal:
        terminal.expect(SHELL)
        terminal.say(f"cd {box.dir}", SHELL)
        for number, (prompt, typed, promised) in enumerate(steps):
            following = steps[number + 1][0] if number + 1 < len(steps) else prompt
            if " unix:" in typed and "serve" not in typed:
                wait_for_server(box)
            shown = terminal.say(typed, SHELL if following == "$" else re.escape(following) + " $")
            check(typed, promised, shown)
        if prompt != "$":
            terminal.type("\x04")
            terminal.expect(SHELL)
        terminal.type("exit\r")
        assert terminal.end() == 0


if __name__ == "__main__":
    main(globals())

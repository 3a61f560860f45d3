"""The REPL: scripts with their whole output, and sessions in a terminal that is typed into.

Usage: repl_test.py CAIRN_BINARY [TEST...]; with CAIRN_RENEW=1 the outputs in tests/golden/repl are
written anew, to be looked at before they are committed.
"""

import os
import pathlib
import re
import stat
import subprocess
import time

from harness import line, main
from terminal import Terminal

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "repl"
PROMPT = r"store> $"


def shop(box):
    """SHOP-1: 20 occurrences, SHOP-2: 10, SHOP-3: 5."""
    lines = []
    for n in range(35):
        fingerprint = "f1" if n < 20 else "f2" if n < 30 else "f3"
        tags = {"os": ["Linux", "macOS", "Windows"][n % 3], "browser": f"Chrome {n % 2 + 118}"}
        event = {"event_id": f"{n + 1:032x}", "project_id": 7, "tags": tags,
                 "user": {"id": f"u{n % 4}"}}
        lines.append(line(n, [fingerprint, "coarse"], time=1_600_000_000 + n, event=event,
                          event_id=f"{n + 1:032x}", level="fatal" if n >= 30 else "error"))
    box.ok("import", box.store, box.write("in.jsonl", lines), "--by-time")
    box.ok("projects", box.store, "set", "7", "--slug", "shop")


def talk(box, *more, **options):
    return Terminal([box.binary, "repl", box.store, *more], box.dir, **options)


def begin(box, **options):
    terminal = talk(box, **options)
    terminal.expect(PROMPT)
    return terminal


# --- scripts --------------------------------------------------------------------------------------

def masked(text):
    text = re.sub(r"LSN \d+", "LSN N", text)
    text = re.sub(r'"lsn":\d+', '"lsn":N', text)
    text = re.sub(r"time: \S+ \S+", "time: T", text)
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=  every)", "NOW", text)


def test_scripts_say_what_they_said(box):
    scripts = sorted(GOLDEN.glob("*.script"))
    assert len(scripts) >= 5
    for number, script in enumerate(scripts):
        box.store = box.dir / f"store{number}"
        shop(box)
        done = subprocess.run([box.binary, "repl", box.store], stdin=script.open("rb"),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        said = masked(done.stdout.decode()) + f"exit code {done.returncode}\n"
        expected = script.with_suffix(".out")
        if os.environ.get("CAIRN_RENEW"):
            expected.write_text(said)
        assert said == expected.read_text(), f"{script.name} says\n{said}"


class Server:
    """Serves a store at a unix socket while the block runs."""

    def __init__(self, box):
        self.address = f"unix:{box.dir}/server.sock"
        self.process = subprocess.Popen(
            [box.binary, "serve", box.store, "--listen", self.address], stderr=subprocess.PIPE)
        while b'"ready"' not in self.process.stderr.readline():
            assert self.process.poll() is None, "the server ended"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=60)


def test_scripts_say_the_same_at_an_address(box):
    for number, script in enumerate(sorted(GOLDEN.glob("*.script"))):
        box.store = box.dir / f"store{number}"
        shop(box)
        with Server(box) as server:
            done = subprocess.run([box.binary, "repl", server.address], stdin=script.open("rb"),
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        said = masked(done.stdout.decode()) + f"exit code {done.returncode}\n"
        assert said == script.with_suffix(".out").read_text(), f"{script.name} says\n{said}"


def test_completion_at_an_address(box):
    shop(box)
    with Server(box) as server, Terminal([box.binary, "repl", server.address], box.dir) as terminal:
        prompt = r"server\.sock> $"
        terminal.expect(prompt)
        terminal.type("bro\t")
        terminal.expect("browser:")
        terminal.type("\t")
        terminal.expect('"Chrome 11')
        terminal.type("9\t")
        terminal.expect('"Chrome 119" ')
        assert "count()\n     17\n" in terminal.say("| count()", prompt)
        terminal.type("merge SHOP-1 SHOP-2\r")
        terminal.expect("SHOP-1 now shows SHOP-2")
        terminal.expect(prompt)
        terminal.type("\x04")
        assert terminal.end() == 0


def test_commands_as_arguments_end_at_the_first_that_fails(box):
    shop(box)
    done = box.ok("repl", box.store, "-c", "level:error | count()", "-c", "merge SHOP-1 SHOP-2")
    assert "SHOP-1 now shows SHOP-2" in done.out
    done = box.run("repl", box.store, "-c", "is:nothing", "-c", "unmerge SHOP-1").expect(1)
    done.says("is:nothing", "   ^")
    assert box.search("issue:SHOP-1")["issues"][0]["merged"] == ["SHOP-2"]
    box.run("repl", box.store, "-c", "\\nonsense").expect(2)
    box.run("repl", box.dir / "none", "-c", "stats").expect(1).says("none")
    box.run("repl", box.store, "-c", "note SHOP-1 'open").expect(2).says("not closed")


def test_no_colour_and_no_prompt_without_a_terminal(box):
    shop(box)
    done = box.run("repl", box.store, stdin=b"is:unresolved\n").expect(0)
    assert "\x1b" not in done.out + done.err and "store>" not in done.out
    # The last line need not end, and nothing is no failure.
    assert "35" in box.run("repl", box.store, stdin=b"| count()").expect(0).out
    box.run("repl", box.store, stdin=b"").expect(0)


def test_it_sees_what_others_write_meanwhile(box):
    shop(box)
    with subprocess.Popen([box.binary, "repl", box.store], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as repl:
        def ask(text):
            repl.stdin.write(text + "\n")
            repl.stdin.flush()
            return repl.stdout.readline(), repl.stdout.readline()
        assert ask("| count()")[1].strip() == "35"
        box.ok("import", box.store, box.write("more.jsonl", [line(99, ["f1"])]))
        assert ask("| count()")[1].strip() == "36"
        repl.stdin.close()
        assert repl.wait() == 0


# --- in a terminal --------------------------------------------------------------------------------

def test_completion_of_verbs_fields_and_values(box):
    shop(box)
    with begin(box) as terminal:
        terminal.type("is:unres\t")
        terminal.expect("is:unresolved ")
        terminal.type("leve\t")
        terminal.expect("level:")
        terminal.type("fa\t")
        terminal.expect("fatal ")
        terminal.type("bro\t")
        terminal.expect("browser:")
        terminal.type("\t")  # common to both values
        terminal.expect('"Chrome 11')
        terminal.type("\t")
        listed = terminal.expect(r"browser:\"Chrome 11$")
        assert '"Chrome 118"' in listed and '"Chrome 119"' in listed
        terminal.type("\x15unm\t")
        terminal.expect("unmerge ")
        terminal.type("SHOP-\t\t")
        assert "SHOP-2" in terminal.expect("SHOP-3")
        terminal.type("\x15query x --so\t")
        terminal.expect("--sort ")
        terminal.type("fr\t")
        terminal.expect("freq ")
        terminal.type("\x15\x04")
        assert terminal.end() == 0


def test_history_is_there_again_next_time(box):
    shop(box)
    with begin(box) as terminal:
        terminal.say("level:error | count()", PROMPT)
        terminal.say("os:Linux |\r| limit 1", PROMPT)
        terminal.type("\x04")
        assert terminal.end() == 0
    file = box.dir / ".local/state/cairn/history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with begin(box) as terminal:
        terminal.type("\x1b[A")
        terminal.expect(r"os:Linux \| \| limit 1")
        terminal.type("\x1b[A\r")
        assert "30" in terminal.expect(PROMPT)
        terminal.type("\x04")
        assert terminal.end() == 0
    with begin(box, env={"CAIRN_HISTORY": ""}) as terminal:
        terminal.say("secret:query", PROMPT)
        terminal.type("\x04")
        assert terminal.end() == 0
    assert "secret" not in file.read_text()


def test_ctrl_c_ends_the_command_and_not_the_repl(box):
    shop(box)
    with begin(box) as terminal:
        terminal.say("| count()", PROMPT)
        terminal.type("\\watch 60\r")
        terminal.expect(r"every 60 s(.|\n)*35")
        began = time.monotonic()
        terminal.type("\x03")
        terminal.expect(PROMPT)
        assert time.monotonic() - began < 10
        # A verb that goes on until it is cancelled.
        terminal.type("sweep 'merge by title' --dry-run --every 60s\r")
        terminal.expect("0 issues|nothing|no ")
        terminal.type("\x03")
        terminal.expect(PROMPT)
        # A line, and a command over several.
        terminal.type("half a line\x03")
        terminal.expect(PROMPT)
        terminal.type("(level:error\r")
        terminal.expect(r"\.\.\. $")
        terminal.type("\x03")
        terminal.expect(PROMPT)
        assert "35" in terminal.say("| count()", PROMPT)
        terminal.type("\x04")
        assert terminal.end() == 0


def test_a_command_of_several_lines(box):
    shop(box)
    with begin(box) as terminal:
        terminal.type("level:error |\r")
        terminal.expect(r"\.\.\. $")
        terminal.type("count() by o\t\r")
        shown = terminal.expect(PROMPT)
        assert "count() by os" in shown and "Linux" in shown, shown
        terminal.type('browser:"Chrome\r')
        terminal.expect(r"\.\.\. $")
        terminal.type('118"\r')
        terminal.expect("1 issue|issues")
        terminal.expect(PROMPT)
        # What is never closed is ended by an empty line.
        terminal.type("(level:error\r")
        terminal.expect(r"\.\.\. $")
        terminal.type("\r")
        assert "cairn: " in terminal.expect(PROMPT)
        terminal.type("quit\r")
        assert terminal.end() == 0


def test_errors_point_at_the_column_in_colour(box):
    shop(box)
    with begin(box) as terminal:
        shown = terminal.say("level:error is:unresolvd", PROMPT)
        assert "\n  level:error is:unresolvd\n" + " " * 17 + "^" in shown, shown
        assert "\x1b[31m" in terminal.raw and "\x1b[36mlevel:\x1b[0merror" in terminal.raw
        terminal.type("\x04")
        assert terminal.end() == 0
    with begin(box, env={"NO_COLOR": "1"}) as terminal:
        terminal.say("is:unresolvd", PROMPT)
        assert "\x1b[31m" not in terminal.raw and "\x1b[1m" not in terminal.raw
        terminal.type("\x04")
        assert terminal.end() == 0


def test_tables_fit_a_narrow_terminal(box):
    shop(box)
    with begin(box, columns=50) as terminal:
        shown = terminal.say("is:unresolved", PROMPT)
        table = [row for row in shown.split("\n") if "SHOP-" in row or "ISSUE" in row]
        assert len(table) == 4 and all(len(row) <= 50 for row in table), table
        terminal.resize(140, 40)
        # The line is drawn anew where the editor waits for keys already, and not where it is about
        # to: what is typed comes behind that in either case.
        terminal.type("is:unresolved")
        terminal.expect(PROMPT.rstrip("$") + "is:unresolved$")
        shown = terminal.say("", PROMPT)
        table = [row for row in shown.split("\n") if "SHOP-1" in row]
        assert "unresolved" not in table[0] and len(table[0]) > 50, table
        terminal.type("\x04")
        assert terminal.end() == 0


def test_a_long_answer_goes_by_pages(box):
    shop(box)
    with begin(box, rows=12) as terminal:
        terminal.type("log\r")
        first = terminal.expect("-- more: .* --")
        assert first.count("occurrence") <= 11
        terminal.type(" ")
        terminal.expect("-- more: .* --")
        terminal.type("\r")
        line_more = terminal.expect("-- more: .* --")
        assert line_more.count("\n") == 1, line_more
        terminal.type("q")
        terminal.expect(PROMPT)
        assert "35" in terminal.say("| count()", PROMPT)
        terminal.type("\x04")
        assert terminal.end() == 0
    with begin(box, rows=12, env={"PAGER": "sed 's/^/paged: /'"}) as terminal:
        shown = terminal.say("log", PROMPT)
        assert shown.count("paged: ") >= 35
        assert "paged" not in terminal.say("| count()", PROMPT)
        terminal.type("\x04")
        assert terminal.end() == 0
    with begin(box, rows=12, env={"PAGER": "head -n 2"}) as terminal:
        terminal.say("export", PROMPT)  # a pager that goes away ends the answer
        assert "35" in terminal.say("| count()", PROMPT)
        terminal.type("\x04")
        assert terminal.end() == 0


def test_the_past_an_experiment_and_the_prompt(box):
    shop(box)
    box.ok("experiment", box.store, "new", "all")
    box.ok("experiment", box.store, "add", "all", "merge by fingerprint[2]")
    with begin(box) as terminal:
        terminal.type("\\in al\t\r")
        terminal.expect(r"store in all> $")
        shown = terminal.say("is:unresolved", r"store in all> $")
        assert "1 issue\n" in shown
        terminal.type("\\in off\r")
        terminal.expect(PROMPT)
        terminal.type("\\as-of 15\r")
        terminal.expect(r"store as of 15> $")
        assert "1 issue\n" in terminal.say("is:unresolved", r"as of 15> $")
        terminal.type("\\as-of now\r")
        terminal.expect(PROMPT)
        assert "3 issues\n" in terminal.say("is:unresolved", PROMPT)
        terminal.type("\\q\r")
        assert terminal.end() == 0


def test_ten_thousand_blanks_and_odd_bytes_are_no_trouble(box):
    shop(box)
    with begin(box) as terminal:
        terminal.type("level:error" + " " * 3000 + "| count()\r")
        assert "30" in terminal.expect(PROMPT)
        terminal.type("")
        os.write(terminal.fd, b"\xff\xfe\xc3\xa4rger\r")
        assert "no issues match" in terminal.expect(PROMPT)
        terminal.type("\x04")
        assert terminal.end() == 0


if __name__ == "__main__":
    main(globals())

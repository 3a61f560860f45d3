"""A terminal that a test types into, and what it shows: all lines, those that scrolled away too."""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import termios
import time

from harness import Skip

WAIT_SECONDS = 30
PIECES = re.compile(r"\x1b\[([0-9;?]*)[ -/]*([@-~])|\x1b[()][A-Z0-9]|\x1b[=>78]|[\r\n\b\x07]|"
                    r"[^\x1b\r\n\b\x07]+")


def shown(raw):
    """The lines that a terminal makes of what was written to it: cursor up, to a column, left and
    right, and erasing are done; a screen that is cleared stays above."""
    lines, row, column = [""], 0, 0
    for piece in PIECES.finditer(raw):
        text, (argument, kind) = piece.group(), piece.groups()
        count = int(argument) if argument and argument.isdigit() else 1
        if text == "\r":
            column = 0
        elif text == "\n":
            row, column = row + 1, 0
            if row == len(lines):
                lines.append("")
        elif text == "\b":
            column = max(0, column - 1)
        elif text == "\x07":
            pass
        elif kind == "G":
            column = count - 1
        elif kind == "A":
            row = max(0, row - count)
        elif kind == "C":
            column += count
        elif kind == "D":
            column = max(0, column - count)
        elif kind == "K":
            lines[row] = lines[row][:column]
        elif kind == "P":
            lines[row] = lines[row][:column] + lines[row][column + count:]
        elif kind == "@":
            lines[row] = lines[row][:column] + " " * count + lines[row][column:]
        elif kind == "J" and argument == "2":
            lines.append("")
            row, column = len(lines) - 1, 0
        elif not text.startswith("\x1b"):
            line = lines[row].ljust(column)
            lines[row] = line[:column] + text + line[column + len(text):]
            column += len(text)
    return lines


LIBEDIT_LEAKS = pathlib.Path(__file__).resolve().parent / "lsan.supp"


class Terminal:
    """Runs a program in a terminal of so many columns and rows."""

    def __init__(self, words, home, columns=100, rows=40, env=None):
        self.raw = ""
        self.row = 0  # where the line stands that was the last one when expect() found something
        self.asked = 0  # how much was written when something was typed last
        try:
            self.pid, self.fd = pty.fork()
        except OSError as error:
            raise Skip(f"no terminals here: {error}") from error
        if self.pid == 0:
            # Nothing of the tester's own settings.
            clean = {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "HOME": str(home),
                     "PATH": os.environ["PATH"], "USER": "ada",
                     # Read by the leak checker of sanitized builds.
                     "LSAN_OPTIONS": f"print_suppressions=0:suppressions={LIBEDIT_LEAKS}",
                     **(env or {})}
            for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
                if name in os.environ:
                    clean[name] = os.environ[name]
            time.sleep(0.05)  # the size is set meanwhile
            os.execve(str(words[0]), [str(word) for word in words], clean)
        self.resize(columns, rows)

    def resize(self, columns, rows):
        self.asked = len(self.raw)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self, seconds):
        """False: the program is gone."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            got = os.read(self.fd, 1 << 16)
        except OSError:
            return False
        self.raw += got.decode("utf-8", "replace")
        return bool(got)

    def text(self):
        return "\n".join(shown(self.raw))

    def expect(self, pattern):
        """Waits until the pattern is in the line that was the last one, or below it, once something
        was written since the last key; returns what stands there."""
        deadline = time.monotonic() + WAIT_SECONDS
        alive = True
        while True:
            lines = shown(self.raw)
            text = "\n".join(lines[self.row:])
            if len(self.raw) > self.asked and re.search(pattern, text):
                self.row = len(lines) - 1
                return text
            if not alive or time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} did not come; the terminal shows\n{text}\n"
                                     "and before\n" + "\n".join(lines[:self.row])[-1500:])
            alive = self._read(0.1)

    def type(self, keys):
        self.asked = len(self.raw)
        os.write(self.fd, keys.encode())

    def say(self, line, prompt):
        """A line and all that comes until the prompt is there again."""
        self.type(line + "\r")
        return self.expect(prompt)

    def end(self):
        """The exit code of the program, which must end by itself."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(f"the program goes on; the terminal shows\n{self.text()[-1500:]}")

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

"""A terminal for the end-to-end tests."""

import fcntl
import os
import pty
import re
import select
import struct
import termios

from harness import BOUND_S, without_fallback


class Terminal:
    """A pseudo-terminal, and what a program has written to it."""

    def __init__(self, columns, rows=24):
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows)
        self.text = b""

    def resize(self, columns, rows=24):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, accept):
        """Reads on until accept(text) is true; text is what came since the last call that ended
        so."""
        while not accept(self.text):
            ready, _, _ = select.select([self.master], [], [], BOUND_S)
            if not ready:
                raise AssertionError("the terminal shows no more than %r" % self.text[-500:])
            self.text = without_fallback(self.text + os.read(self.master, 65536))
        text, self.text = self.text, b""
        return text

    def close(self):
        os.close(self.master)
        os.close(self.slave)


class Screen:
    """What a terminal of that size shows of a program's bytes; no line may be as long as to be
    wrapped."""

    SEQUENCE = re.compile(r"\x1b\[(\d*)([A-Za-z])|[\r\n]|[^\x1b\r\n]+")

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines, self.history = [""], []
        self.row = self.column = 0

    def feed(self, text):
        at = 0
        while at < len(text):
            match = self.SEQUENCE.match(text, at)
            assert match, "no sequence that is known: %r" % text[at:at + 20]
            self.take(match)
            at = match.end()

    def take(self, match):
        number, kind = int(match.group(1) or 1), match.group(2)
        if kind == "A":
            assert number <= self.row, "above the first line"
            self.row -= number
        elif kind == "K":
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif kind == "J":
            assert (self.row, self.column) != (0, 0), "tmux keeps what is wiped so"
            self.lines[self.row] = self.lines[self.row][:self.column]
            del self.lines[self.row + 1:]
        elif match.group() == "\r":
            self.column = 0
        elif match.group() == "\n":
            self.go_down()
        elif kind != "m":
            self.put(match.group())

    def go_down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")
        if self.row == self.rows:
            self.history.append(self.lines.pop(0))
            self.row -= 1

    def put(self, text):
        line = self.lines[self.row].ljust(self.column)
        assert self.column + len(text) < self.columns, "wrapped: %r" % text
        self.lines[self.row] = line[:self.column] + text + line[self.column + len(text):]
        self.column += len(text)

"""A shell in a terminal, as a person has one: tmux, a server of its own. What is printed
is read out of a pipe, so that nothing has to be looked for again and again."""

import os
import re
import select
import shutil
import subprocess

from harness import BOUND_S, RINGSEND

COLUMNS, ROWS = 110, 40
# Of the shell, with the exit status of what was run last.
PROMPT = re.compile(rb"\[(\d+)\]> ")
ESCAPES = re.compile(rb"\x1b(\[[0-9;?]*[A-Za-z]|[()].|[=>]|\][^\x07]*\x07)")


def is_here():
    return shutil.which("tmux") is not None


class Shell:
    def __init__(self, directory):
        """A shell in that directory, where "ringsend" is the program to test."""
        self.socket, pipe = os.path.join(directory, "tmux"), os.path.join(directory, "printed")
        start = os.path.join(directory, "bashrc")
        self.text = b""
        os.mkfifo(pipe)
        with open(start, "w", encoding="utf-8") as file:
            file.write("PS1='[$?]> '\nPATH='%s':$PATH\n"
                       % os.path.dirname(os.path.abspath(RINGSEND)))
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS),
                  "-c", directory, "cat", env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.printed = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.tmux("pipe-pane", "-O", "exec cat >'%s'" % pipe)
        self.tmux("respawn-pane", "-k", "exec bash --noprofile --rcfile '%s'" % start)
        self.read_until(PROMPT.search)

    def tmux(self, *command, **more):
        run = subprocess.run(["tmux", "-S", self.socket, *command], capture_output=True, text=True,
                             timeout=BOUND_S, **more)
        if run.returncode:
            raise AssertionError("tmux %s: %s" % (" ".join(command), run.stderr))
        return run.stdout

    def read_until(self, accept):
        """What accept(what was printed since the last call that came to its end) returns."""
        while not accept(self.text):
            ready, _, _ = select.select([self.printed], [], [], BOUND_S)
            if not ready:
                raise AssertionError("the terminal shows no more than:\n" + self.screen())
            self.text += ESCAPES.sub(b"", os.read(self.printed, 1 << 16))
        found, self.text = accept(self.text), b""
        return found

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def run(self, line):
        """Types a command and waits for its end: its exit status and what it printed."""
        self.type(line)
        text, status = self.read_until(lambda text: (text, int(PROMPT.search(text).group(1)))
                                       if PROMPT.search(text) else None)
        return status, text.decode("utf-8", "replace").replace("\r", "")

    def screen(self):
        return self.tmux("capture-pane", "-p", "-J")

    def child(self):
        """The program that runs in it, as ps would tell."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        with open("/proc/%s/task/%s/children" % (shell, shell), encoding="ascii") as file:
            return int(file.read().split()[0])

    def close(self):
        self.tmux("kill-server")
        os.close(self.printed)

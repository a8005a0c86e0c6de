"""Man pages and completions: they hold the options of the table, no more and no less; every page
renders without a complaint, and what shells make of a tab is asked of the shells.

Environment: DOCS, where the build put them; MAP, the list of exported functions."""

import glob
import os
import pty
import re
import select
import shutil
import subprocess
import tty
import unittest

from harness import BOUND_S, ROOT, Case, main, options_table, rows_of

DOCS = os.environ.get("DOCS", os.path.join(ROOT, "build", "docs"))


def commands():
    return [command["name"] for command in options_table()]


def options_of(command):
    """As people write them."""
    return {name for row in rows_of(command)
            for name in ["--" + row["name"]] + (["-" + row["letter"]] if row["letter"] else [])}


def roff(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


def plain(text):
    """Without fonts and escapes."""
    for sign, escaped in {"-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti",
                          "\\": r"\e"}.items():
        text = text.replace(escaped, sign)
    return re.sub(r"\\f.|\\&", "", text)


def tags(text):
    """What stands in the margin, with something told of it."""
    return [plain(tag) for tag, told in re.findall(r"^\.TP\n(.+)\n(.+)", text, re.MULTILINE)
            if told[0] != "."]


def rendered(name):
    if not shutil.which("man"):
        raise unittest.SkipTest("man is not here")
    run = subprocess.run(["man", "-l", os.path.join(DOCS, name)], check=True, capture_output=True,
                         text=True, env={**os.environ, "MANWIDTH": "80", "MANPAGER": "cat",
                                         "LC_ALL": "C.UTF-8"})
    return re.sub(".\b", "", run.stdout)


def pages():
    return sorted(os.path.basename(path) for path in glob.glob(DOCS + "/*.[1-9]"))


class ManPages(Case):
    def test_each_command_has_its_page_and_no_other_is_there(self):
        self.assertEqual(set(pages()), {"ringsend.1", "ringsend.3", "ringsend-records.5"} |
                         {"ringsend-%s.1" % command for command in commands()})
        for command in commands():
            self.assertIn("ringsend-%s(1)" % command, plain(roff("ringsend.1")))

    def test_the_options_are_those_of_the_table(self):
        for command in commands():
            text = roff("ringsend-%s.1" % command)
            text = text[text.index(".SH OPTIONS"):text.index(".SH EX")]
            told = {name for tag in tags(text) if tag[0] == "-"
                    for name in re.findall(r"(?:^|, )(--?[\w-]+(?:\.\w+)*)", tag)}
            self.assertEqual(told, options_of(command), command)

    def test_what_help_says_is_there_to_the_last_sign(self):
        for command in commands():
            out = self.run_ringsend(command, "--help").out.decode()
            told = re.sub(r"\W*\n\W*|Usage: |[ ()]+", " ", plain(roff("ringsend-%s.1" % command)))
            for line in out.splitlines():
                for part in re.split(r"  +|Usage: ", line):
                    if len(part) > 25:
                        pass

    def test_every_exit_status_is_told(self):
        with open(os.path.join(ROOT, "src/cli/options/values.h"), encoding="utf-8") as file:
            statuses = set(re.findall(r"^    EXIT_\w+ = (\d)\b", file.read(), re.MULTILINE))
        self.assertEqual(len(statuses), 8)
        text = roff("ringsend.1")
        told = tags(text[text.index(".SH EXIT STATUS"):text.index(".SH SIGNALS")])
        self.assertEqual(set(told), statuses | {"129, 130, 143"})
        for command in commands():
            text = roff("ringsend-%s.1" % command)
            told = tags(text[text.index(".SH EXIT STATUS"):])
            help_text = self.run_ringsend(command, "--help").out.decode()
            self.assertEqual(told, re.findall(r"^  (\d+(?:, \d+)*)  ", help_text.split(
                "Exit status\n")[1], re.MULTILINE))
            self.assertLessEqual({"0", "1"}, set(told), command)

    def test_they_are_clean(self):
        # A page tells its version, not the day on which it was built: that would be another one
        # with each build.
        admitted = "missing date"
        for name in pages():
            path = os.path.join(DOCS, name)
            if shutil.which("groff"):
                run = subprocess.run(["groff", "-man", "-t", "-Tutf8", "-wall", "-z", path],
                                     capture_output=True, text=True)
                self.assertEqual((run.returncode, run.stderr), (0, ""), path)
            if shutil.which("mandoc"):
                run = subprocess.run(["mandoc", "-Tlint", "-Wstyle", path], capture_output=True,
                                     text=True)
                self.assertEqual([line for line in run.stdout.splitlines() if admitted not in line],
                                 [])

    def test_they_fit_a_terminal(self):
        for name in pages():
            wide = [line for line in rendered(name).splitlines() if len(line) > 80]
            self.assertEqual(wide, [], name)

    def test_streams_are_reported(self):
        text = rendered("ringsend.3")
        part = text[text.index("\nSTREAMED BODIES"):text.index("\nRESULTS")]
        for topic in ("Out", "In", "Once only", "Time"):
            self.assertIn("\n       %s. " % topic, part)

class LibraryPage(Case):
    HEADER = os.path.join(ROOT, "src", "ringsend.h")

    def declared(self):
        """(functions, structs and enums, their members) as a compiler sees the header."""
        text = subprocess.run(["cc", "-E", "-P", self.HEADER], check=True, capture_output=True,
                              text=True).stdout
        functions = set(re.findall(r"^__attribute__[^;]*?\b(ringsend_\w+)\(", text, re.MULTILINE))
        members = {}
        for kind, name, body in re.findall(r"^(struct|enum) (ringsend_\w+) \{(.*?)^\};", text,
                                           re.MULTILINE | re.DOTALL):
            body = re.sub(r"\((\*\w+)\)\([^)]*\)", r"\1", body)  # a pointer to a function
            members[kind + " " + name] = set(re.findall(
                r"([a-zA-Z]\w*)(?:\[\d+\])?(?= *(?:=[^,]*)?[;,\n])", body))
        return functions, members

    def test_it_tells_of_everything_in_the_header(self):
        functions, members = self.declared()
        with open(os.path.join(ROOT, "src", "ringsend.map"), encoding="utf-8") as file:
            self.assertEqual(functions, set(re.findall(r"^\s+(ringsend_\w+);", file.read(),
                                                       re.MULTILINE)))
        self.assertGreater(sum(map(len, members.values())), 200)
        parts = dict(re.findall(r"^\.SS (.*)\n((?:(?!\.SS |\.SH ).*\n)*)",
                                roff("ringsend.3") + "\n", re.MULTILINE))
        for name in functions:
            self.assertRegex(parts[name], r"^\.nf\n[^.]*\b%s\([^.]*\n\.fi\n\.PP\n[^.]" % name)
        for name, its in members.items():
            text = roff("ringsend.3") if name == "enum ringsend_error" else parts[name]
            told = {word for tag in tags(text)
                    for word in re.findall(r"\w+(?=\[|,|$| =)|(?<=\(\*)\w+", tag)}
            self.assertEqual(its - told, set(), name)
        with open(self.HEADER, encoding="utf-8") as file:
            macros = set(re.findall(r"#define (RINGSEND_[A-Z]+) ", file.read())) - {"RINGSEND_API"}
        self.assertEqual(macros - set(tags(roff("ringsend.3"))), set())

    def test_the_name_line_finds_each_function(self):
        line = re.search(r"\.SH NAME\n(.*?)\\-", roff("ringsend.3"), re.DOTALL).group(1)
        self.assertEqual(set(plain(line).replace(",", " ").split()),
                         {"ringsend"} | self.declared()[0])

    def test_its_example_compiles(self):
        part = roff("ringsend.3").split(".SH EXAMPLES\n")[1].split(".SH ")[0]
        source = self.file("example.c", plain(part.split(".nf\n")[1].split(".fi")[0]).encode())
        run = subprocess.run(["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                              "-fsyntax-only", "-I", os.path.dirname(self.HEADER), source],
                             capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""))


class Typed:
    """A shell at a terminal, into which keys are typed. Ctrl-G is bound to write the line as it
    stands into a FIFO, and to empty it."""

    BASH = r"""
        PS1=; HISTFILE=; INPUTRC=/dev/null; set +o emacs; set -o emacs
        bind 'set bell-style none'; bind 'set completion-query-items 0'
        bind 'set page-completions off'
        source %(docs)s/ringsend
        say() { printf '%%s\n' "$READLINE_LINE" >%(fifo)s; READLINE_LINE=; }
        bind -x '"\C-g": say'
        """
    ZSH = r"""
        PS1=; HISTFILE=; unsetopt beep; setopt no_list_ambiguous; LISTMAX=9999
        fpath=(%(docs)s $fpath); autoload -U compinit; compinit -u -D; bindkey -e
        say() { print -r -- "$BUFFER" >%(fifo)s; BUFFER= }
        zle -N say; bindkey '^G' say
        """

    def __init__(self, test, command, setup):
        self.fifo = test.path("line")
        os.mkfifo(self.fifo)
        self.line = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        self.terminal, inner = pty.openpty()
        tty.setraw(inner)
        environment = {"TERM": "dumb", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8",
                       "HOME": test.dir}
        self.process = subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner,
                                        cwd=test.dir, start_new_session=True, env=environment)
        os.close(inner)
        test.addCleanup(self.close)
        script = test.file("setup", (setup % {"docs": DOCS, "fifo": self.fifo}).encode())
        os.write(self.terminal, b". %s; say\n" % script.encode())
        self.answer()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.line)
        os.close(self.terminal)

    def answer(self):
        """The line that the shell writes; what it shows meanwhile is thrown away."""
        text = b""
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([self.line, self.terminal], [], [], BOUND_S)
            if not ready:
                raise AssertionError("the shell does not answer")
            if self.terminal in ready:
                os.read(self.terminal, 65536)
            if self.line in ready:
                text += os.read(self.line, 65536)
        return text.decode().rstrip("\n")

    def tab(self, line):
        """What becomes of the line by a tab, from where it was on."""
        os.write(self.terminal, line.encode() + b"\t\x07")
        return self.answer()


class Completions(Case):
    # What is typed, and what a tab makes of it.
    TYPED = [
        ("ringsend comp", "ringsend compare "),
        ("ringsend he", "ringsend help "),
        ("ringsend help prob", "ringsend help probe "),
        ("ringsend help send --outp", "ringsend help send --outp"),
        ("ringsend send --outp", "ringsend send --output "),
        ("ringsend send --format ve", "ringsend send --format vegeta "),
        ("ringsend send --format=ve", "ringsend send --format=vegeta "),
        ("ringsend check --encoding win", "ringsend check --encoding windows-1252 "),
        ("ringsend send --body in", "ringsend send --body inline "),
        ("ringsend serve --body in", "ringsend serve --body in"),
        ("ringsend send --timeout re", "ringsend send --timeout re"),
        ("ringsend send --url local", "ringsend send --url local"),
        ("ringsend send --url http://et", "ringsend send --url http://et"),
        ("ringsend send --url=http://et", "ringsend send --url=http://et"),
        ("ringsend send --resolve host:80:/et", "ringsend send --resolve host:80:/et"),
        ("ringsend bench local", "ringsend bench local"),
        ("ringsend bench http://et", "ringsend bench http://et"),
        ("ringsend doctor local", "ringsend doctor local"),
        ("ringsend doctor re", "ringsend doctor re"),
        ("ringsend serve re", "ringsend serve re"),
        ("ringsend send re", r"ringsend send records\ of\ May.jsonl "),
        ("ringsend send -o re", r"ringsend send -o records\ of\ May.jsonl "),
        ("ringsend send --failed re", r"ringsend send --failed records\ of\ May.jsonl "),
        (r"ringsend send records\ o", r"ringsend send records\ of\ May.jsonl "),
        ("ringsend send 'records o", "ringsend send 'records of May.jsonl' "),
        ("ringsend send --dry-run re", r"ringsend send --dry-run records\ of\ May.jsonl "),
        ("ringsend send a.csv re", r"ringsend send a.csv records\ of\ May.jsonl "),
        ("ringsend send --force --fail", "ringsend send --force --failed "),
    ]

    def text(self, name):
        with open(os.path.join(DOCS, name), encoding="utf-8") as file:
            return file.read()

    def assert_typed(self, shell, *more):
        self.file("records of May.jsonl", b"")
        for line, wanted in [*self.TYPED, *more]:
            # zsh puts a = behind an option that takes one, and takes it back for the next word.
            self.assertEqual(shell.tab(line).rstrip(" ="), wanted.rstrip(" "), line)

    def test_bash(self):
        shell = Typed(self, ["bash", "--norc", "--noprofile", "-i"], Typed.BASH)
        csv = r"ringsend send --format csv\;"
        self.assert_typed(shell, (csv, csv))

    def test_bash_offers_what_the_table_has(self):
        def offers(*words):
            script = 'source %s/ringsend; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); ' \
                     'compopt() { :; }; _ringsend; printf "%%s\n" "${COMPREPLY[@]}"' % DOCS
            return set(
                subprocess.run(["bash", "-c", script, "bash", "ringsend", *words], check=True,
                               capture_output=True, text=True, cwd=self.dir).stdout.split())
        self.assertEqual(offers(""), {*commands(), "help", "--help", "--version"})
        self.assertEqual(offers("help", ""), set(commands()))
        for command in commands():
            self.assertEqual(offers(command, "-"), options_of(command), command)
            for row in rows_of(command):
                if row["words"]:
                    quoted = {word.replace(";", r"\;") for word in row["words"].split("|")}
                    self.assertEqual(offers(command, "--" + row["name"], ""), quoted)
                    self.assertEqual(offers(command, "--" + row["name"], "=", ""), quoted)

    def test_zsh(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not here")
        shell = Typed(self, ["zsh", "-f", "-i"], Typed.ZSH)
        self.assert_typed(shell, ("ringsend send --format 'csv;", "ringsend send --format 'csv;' "))

    def test_zsh_has_the_options(self):
        text = self.text("_ringsend")
        for command in commands():
            part = re.search(r"^    %s\)\n(.*?);;" % command, text,
                             re.MULTILINE | re.DOTALL).group(1)
            self.assertEqual(set(re.findall(r"'\*(--?[\w.-]*\w)[=+-]*\[", part)),
                             options_of(command), command)

    def fish(self, line):
        """The candidates for the line's last word."""
        script = "source %s/ringsend.fish; complete -C \"$argv[1]\"" % DOCS
        run = subprocess.run(["fish", "--no-config", "-c", script, line], check=True,
                             capture_output=True, text=True, cwd=self.dir,
                             env={**os.environ, "HOME": self.dir})
        self.assertEqual(run.stderr, "")
        return {each.split("\t")[0] for each in run.stdout.splitlines()}

    def test_fish(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not here")
        self.file("records of May.jsonl", b"")
        file = {"records of May.jsonl"}
        self.assertEqual(self.fish("ringsend "), {*commands(), "help"})
        self.assertEqual(self.fish("ringsend help "), set(commands()))
        self.assertEqual(self.fish("ringsend help send "), set())
        self.assertEqual(self.fish("ringsend help send --f"), set())
        for command in commands():
            short = {name for name in options_of(command) if len(name) == 2}
            self.assertEqual(self.fish("ringsend %s --" % command), options_of(command) - short)
            self.assertEqual(self.fish("ringsend %s -" % command) & short, short)
            is_file = command not in ("serve", "doctor")
            self.assertEqual(self.fish("ringsend %s re" % command), file if is_file else set())
        for row in rows_of("send"):
            if row["words"]:
                words = set(row["words"].split("|"))
                self.assertEqual(self.fish("ringsend send --%s " % row["name"]), words)
        self.assertEqual(self.fish("ringsend send -o re"), file)
        for line in ("send --timeout re", "send --url local", "bench local", "doctor local"):
            self.assertEqual(self.fish("ringsend " + line), set(), line)


if __name__ == "__main__":
    main()

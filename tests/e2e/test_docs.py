"""Man pages and completions: they hold the options of the table, no more and no less, and every
page renders without a complaint.

Environment: DOCS, where the build put them; MAP, the list of exported functions."""

import glob
import os
import re
import shutil
import subprocess
import unittest

from harness import ROOT, Case, main, options_table, rows_of

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
                    for name in re.findall(r"(?:^|, )(--?[\w-]+)", tag)}
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
        self.assertEqual(set(re.findall(r"#define (RINGSEND_\w+) [^\\\n]*/\*", open(
            self.HEADER, encoding="utf-8").read())) - set(tags(roff("ringsend.3"))), set())

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


class Completions(Case):
    def text(self, name):
        with open(os.path.join(DOCS, name), encoding="utf-8") as file:
            return file.read()

    def test_bash_offers_commands_options_and_files(self):
        def offers(*words):
            script = 'source %s/ringsend; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ringsend; ' \
                     'printf "%%s\\n" "${COMPREPLY[@]}"' % DOCS
            return set(
                subprocess.run(["bash", "-c", script, "bash", "ringsend", *words], check=True,
                               capture_output=True, text=True, cwd=self.dir).stdout.split())
        self.file("records.jsonl", [])
        self.assertEqual(offers(""), {*commands(), "--help", "--version"})
        for command in commands():
            self.assertEqual(offers(command, "-"), options_of(command), command)
        self.assertEqual(offers("send", "rec"), {"records.jsonl"})
        self.assertEqual(offers("send", "-o", "rec"), {"records.jsonl"})
        self.assertEqual(offers("send", "--timeout", ""), set())
        self.assertEqual(offers("send", "--progress", ""), {"auto", "bar", "log", "none"})
        self.assertEqual(offers("check", "--format", "c"), {"copy", "csv", "csv;"})

    def test_zsh_has_the_options(self):
        text = self.text("_ringsend")
        for command in commands():
            part = re.search(r"^    %s\)\n(.*?);;" % command, text,
                             re.MULTILINE | re.DOTALL).group(1)
            self.assertEqual(set(re.findall(r"'\*(--?[\w-]+)\[", part)), options_of(command),
                             command)
        if shutil.which("zsh"):
            subprocess.run(["zsh", "-n", os.path.join(DOCS, "_ringsend")], check=True)

    def test_fish_has_the_options(self):
        text = self.text("ringsend.fish")
        for command in commands():
            lines = [
                line for line in text.splitlines() if "seen_subcommand_from %s'" % command in line
            ]
            told = {("--" if kind == "l" else "-") + name for line in lines
                    for kind, name in re.findall(r" -([ls]) ([\w-]+)", line.split(" -d ")[0])}
            self.assertEqual(told, options_of(command), command)
        if shutil.which("fish"):
            subprocess.run(["fish", "-n", os.path.join(DOCS, "ringsend.fish")], check=True)


if __name__ == "__main__":
    main()

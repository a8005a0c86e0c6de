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
OPTION = re.compile(r"(?<![\w-])(--[a-z][\w-]*|-[A-Za-z])(?![\w-])")


def commands():
    return [command["name"] for command in options_table()]


def options_of(command):
    """As people write them."""
    return {name for row in rows_of(command)
            for name in ["--" + row["name"]] + (["-" + row["letter"]] if row["letter"] else [])}


def page(name):
    path = os.path.join(DOCS, name)
    if not os.path.exists(path):
        raise unittest.SkipTest("no man pages were built: scdoc is not here")
    with open(path, encoding="utf-8") as file:
        return file.read()


def plain(roff):
    return re.sub(r"\\f.|\\&", "", roff.replace("\\-", "-"))


class ManPages(Case):
    def test_each_command_has_its_page_and_no_other_is_there(self):
        page("ringsend.1")
        pages = {os.path.basename(path) for path in glob.glob(DOCS + "/*.[1-9]")}
        self.assertEqual(pages, {"ringsend.1", "ringsend.3", "ringsend-records.5"} |
                         {"ringsend-%s.1" % command for command in commands()})
        for command in commands():
            self.assertIn("ringsend-%s(1)" % command, plain(page("ringsend.1")))

    def test_the_options_are_those_of_the_table(self):
        for command in commands():
            roff = page("ringsend-%s.1" % command)
            # A tagged option stands in bold at the start of its line.
            told = {name for line in roff.splitlines() if re.match(r"\\fB\\?-", line)
                    for name in OPTION.findall(plain(line.split("\\fR")[0] + " " + " ".join(
                        re.findall(r"\\fB(.*?)\\fR", line))))}
            self.assertEqual(told, options_of(command), command)

    def test_they_render(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not here")
        page("ringsend.1")
        for path in glob.glob(DOCS + "/*.[1-9]"):
            run = subprocess.run(["groff", "-man", "-t", "-Tutf8", "-wall", "-z", path],
                                 capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stderr), (0, ""), path)

    def test_streams_are_reported(self):
        text = plain(page("ringsend.3"))
        part = text[text.index("STREAMED BODIES"):text.index("FUNCTIONS")]
        for topic in ("Out", "In", "Once only", "Time"):
            self.assertIn("\n%s. " % topic, part)

    def test_every_function_is_reported(self):
        with open(os.path.join(ROOT, "src", "ringsend.map"), encoding="utf-8") as file:
            functions = set(re.findall(r"^\s+(ringsend_\w+);", file.read(), re.MULTILINE))
        told = set(re.findall(r"^(ringsend_\w+)$", plain(page("ringsend.3")), re.MULTILINE))
        self.assertEqual(told, functions)


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

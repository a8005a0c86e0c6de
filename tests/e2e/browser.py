"""A headless browser for the pages that the program writes."""

import html.parser
import shutil
import subprocess
import tempfile
import unittest

from harness import BOUND_S

# It asks nobody anything: no updates, no sync, no QUIC.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Tree(html.parser.HTMLParser):
    """What a page shows: its texts, its tables by label as rows of cells, the values of its
    <data>."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.values, self.roles, self.texts = {}, [], [], []
        self.label, self.skip = None, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("script", "style"):
            self.skip = tag
        if attributes.get("role") == "region":
            self.label = attributes["aria-label"]
            self.tables[self.label] = []
        elif tag == "tr":
            self.tables[self.label].append([])
        elif tag in ("td", "th"):
            self.tables[self.label][-1].append([])
        elif tag == "data":
            place = self.tables[self.label][-1][-1] if self.in_cell() else self.values
            place.append(float(attributes["value"]))
        if "role" in attributes:
            self.roles.append((tag, attributes["role"], attributes.get("tabindex")))

    def in_cell(self):
        return self.label is not None

    def handle_endtag(self, tag):
        if tag == self.skip:
            self.skip = None
        if tag == "table":
            self.label = None

    def handle_data(self, text):
        if self.skip:
            return
        self.texts.append(text)
        if self.label is not None and self.tables[self.label] and self.tables[self.label][-1]:
            self.tables[self.label][-1][-1].append(text)

    def figures(self, label):
        """Of a table's rows: {first cell: values of the others' <data>}."""
        return {row[0][0]: [cell[0] for cell in row[1:] if cell and isinstance(cell[0], float)]
                for row in self.tables[label] if row[0]}


def render(path):
    """The page after its scripts ran, as a Tree, and what they said on the console."""
    program = shutil.which("chromium")
    if not program:
        raise unittest.SkipTest("chromium is not installed: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="ringsend-browser-") as profile:
        run = subprocess.run(
            [
                program,
                *FLAGS,
                "--user-data-dir=" + profile,
                "--enable-logging=stderr",
                # What comes after the load event is waited for.
                "--virtual-time-budget=5000",
                "--dump-dom",
                "file://" + path
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * BOUND_S,
            check=False)
    if run.returncode != 0:
        raise AssertionError("chromium ended with %d:\n%s" % (run.returncode, run.stderr))
    return Tree(run.stdout), [line for line in run.stderr.splitlines() if "CONSOLE" in line]

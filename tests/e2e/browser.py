"""A headless browser for the pages that the program writes."""

import base64
import hashlib
import html.parser
import json
import re
import shutil
import subprocess
import tempfile
import unittest
import zlib

from harness import BOUND_S

# It asks nobody anything: no updates, no sync, no QUIC.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Tree(html.parser.HTMLParser):
    """What a page shows: its texts, its marks, its tables by label as rows of cells, the values of
    its <data>."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.values, self.roles, self.texts = {}, [], [], []
        self.marks, self.in_mark = [], False
        self.label, self.skip = None, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("script", "style"):
            self.skip = tag
        if "mark" in attributes.get("class", "").split():
            self.marks.append("")
            self.in_mark = True
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
        self.in_mark &= tag != "span"

    def handle_data(self, text):
        if self.skip:
            return
        self.texts.append(text)
        if self.in_mark:
            self.marks[-1] += text
        if self.label is not None and self.tables[self.label] and self.tables[self.label][-1]:
            self.tables[self.label][-1][-1].append(text)

    def figures(self, label):
        """Of a table's rows: {first cell: values of the others' <data>}."""
        return {row[0][0]: [cell[0] for cell in row[1:] if cell and isinstance(cell[0], float)]
                for row in self.tables[label] if row[0]}


def browse(path, *args):
    """What the browser says of a page to these arguments."""
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
                *args,
                "file://" + path
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=4 * BOUND_S,
            check=False)
    if run.returncode != 0:
        raise AssertionError("chromium ended with %d:\n%s" % (run.returncode, run.stderr))
    return run


def render(path, *args):
    """The page after its scripts ran, as a Tree, and what they said on the console."""
    run = browse(path, "--dump-dom", *args)
    if "[object " in run.stdout:
        raise AssertionError("an object where a text should be:\n" + run.stdout)
    return Tree(run.stdout), [line for line in run.stderr.splitlines() if "CONSOLE" in line]


def with_script(text, script):
    """The page with one more script at its end, which its policy allows."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    text = text.replace("script-src ", "script-src 'sha256-%s' " % digest, 1)
    return text.replace("</body>", "<script>%s</script></body>" % script)


def said(path, width, to):
    """What the page's script logs behind "SAID", as JSON, on a screen of that width; None when the
    browser let go of the page before. A picture of it goes to a file."""
    run = browse(path, "--screenshot=" + to, "--window-size=%d,800" % width)
    lines = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    texts = [re.search(r'"SAID(.*)", source: ', line) for line in lines]
    if not all(texts):
        raise AssertionError("\n".join(lines))
    return json.loads(texts[0][1]) if texts else None


def printed(path, to):
    """The page on paper, for somebody who prefers dark screens: the colours of what is filled and
    of what is drawn, as "#rrggbb"."""
    browse(path, "--print-to-pdf=" + to, "--blink-settings=preferredColorScheme=0")
    with open(to, "rb") as file:
        document = file.read()
    colours = {"rg": set(), "RG": set()}
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL):
        try:
            text = zlib.decompress(stream).decode("latin-1")
        except zlib.error:
            continue
        for red, green, blue, kind in re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) (rg|RG)\b", text):
            colours[kind].add("#%02x%02x%02x" %
                              tuple(round(255 * float(part)) for part in (red, green, blue)))
    return colours["rg"], colours["RG"]

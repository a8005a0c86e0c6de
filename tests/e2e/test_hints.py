"""Whoever follows a hint to the letter gets what it says: every command that a run prints is given
to a shell as it stands, and what the server then gets is looked at."""

import gzip
import os
import re
import shlex
import subprocess
import unittest

from harness import (INPUT, NOT_ALL_OK, OK, RINGSEND, STOPPED, Case, answering, json_lines, main,
                     response)

HINT = re.compile(r"^ringsend: (?:not finished: .*To go on|to send the failed ones again):\n"
                  r"((?:  ringsend send [^\n]*'[^']*\n[^']*'[^\n]*|  ringsend send [^\n]*)\n)",
                  re.MULTILINE)


def hints_of(text):
    """What was printed by a program that a shell ran."""
    return [match.group(1).strip() for match in HINT.finditer(text.decode())]


def hints(run):
    return hints_of(run.err.encode())


class Hinted(Case):
    """Requests that hold "bad" fail until the platform is mended."""

    def setUp(self):
        super().setUp()
        self.mended = False
        self.platform = self.server(answering(self.answer))

    def answer(self, request):
        bad = b"bad" in request.body or "bad" in request.target
        return response(b'{"code":%d}' % (bad and not self.mended),
                        status="500 No" if bad and not self.mended else "200 OK")

    def got(self):
        """What came, but for the connection's own headers; and forgets it."""
        requests = [(r.method, r.target, r.body.replace(b"\n", b" "), sorted(r.headers))
                    for r in self.platform.requests]  # JSON over many lines becomes one of them
        self.platform.requests.clear()
        return sorted(requests)

    def follow(self, hint, **more):
        script = 'ringsend() { %s "$@"; }\n%s' % (shlex.quote(RINGSEND), hint)
        return subprocess.run(["sh", "-c", script], capture_output=True, cwd=self.dir, check=False,
                              timeout=60, **more)


class Again(Hinted):
    ROWS = b'id,note\n1,good\n2,"bad ""and"", with a comma"\n3,good\n4,bad\n'
    JSON = [{"id": "a", "data": {"x": "good"}}, {"id": "b", "data": {"x": "bad"}},
            {"id": "c", "method": "PUT", "data": "bad 2"}]
    DATA = ["-X", "PUT", "--data", '{"it\'s": "{{note}}"}', "-H", "Content-Type: application/json",
            "-H", "X-Row: {{id}}", "-H", "Authorization: Bearer {{env.HINT_TOKEN}}",
            "--id", "n{{id}}"]

    def runs(self):
        """(input's name, its bytes, failed file's name, options); input None: standard input."""
        lines = b"".join(b"%s\n" % line for line in (b"one", b"bad one", b"it's bad", b"four"))
        rows = self.ROWS
        yield "in.csv", rows, "bad", self.DATA
        yield "in.csv", rows, "bad.jsonl", self.DATA + ["--csv", "--rate", "1000/s"]
        yield "it's in $HOME.csv", rows, "bad 'rows' \"$HOME\" `id`.csv", self.DATA + ["-k"]
        yield None, rows, "bad.csv", self.DATA + ["--format", "csv"]
        yield "in.csv", rows, "bad.csv", self.DATA + ["--idempotency-key", "--shard", "0/1"]
        yield "in.jsonl", self.JSON, "bad", ["--idempotency-key=X-Key", "-c", "1"]
        yield "in.tsv", rows.replace(b",", b"\t"), "bad.csv", self.DATA
        yield "in", rows.replace(b",", b";"), "-bad", self.DATA + ["--format", "csv;"]
        yield "in.txt", lines, "bad", ["-k"]
        yield "in.txt", lines, "bad.txt", ["--data", "x {{line}}", "--id", "{{line}}"]
        yield "in.jsonl", self.JSON, "bad.csv", []
        yield "in.jsonl", self.JSON, "bad.json", ["--compressed", "-H", "User-Agent: it's me"]
        yield None, self.JSON, "bad", ["--tries=1"]
        pretty = (b'[\n {"id": "a",\n  "data": "bad"},\n'
                  b' {"id": "b", "data": {"x":\n  "bad"}}, {"id": 3}]')
        yield "in.json", pretty, "bad", []
        yield "in.json", pretty, "bad.tsv", ["-c", "1", "--ordered", "--idempotency-key"]
        yield "in.jsonl", self.JSON, "bad", ["--ok-if", ".code == 0", "--bodies", "the bodies/"]
        yield "in.csv", rows, "bad.csv", self.DATA + ["--skip", "1", "--limit", "3", "--shard",
                                                      "1/2", "--serialize", ".note"]

    def put(self, name, content):
        for entry in os.listdir(self.dir):
            path = self.path(entry)
            if os.path.isdir(path):
                subprocess.run(["rm", "-r", path], check=True)
            else:
                os.unlink(path)
        return self.file(name or "stdin", content)

    def test_what_failed_is_sent_again_as_it_was(self):
        environment = dict(os.environ, HINT_TOKEN="hush-1")
        for name, content, failed, options in self.runs():
            with self.subTest(name=name, failed=failed, options=options):
                path = self.put(name, content)
                self.mended = False
                with open(path, "rb") as stdin:
                    run = self.run_ringsend(
                        "send", "-o", "the results", "--failed", failed, "--tries", "1", "--url",
                        self.platform.url + "a?x=y&z", *options, name or "-", cwd=self.dir,
                        stdin=stdin, env=environment)
                self.assertEqual(run.status, NOT_ALL_OK, run.err)
                self.assertNotIn("hush-1", run.err)
                self.assertNotIn("SECRET_", run.err)
                before = [request for request in self.got() if b"bad" in request[2]]
                hint, = hints(run)
                # Still not mended: then the next hint leads on, and nothing is written over.
                once = self.follow(hint, env=environment)
                self.assertEqual((once.returncode, self.got()), (NOT_ALL_OK, before), once.stderr)
                self.mended = True
                again = self.follow(hints_of(once.stderr)[0], env=environment)
                self.assertEqual((again.returncode, self.got()), (OK, before), again.stderr)
                ids = self.ids("the results", lambda ok: not ok)
                self.assertEqual(self.ids("again-again-the results", bool), ids)
                self.assertEqual(self.read("again-again-" + failed), b"")

    def ids(self, name, wanted):
        """Of the results that are wanted by whether they are ok."""
        data = self.read(name)
        if data.startswith(b"id,"):
            rows = [line.split(b",") for line in data.splitlines()]
            ok = rows[0].index(b"ok")
            return sorted(row[0].decode() for row in rows[1:] if wanted(row[ok] == b"true"))
        return sorted(str(r["id"]) for r in json_lines(data)
                      if wanted(r["ok"]) and not isinstance(r["id"], int))

    def test_a_secret_is_told_to_be_missing_and_not_shown(self):
        self.file("in.csv", self.ROWS)
        run = self.run_ringsend("send", "--failed", "bad.csv", "--tries=1", "-H", "X-Any: hush-1",
                                "--url", self.platform.url + "?token=hush-2&k={{id}}", "--data",
                                "{{note}}", "in.csv", cwd=self.dir)
        self.assertNotIn("hush", run.err)
        self.assertIn("  What is secret is not shown: set SECRET_X_ANY, SECRET_1 first\n", run.err)
        before = [request for request in self.got() if b"bad" in request[2]]
        self.mended = True
        self.assertNotIn(self.follow(hints(run)[0]).returncode, (OK, NOT_ALL_OK))
        self.assertEqual(self.got(), [])
        again = self.follow(hints(run)[0], env={**os.environ, "SECRET_X_ANY": "hush-1",
                                                "SECRET_1": "hush-2"})
        self.assertEqual((again.returncode, self.got()), (OK, before), again.stderr)

    def test_a_secret_of_the_environment_needs_no_filling_in(self):
        self.file("in.csv", self.ROWS)
        environment = dict(os.environ, HINT_TOKEN="hush-1")
        run = self.run_ringsend("send", "--failed", "bad.csv", "--tries=1", "--url",
                                self.platform.url + "?token={{env.HINT_TOKEN}}&k={{id}}", "--data",
                                '{"password":"{{env.HINT_TOKEN}}","x":"{{note}}"}', "in.csv",
                                cwd=self.dir, env=environment)
        self.assertNotIn("hush", run.err)
        self.assertNotIn("SECRET_", hints(run)[0])
        before = [request for request in self.got() if b"bad" in request[2]]
        self.mended = True
        again = self.follow(hints(run)[0], env=environment)
        self.assertEqual((again.returncode, self.got()), (OK, before), again.stderr)

    def test_keys_that_will_be_others_are_told_of(self):
        self.file("in.csv", self.ROWS)
        for options, words in ((["--id", "{{id}}"], ""), ([], "with other idempotency keys for 2 "
                                                             "of them: without an id")):
            run = self.run_ringsend("send", "--failed", "bad.csv", "--force", "--tries=1", "--url",
                                    self.platform.url, "--data", "{{note}}", "--idempotency-key",
                                    *options, "in.csv", cwd=self.dir)
            self.assertEqual("idempotency keys" in run.err, bool(words), run.err)
            self.assertIn(words, run.err)

    def test_what_is_no_file_gets_no_hint(self):
        self.file("in.csv", self.ROWS)
        run = self.run_ringsend("send", "--failed", "/dev/null", "--tries=1", "--url",
                                self.platform.url, "--data", "{{note}}", "in.csv", cwd=self.dir)
        self.assertEqual((run.status, hints(run)), (NOT_ALL_OK, []), run.err)


    def test_what_the_shell_has_opened_keeps_its_name(self):
        self.file("in.csv", self.ROWS)
        script = ("ringsend send -o /dev/fd/3 --failed bad.csv --tries 1 --url %s "
                  "--data '{{note}}' in.csv 3>out" % self.platform.url)
        run = self.follow(script)
        self.assertEqual(run.returncode, NOT_ALL_OK, run.stderr)
        before = [request for request in self.got() if b"bad" in request[2]]
        self.mended = True
        again = self.follow(hints_of(run.stderr)[0] + " 3>again")
        self.assertEqual((again.returncode, self.got()), (OK, before), again.stderr)
        self.assertEqual(len(json_lines(self.read("again"))), 2)


class Others(Hinted):
    def test_to_see_one(self):
        self.file("in.csv", Again.ROWS)
        for name in ("out", "-it's", "a b"):
            run = self.run_ringsend("send", "-o", name, "--tries=1", "--url", self.platform.url,
                                    "--data", "{{note}}", "in.csv", cwd=self.dir)
            line = self.follow(re.search(r"^  see one +(.*)$", run.err, re.MULTILINE).group(1))
            result, = json_lines(line.stdout)
            self.assertFalse(result["ok"])
            self.assertIn(result, json_lines(self.read(name)))

    def test_what_was_not_begun_is_not_gone_on_with(self):
        """An input that cannot be read at all leaves nothing behind, and no hint."""
        for name, content in (("in.csv", b"a,a\n1,2\n"), ("in.csv.gz", b"\x1f\x8bno gzip")):
            self.file(name, content)
            for options in (["-o", "out", "--failed", "bad", "--bodies", "files"], []):
                run = self.run_ringsend("send", "--url", self.platform.url, *options, name,
                                        cwd=self.dir)
                self.assertEqual(run.status, INPUT, run.err)
                self.assertIn("cannot read %s: " % name, run.err)
                self.assertNotIn("To go on", run.err)
                for made in ("out", "out.journal", "bad", "files"):
                    self.assertFalse(os.path.exists(self.path(made)), made)
        self.file("in.csv", b"a,b\n1,2\n")
        run = self.run_ringsend("send", "--url", self.platform.url, "-o", "new", "in.csv",
                                cwd=self.dir)
        self.assertEqual(run.status, OK, run.err)

    def test_the_rest_of_an_input(self):
        """With the records before it that were not sent, it is all that is missing."""
        lines = b"".join(b'{"data":"%s"}\n' % (b"stop" if n == 5 else b"%d" % n)
                         for n in range(4000))
        self.file("it's in", lines)
        run = self.run_ringsend("send", "-c1", "--tries=1", "--abort-on", "500", "--url",
                                self.platform.url + "bad", "it's in", cwd=self.dir)
        self.assertEqual(run.status, STOPPED, run.err)
        rest = self.follow(re.search(r"^  the rest: (.*)$", run.err, re.MULTILINE).group(1))
        told = len(json_lines(run.out))
        self.assertEqual(told + rest.stdout.count(b"\n"), 4000)


    def test_the_rest_of_what_no_line_begins(self):
        """Rows behind their header, what is packed, an array: by the number of the record."""
        count = 6000
        rows = b"n,note\n" + b"".join(b'%d,"%s\nx"\n' % (n, b"bad" if n == 5 else b"a")
                                      for n in range(count))
        array = b"[%s]" % b",\n".join(b'{"id":%d,\n"data":"%s"}' % (n, b"bad" if n == 5 else b"a")
                                      for n in range(count))
        lines = b"".join(b'{"id":%d,"data":"%s"}\n' % (n, b"bad" if n == 5 else b"a")
                         for n in range(count))
        row_options = ["--data", "{{note}}", "--id", "{{n}}"]
        for name, content, options in (("it's.csv", rows, row_options),
                                       ("-x.csv.gz", gzip.compress(rows), row_options),
                                       ("in.json", array, []),
                                       ("in.jsonl.gz", gzip.compress(lines), [])):
            for more in ([], ["--skip", "2", "--limit", "5900"], ["--shard", "1/2"]):
                with self.subTest(name=name, more=more):
                    self.mended = False
                    with open(self.path(name), "wb") as file:
                        file.write(content)
                    run = self.run_ringsend("send", "-c1", "--tries=1", "--abort-on", "500",
                                            "--url", self.platform.url, *options, *more, "--",
                                            name, cwd=self.dir)
                    self.assertEqual(run.status, STOPPED, run.err)
                    hint = re.search(r"^  the rest: (.*)$", run.err, re.MULTILINE).group(1)
                    self.assertIn(" --skip ", hint)
                    self.mended = True
                    rest = self.follow(hint)
                    results = json_lines(run.out) + json_lines(rest.stdout)
                    wanted = range(count)[2:5902] if "--skip" in more else range(count)
                    if "--shard" in more:
                        wanted = wanted[1::2]
                    self.assertEqual(sorted(int(r["id"]) for r in results), list(wanted),
                                     (hint, rest.stderr))


if __name__ == "__main__":
    main()

"""The table of options (src/cli/options/table.h), read through `ringsend --options-json`: each row
is whole, and what is made of the rows does what they say, for every option of every command. A new
option needs no word here, unless it is a text: then SAMPLES must know a value of it."""

import glob
import os
import re
import shlex
import subprocess

from harness import (
    Case,
    NOT_ALL_OK,
    OK,
    RINGSEND,
    ROOT,
    STOPPED,
    USAGE,
    answering,
    json_lines,
    main,
    options_table,
    response,
    rows_of,
)

TABLE = {command["name"]: rows_of(command["name"]) for command in options_table()}
EVERY = [(command, row) for command, rows in TABLE.items() for row in rows]

# A value that each option of kind "text" takes, and of kind "file" where not any name will do.
SAMPLES = {
    "write-out": "%{http_code}",
    "serialize": ".id",
    "max-failures": "5",
    "abort-on": "503",
    "steps": "5,6/m",
    "vs": "http://127.0.0.1:1/",
    "url": "http://127.0.0.1:1/",
    "method": "PUT",
    "header": "x: y",
    "user-agent": "x/1",
    "cookie": "n=v",
    "user": "me:secret",
    "bearer": "env:PATH_OF_TOKEN",
    "token-command": "echo token",
    "aws-sigv4": "aws:amz:r:s",
    "oauth2": "http://127.0.0.1:1/token",
    "client-id": "me",
    "client-secret": "env:PATH_OF_SECRET",
    "scope": "read",
    "resolve": "*:1:127.0.0.1",
    "connect-to": "a:1:b:2",
    "interface": "127.0.0.1",
    "proxy": "socks5h://me:secret@127.0.0.1:1",
    "proxy-user": "me:secret",
    "proxy-header": "x: y",
    "noproxy": "*",
    "gate": "127.0.0.1:1",
    "retry-on": "503",
    "no-retry-on": "503",
    "retry-budget": "30%+5/s",
    "ok-status": "200",
    "ok-if": "status == 200",
    "retry-if": "status == 503",
    "shard": "0/2",
    "idempotency-key": "X-Key",
    "data": "text",
    "id": "text",
    "fail-if": "p99>20ms",
    "listen": "127.0.0.1:0",
    "latency": "1ms",
    "status": "503:1%",
    "pause": "1s,1s",
    "id-header": "x-id",
    "stats-path": "/s",
    "types": "n:number",
    "id-from": ".order.id",
    "delimiter": ":",
    "echo": "all",
    "cost": ".n",
    "cost-actual": ".usage",
}
BY_KIND = {"rate": "5/s", "share": "1%", "file": "a file"}
UNITS = {"count": "", "bytes": "", "time": "ns"}


def sample(command, row):
    if row["kind"] == "text":
        return "text" if (command, row["name"]) == ("serve", "body") else SAMPLES[row["name"]]
    if row["kind"] == "word":
        return row["words"].split("|")[-1]
    if row["kind"] in UNITS:
        return "%d%s" % (max(row["min"], 1), UNITS[row["kind"]])
    return BY_KIND[row["kind"]]


def texts_of(pattern):
    """All files of the repository that match, but this one."""
    texts = []
    for path in glob.glob(os.path.join(ROOT, pattern), recursive=True):
        if not os.path.samefile(path, __file__):
            with open(path, encoding="utf-8") as file:
                texts.append(file.read())
    return texts


class Rows(Case):
    def test_each_has_its_sentence_within_80_columns(self):
        for command, row in EVERY:
            self.assertTrue(row["text"] and all(row["text"]), (command, row))
            for line in row["text"]:
                self.assertNotRegex(line, r"\{(min|max|default)\}")

    def test_names_and_letters_are_given_once(self):
        for command, rows in TABLE.items():
            names = [row["name"] for row in rows]
            letters = [row["letter"] for row in rows if row["letter"]]
            self.assertEqual(len(set(names)), len(names), command)
            self.assertEqual(len(set(letters)), len(letters), command)

    def test_a_letter_means_one_option_in_all_commands_and_each_has_one_or_none(self):
        named = {(row["letter"], row["id"]) for _, row in EVERY if row["letter"]}
        self.assertGreater(len(named), 10)
        self.assertEqual(len({letter for letter, _ in named}), len(named), sorted(named))
        self.assertEqual(len({(row["letter"], row["id"]) for _, row in EVERY}),
                         len({row["id"] for _, row in EVERY}))

    def test_curls_letters_are_curls_options(self):
        """Where curl has an option of the same meaning, its letter is that one's."""
        for _, row in EVERY:
            if len(row["curl"] or "") == 2:
                self.assertEqual("-" + row["letter"], row["curl"], row)

    def test_one_name_means_one_option(self):
        self.assertEqual(
            len({(row["id"], row["name"]) for _, row in EVERY}),
            len({row["id"] for _, row in EVERY}),
        )

    def test_each_is_read_somewhere(self):
        code = "".join(texts_of("src/cli/**/*.c"))
        for _, row in EVERY:
            self.assertRegex(code, r"\bOPTION_%s\b" % row["id"])

    def test_each_is_set_by_a_test_of_its_command(self):
        texts = texts_of("tests/**/*.py")
        for command, row in EVERY:
            if row["section"] == "GENERAL":  # test_cli has them by this table
                continue
            names = ["--" + row["name"]] + (["-" + row["letter"]] if row["letter"] else [])
            spelt = re.compile("|".join(r"[\"' ]%s(?![\w-])" % name for name in names))
            of_command = re.compile(r"[\"' ]%s[\"' ]|self\.%s\(" % (command, command))
            self.assertTrue(
                any(spelt.search(text) and of_command.search(text) for text in texts),
                (command, names),
            )

    def test_what_is_taken_lies_within_bounds_that_are_some(self):
        for command, row in EVERY:
            if row["kind"] in UNITS or row["kind"] == "rate":
                self.assertLess(row["min"], row["max"], (command, row["name"]))


class Defaults(Case):
    """The header tells the defaults that stand in src/base/defaults.h."""

    def test_the_header_agrees(self):
        (header,) = texts_of("src/ringsend.h")
        lines = header[header.index("struct ringsend_options {") :].splitlines()
        (numbers,) = texts_of("src/base/defaults.h")
        (units,) = texts_of("src/base/time.h")
        ns = dict(re.findall(r"#define (NS_PER_\w+) (.+)", units))
        found = re.findall(r"#define DEFAULT_(\w+) (.+)", numbers)
        self.assertGreater(len(found), 10)
        for name, number in found:
            field = {"CONNECTIONS": "connections_max"}.get(name, name.lower())
            # Constants of ours: (64ull << 20), (10 * NS_PER_S)
            number = re.sub(r"NS_PER_\w+", lambda unit: ns[unit.group()], number)
            value = eval(re.sub(r"\b(\d+)u?l*\b", r"\1", number))
            told = [str(value)]
            if field.endswith("_ns"):
                told = ["%g s" % (value / 1e9), "%g ms" % (value / 1e6)]
            elif field.endswith("_bytes"):
                told = ["%d MiB" % (value >> 20), "%d KiB" % (value >> 10)]
            at = next(
                i
                for i, line in enumerate(lines)
                if re.match(r" +u?int\d+_t .*\b%s\b.*;" % field, line)
            )
            near = "\n".join(lines[max(at - 3, 0) : at + 3])
            self.assertTrue(
                any(re.search(r"(?<!\d)%s\b" % each, near) for each in told), (field, told)
            )


class Values(Case):
    """No command comes to its work: each is given too few arguments for it, or one too many."""

    def usage(self, command, *args):
        bare = {"serve": ["x"], "doctor": ["--nope"]}.get(command, [])
        run = subprocess.run(
            [RINGSEND, command, *args, *bare],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
            cwd=self.dir,
        )
        err = run.stderr.decode(errors="replace")
        self.assertEqual((run.returncode, run.stdout), (USAGE, b""), (command, args, err))
        self.assertTrue(
            err.startswith("ringsend %s: " % command) and err.endswith("--help'.\n"), (args, err)
        )
        return err.partition(": ")[2]

    def valued(self):
        return [(command, row) for command, row in EVERY if row["argument"]]

    def given(self, row, value):
        name = "--" + row["name"]
        return [name + b"=" + value if isinstance(value, bytes) else "%s=%s" % (name, value)]

    def test_good_ones_are_taken_once_twice_and_shortened(self):
        for command, row in self.valued():
            value = sample(command, row)
            for args in (
                self.given(row, value),
                2 * self.given(row, value),
                ["--" + row["name"]] + ([] if row["optional"] else [value]),
                ["-%s%s" % (row["letter"], value)] if row["letter"] else [],
                ["-" + row["letter"], value] if row["letter"] else [],
            ):
                self.assertNotIn("--%s must" % row["name"], self.usage(command, *args))
                self.assertNotIn(
                    "no option", self.usage(command, *args) if command != "doctor" else ""
                )

    def test_flags_take_none(self):
        for command, row in EVERY:
            if row["argument"] is None:
                for value in ("", "=", "=1", "=false"):
                    told = self.usage(command, "--%s=%s" % (row["name"], value))
                    self.assertTrue(told.startswith("--%s takes no value\n" % row["name"]), told)

    def test_a_missing_one_is_reported(self):
        for command, row in self.valued():
            if row["optional"]:
                continue
            for name in ["--" + row["name"]] + (["-" + row["letter"]] if row["letter"] else []):
                run = self.run_ringsend(command, name)
                self.assertEqual(run.status, USAGE)
                self.assertIn("%s needs a value\n" % name, run.err)

    def test_bad_ones_are_refused_by_the_name_of_the_option(self):
        bad = (
            "",
            "-1",
            "9" * 40,
            "1x",
            "nan",
            "0x10",
            " 1",
            "1 ",
            "1e9999",
            b"\xff\xfe",
            "1" * 100000,
        )
        kinds = {"count", "bytes", "time", "rate", "share", "word"}
        for command, row in self.valued():
            for value in bad:
                if row["kind"] in kinds:
                    value = value.encode() if isinstance(value, str) else value
                    told = self.usage(command, b"--%s=%s" % (row["name"].encode(), value))
                    self.assertTrue(
                        told.startswith("--%s must be " % row["name"]),
                        (command, value[:20], told[:200]),
                    )
            if row["kind"] == "file":
                self.assertIn(
                    "--%s must be the name of a file" % row["name"],
                    self.usage(command, *self.given(row, "")),
                )

    def test_bounds_are_exact(self):
        for command, row in self.valued():
            if row["kind"] not in UNITS:
                continue
            unit = UNITS[row["kind"]]
            for number, is_good in (
                (row["min"] - 1, False),
                (row["min"], True),
                (row["max"], True),
                (row["max"] + 1, False),
            ):
                if number >= 0:
                    told = self.usage(command, "--%s=%d%s" % (row["name"], number, unit))
                    self.assertEqual(
                        told.startswith("--%s must be " % row["name"]), not is_good, (command, told)
                    )

    def test_texts_of_any_kind_end_in_words(self):
        for command, row in self.valued():
            if row["kind"] in ("text", "file"):
                for value in (
                    "",
                    "-1",
                    "=",
                    "@",
                    "@/nonexistent",
                    "9" * 40,
                    b"\xff\xfe\x80",
                    "{{",
                    "{{x}}",
                    "\n",
                    "%",
                    "'",
                    "x" * 100000,
                ):
                    value = value.encode() if isinstance(value, str) else value
                    if (command, row["name"], value) != ("send", "write-out", b"@"):
                        self.usage(command, b"--%s=%s" % (row["name"].encode(), value))

    def test_rates_are_read_alike(self):
        server = self.serve()
        records = self.file("in", [{"url": server.url}])
        for rate in ("500", "500/s", "500/m", "5000/h", "5/15s", "0.5/s", "1.5/h", "10/2h", "9/ms"):
            self.assertEqual(self.run_ringsend("send", "-q", "-r", rate, records).status, OK)
            self.usage("bench", "-r", rate)
            self.usage("bench", "--rate", rate)
            self.usage("compare", "--step", rate)
            self.usage("serve", "--rate-limit", rate)


class Stopped(Case):
    """A run that stopped in its middle, at a record that is not ok, gone on with by another
    command line."""

    def setUp(self):
        super().setUp()
        self.answers = []
        self.server_ = self.server(answering(self.answer))
        self.rows = self.file("in.csv", b"n\n" + b"".join(b"%d\n" % n for n in range(60)))
        self.out = self.path("out")

    def answer(self, request):
        stops = not self.answers and re.search(r"[/x]2\b", request.target)
        return response(b"{}", status="500 No" if stops else "200 OK")

    def stop(self, *options):
        self.answers.clear()
        for name in ("out", "out.journal", "out.parked"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        run = self.run_ringsend(
            "send",
            "-o",
            self.out,
            "-c",
            "1",
            "--tries",
            "1",
            "--abort-on",
            "500",
            "--url",
            self.server_.url + "{{n}}",
            *options,
            self.rows
        )
        self.assertEqual(run.status, STOPPED, run.err)
        self.answers.append("all are good from now on")
        return run

    def go_on(self, *options):
        return self.run_ringsend(
            "send",
            "--resume",
            "-o",
            self.out,
            "-c",
            "1",
            "--tries",
            "1",
            "--url",
            self.server_.url + "{{n}}",
            *options,
            self.rows
        )


class Resumed(Stopped):
    # What an option needs beside it; None: it is about the journal itself, sends nothing, or is
    # tried below, or in test_rows.
    WITH = {
        "cost": ["--cost-rate=1000/s"],
        "cost-rate": None,  # these stand behind it
        "cost-burst": None,
        "cost-actual": None,
        # A result is judged when its body is saved: not all are to be done by then.
        "bodies": ["--rate=200/s"],
        "burst": ["--rate", "1000"],
        "ramp": ["--rate", "1000"],
        "sync": [],
        "force": None,
        "no-journal": None,
        "dry-run": None,
        "help": None,
        "http2-prior-knowledge": None,  # the server here speaks 1.1
        "config": None,
        "version": None,
        "resume": None,
        "output": None,
        "key": None,
        "cert": None,
        "netrc": None,
        "oauth2": None,
        "aws-sigv4": ["--user=me:secret"],
        "client-id": None,
        "client-secret": None,
        "scope": None,
        "token-file": ["--token-command=echo token"],
        "cacert": None,
        "failed": None,
        "failed-with-reason": None,
        "data-file": [],
        "types": None,
        "as-body": None,
        "id-from": None,
    }

    def options(self):
        """(row, its words, what it needs beside it) of all that send takes."""
        values = {
            "url": self.server_.url + "x{{n}}",
            "resolve": "*:80:127.0.0.1",
            "data-file": self.file("body", b"b"),
            "netrc-file": self.file("netrc", b"default login me password secret\n"),
            "bearer": "@" + self.file("token", b"token"),
            "token-file": self.path("shared"),
            "rate": "5000",
            "deadline": "60s",
            "timeout": "20s",
            "connect-timeout": "20s",
            "memory": "1G",
            "max-body": "1M",
            "per-host": "1",
            "first-byte-timeout": "20s",
            "handshake-timeout": "20s",
            "format": "tsv",
            "serialize": ".n",
            "limit": "5",
            "bodies": self.path("bodies"),
            "write-out": "x",
            "summary": self.path("summary.json"),
            "metrics": self.path("metrics.prom"),  # a file of its own: no other's is written over
            "retry-max-delay": "40s",
        }
        for row in TABLE["send"]:
            beside = self.WITH.get(row["name"], [])
            if beside is None:
                continue
            name = "--" + row["name"]
            value = values.get(row["name"]) or (sample("send", row) if row["argument"] else None)
            yield row, [name] if value is None else ["%s=%s" % (name, value)], beside

    def test_what_shapes_requests_must_be_the_same_and_nothing_else(self):
        for row, words, beside in self.options():
            with self.subTest(option=row["name"]):
                self.stop()
                before = len(self.server_.requests)
                run = self.go_on(*words, *beside)
                if row["shapes"]:
                    self.assertEqual(run.status, USAGE, run.err)
                    self.assertIn("--%s is not as in the run to go on with" % row["name"], run.err)
                    self.assertEqual(len(self.server_.requests), before)
                    self.stop(*words, *beside)
                    self.assertIn(
                        "--%s is not as in the run to go on with" % row["name"], self.go_on().err
                    )
                    run = self.go_on(*words, *beside)
                self.assertNotEqual(run.status, USAGE, run.err)
                self.assertFalse(os.path.exists(self.out + ".journal"), run.err)

    def test_types_shape_requests(self):
        whole, types = ["--data", "{{*|json}}"], ["--types", "n:number"]
        for first, second in (([], types), (types, []), (types, ["--types", "n:null"])):
            self.stop(*whole, *first)
            run = self.go_on(*whole, *second)
            self.assertEqual(run.status, USAGE, run.err)
            self.assertIn("--types is not as in the run to go on with", run.err)
            self.assertEqual(self.go_on(*whole, *first).status, NOT_ALL_OK)

    def test_how_it_is_written_is_nothing(self):
        self.stop("--header", "X-A: b", "--skip", "0", "--shard", "0/1")
        self.assertEqual(self.go_on("-HX-A: b", "--shar=00/01").status, NOT_ALL_OK)

    def test_headers_count_by_name_and_those_of_credentials_by_it_alone(self):
        for other, status in (("Authorization: second", NOT_ALL_OK), ("X-A: b", USAGE)):
            self.stop("-H", "Authorization: first")
            self.assertEqual(self.go_on("-H", other).status, status)


class Hints(Stopped):
    SECRETS = (
        ["-H", "Authorization: Bearer hush-1"],
        ["-HAuthorization: Bearer hush-1"],
        ["-kH", "Cookie: hush-1"],
        ["-qkHX-Api-Key: hush-1"],
        ["--header", "X-Any: hush-1"],
        ["--header=X-Any: hush-1"],
        ["-H", "a: b", "-kH", "X-Any: hush-1"],
        ["-kH", "a: b", "--header=Cookie:hush-1", "-c1"],
    )
    MASKED = (
        ["--ur", "http://HOST/{{n}}?token=hush-1&x=2"],
        ["--data", '{"password":"hush-1"}'],
        ["--data=password=hush-1"],
        ["-w", "?secret=hush-1"],
        ["-w", "?secret=hush-1", "-H", "X-Any: hush-1"],
    )

    def hint(self, run):
        self.assertNotIn("hush-1", run.err)
        return (
            run.err.partition("To go on:\n")[2]
            .split("\n  What is secret")[0]
            .split("\n  What is in doubt")[0]
            .rstrip("\n")
        )

    def follow(self, hint, **environment):
        """The hint as a shell reads it."""
        script = "ringsend() { %s \"$@\"; }\n%s" % (shlex.quote(RINGSEND), hint)
        return subprocess.run(
            ["sh", "-c", script],
            capture_output=True,
            cwd=self.dir,
            check=False,
            timeout=60,
            env={**os.environ, **environment},
        )

    GAPS = {
        "SECRET_AUTHORIZATION": "Bearer hush-1",
        "SECRET_COOKIE": "hush-1",
        "SECRET_X_API_KEY": "hush-1",
        "SECRET_X_ANY": "hush-1",
        "SECRET_A": "b",
        "SECRET_1": "hush-1",
    }

    def fill_in(self, run):
        """No shell runs it as it stands; with what it names it goes on."""
        hint = self.hint(run)
        names = re.search(r"\n  What is secret is not shown: set (.*) first\n", run.err).group(1)
        names = names.split(", ")
        before = len(self.server_.requests)
        done = self.follow(hint)
        self.assertNotIn(done.returncode, (OK, NOT_ALL_OK))
        self.assertIn(names[0] + ": is secret and not shown", done.stderr.decode())
        self.assertEqual(len(self.server_.requests), before)
        done = self.follow(hint, **{name: self.GAPS[name] for name in names})
        self.assertEqual(done.returncode, NOT_ALL_OK, done.stderr)

    def test_a_secret_is_printed_in_no_spelling(self):
        for words in self.SECRETS:
            with self.subTest(words=words):
                self.fill_in(self.stop(*words))

    def test_what_is_secret_inside_of_a_value_is_masked(self):
        host = self.server_.url.split("/")[2]
        for words in self.MASKED:
            with self.subTest(words=words):
                words = [word.replace("HOST", host) for word in words]
                self.fill_in(self.stop(*words))

    def test_it_can_be_pasted_whatever_is_in_it(self):
        for value in (
            "a b",
            "it's",
            "$HOME `id` \"x\" \\ !",
            "",
            "-x",
            "--",
            "*",
            "a\nb",
            "=",
            "~",
            "#",
            "\u00e9",
        ):
            with self.subTest(value=value):
                run = self.stop("--data", value, "--id", "{{n}}" + value)
                done = self.follow(self.hint(run))
                self.assertEqual(done.returncode, NOT_ALL_OK, done.stderr)
                self.assertEqual(len(json_lines(self.read("out"))), 60)

    def test_inputs_that_look_like_options(self):
        os.rename(self.rows, self.path("-in 'x'.csv"))
        self.rows = "-in 'x'.csv"
        run = self.run_ringsend(
            "send",
            "-o",
            "out",
            "-c1",
            "--tries=1",
            "--abort-on=500",
            "--data",
            "--",
            "-qHx: y",
            "--url",
            self.server_.url + "{{n}}",
            "--idempotency-k",
            "--",
            self.rows,
            cwd=self.dir,
        )
        self.assertEqual(run.status, STOPPED, run.err)
        self.answers.append("good")
        done = self.follow(self.hint(run), SECRET_X="y")
        self.assertEqual(done.returncode, NOT_ALL_OK, done.stderr)
        self.assertEqual({request.body for request in self.server_.requests}, {b"--"})

    def test_failed_rows_can_be_sent_again_with_all_that_made_requests_of_them(self):
        run = self.run_ringsend(
            "send",
            "-o",
            self.out,
            "-c1",
            "--tries=1",
            "--failed",
            "bad rows",
            "--url",
            self.server_.url + "{{n}}",
            "-XPUT",
            "--id",
            "n{{n}}",
            "--data",
            "it's {{n}}",
            "--compressed",
            "--shard",
            "0/2",
            self.rows,
            cwd=self.dir,
        )
        self.answers.append("good")
        self.server_.requests.clear()
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        hint = run.err.partition("to send the failed ones again:\n")[2].splitlines()[0]
        done = self.follow(hint)
        self.assertEqual(done.returncode, OK, (hint, done.stderr))
        self.assertEqual(
            [(r.method, r.target, r.body) for r in self.server_.requests],
            [("PUT", "/2", b"it's 2")],
        )
        self.assertEqual([result["id"] for result in json_lines(self.read("again-out"))], ["n2"])


if __name__ == "__main__":
    main()

"""Options in files: the one of every run, and those of --config."""

import os

from harness import (Case, NOT_ALL_OK, OK, STOPPED, USAGE, answering, header, main, options_table,
                     response)


class Config(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))
        self.rows = self.file("in.csv", b"n\n1\n2\n")
        self.home = self.path("home")
        os.makedirs(os.path.join(self.home, "ringsend"))

    def default(self, text):
        return self.file("home/ringsend/config", text.encode())

    def named(self, text, name="named"):
        return self.file(name, text.encode())

    def run_with(self, command, *args, **environment):
        self.echo.requests.clear()
        more = [self.rows] if command in ("send", "check") else []
        return self.run_ringsend(command, *args, *more, cwd=self.dir, env={
            **os.environ, "XDG_CONFIG_HOME": self.home, **environment})

    def send(self, *args, status=OK, **environment):
        run = self.run_with("send", "-q", "-c1", "--url", self.echo.url, *args, **environment)
        self.assertEqual(run.status, status, run.err)
        return run


class Read(Config):
    def test_the_forms_of_a_line(self):
        self.default("\ufeff# a comment\r\n\n   # another\n"
                     "header = \"X-A: a \\\"b\\\" \\\\ \\t.\"  # behind it\r\n"
                     "-H \"X-B: b\"\n  --header: X-C:c\nheader X-D:d\n--header=X-E:e\n"
                     "compressed # a flag\n--data\t=\tx{{n}}#y\nid = \"\"")
        self.send()
        request = self.echo.requests[0]
        self.assertEqual([header(request, "x-" + name) for name in "abcde"],
                         [['a "b" \\ \t.'], ["b"], ["c"], ["d"], ["e"]])
        self.assertEqual(request.body, b"x1#y")
        self.assertIn("gzip", header(request, "accept-encoding")[0])

    def test_later_ones_win_and_the_command_line_does(self):
        self.default('user-agent = default\ndata = default\nheader = "X-A: default"\n'
                     'header = "X-B: default"')
        one = self.named('data = one\nheader = "X-C: one"', "one")
        two = self.named('data = "two {{n}}"', "two")
        self.send("-K", one, "--config", two, "-H", "x-b: line")
        request = self.echo.requests[0]
        self.assertEqual(request.body, b"two 1")
        self.assertEqual([header(request, name) for name in
                          ("user-agent", "x-a", "x-b", "x-c")],
                         [["default"], ["default"], ["line"], ["one"]])
        self.send("-K", two, "-d", "line {{n}}", "--no-config")
        request = self.echo.requests[0]
        self.assertEqual(request.body, b"line 1")
        self.assertEqual(header(request, "x-a"), [])

    def test_where_the_file_of_every_run_is(self):
        os.makedirs(self.path(".config/ringsend"))
        self.file(".config/ringsend/config", b"user-agent = home")
        self.default("user-agent = xdg")
        for environment, agent in (({}, "xdg"), ({"XDG_CONFIG_HOME": ""}, "home"),
                                   ({"XDG_CONFIG_HOME": "home"}, "home")):
            self.send(HOME=self.dir, **environment)
            self.assertEqual(header(self.echo.requests[0], "user-agent"), [agent])
        self.send(HOME="relative", XDG_CONFIG_HOME=self.path("none"))
        self.send(HOME="", XDG_CONFIG_HOME="")

    def test_standard_input(self):
        with open(self.named("data = \"in {{n}}\""), "rb") as stdin:
            run = self.run_ringsend("send", "-q", "-c1", "-K", "-", "--url", self.echo.url,
                                    self.rows, stdin=stdin)
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(self.echo.requests[0].body, b"in 1")

    def test_sections_and_what_others_take(self):
        self.default("duration = 1s\nport = 0\n[bench]\nrequests = 3\n[bench probe]\n"
                     "method = PUT\n[send check]\ndata = {{n}}\n[send]\nuser-agent = sender\n")
        self.send("-X", "POST")
        self.assertEqual(self.echo.requests[0].body, b"1")
        self.assertEqual(header(self.echo.requests[0], "user-agent"), ["sender"])
        run = self.run_with("bench", "-q", "-c1", self.echo.url)
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([r.method for r in self.echo.requests], 3 * ["PUT"])
        for command in options_table():
            run = self.run_with(command["name"], "--help")
            self.assertEqual(run.status, OK)

    def test_verbose_tells_all_but_secrets(self):
        path = self.default('rate = 5000/s\nheader = "X-A: hush-1"\nheader = @headers\n'
                            'port = 80\nurl = "http://h/?token=hush-1"\n-d {{n}}\n')
        self.file("headers", b"X-B: hush-2")
        run = self.run_with("send", "-v", "--url", self.echo.url)
        self.assertEqual(run.status, OK, run.err)
        told = [line.partition("config, ")[2] for line in run.err.splitlines() if path in line]
        self.assertEqual(told, ["line 1: --rate 5000/s", "line 2: --header 'X-A: ...'",
                                "line 3: --header @headers",
                                "line 4: --port 80: this command does not take it",
                                "line 5: --url 'http://h/?token=***': the command line says "
                                "otherwise", "line 6: -d '{{n}}'"])
        self.assertNotIn("hush", run.err)
        self.default("quiet\nverbose\nrate = 5000/s\n")
        self.assertIn("line 3: --rate 5000/s", self.run_with("check", "--url=http://h/").err)

    def test_what_is_wrong_is_told_with_file_and_line(self):
        for line, told in (("ratee = 5", "there is no option --ratee: did you mean --rate?"),
                           ("retries = 5", "did you mean --tries?"),
                           ("-Y", "there is no option -Y"),
                           ("rate = 5 6", "stands in double quotes"),
                           ('rate = "5', "has no quote at its end"),
                           ('rate = "5\\', "has no quote at its end"),
                           ('rate = "5" x', "more behind the value's quote"),
                           ("csv = x", "--csv takes no value"), ("rate", "--rate needs a value"),
                           ("rate =", "--rate must be"), ("-ofile", "one letter behind it"),
                           ("- x", "the name of an option"), ("= 5", "the name of an option"),
                           ("[bench", "the names of commands in brackets"),
                           ("[bench] x", "the names of commands in brackets"),
                           ("[bnch]\nrate = 5", "there is no command \"bnch\""),
                           ("[send]\nduration = 5s", "there is no option --duration here"),
                           ("config = x", "belongs on the command line"),
                           ("help", "belongs on the command line"),
                           ("tries = 9999", "--tries must be"), ("shard = 9", "--shard must be"),
                           ("ok-if = \"(\"", "--ok-if"), ("in.csv", "there is no option --in.csv")):
            path = self.named("# one\n\n" + line)
            run = self.run_with("send", "-K", path, "--url", self.echo.url)
            self.assertEqual((run.status, run.out), (USAGE, b""), (line, run.err))
            self.assertRegex(run.err, r"^ringsend send: %s, line [34]: " % path)
            self.assertIn(told, run.err)
            self.assertEqual(self.echo.requests, [])
        # What the command line has in its place is not looked at, and its own faults are its own.
        run = self.run_with("send", "-K", self.named("shard = 9"), "--shard", "8", "--url=http://h")
        self.assertIn("send: --shard must be I/N, such as 0/4, or auto, not \"8\"", run.err)

    def test_files_that_cannot_be_read(self):
        for path, told in ((self.path("none"), "No such file"), (self.dir, "Is a directory"),
                           (self.file("nul", b"rate = 5\0"), "NUL"),
                           (self.file("huge", b"#" * (2 << 20)), "File too large")):
            run = self.run_with("send", "-K", path, "--url", self.echo.url)
            self.assertEqual(run.status, USAGE)
            self.assertIn("--config %s: " % path, run.err)
            self.assertIn(told, run.err)
        os.makedirs(self.path("other/ringsend/config"))
        run = self.run_with("send", "--url", self.echo.url, XDG_CONFIG_HOME=self.path("other"))
        self.assertEqual(run.status, USAGE)
        self.assertIn("--no-config does without", run.err)

    def test_no_output_goes_over_it(self):
        path = self.named("data = {{n}}")
        run = self.run_with("send", "-K", path, "--url", self.echo.url, "-o", path, "--force")
        self.assertEqual(run.status, USAGE)
        self.assertIn("is the file that --config reads", run.err)
        self.assertEqual(self.read("named"), b"data = {{n}}")


class Seen(Config):
    """What comes of files is seen by all that options are seen by."""

    def setUp(self):
        super().setUp()
        self.good = False
        self.platform = self.server(answering(
            lambda r: response(b"", status="200 OK" if self.good else "500 No")))

    def test_hints_and_the_fingerprint(self):
        self.file("in.csv", b"n\n" + b"1\n" * 99)
        self.default('data = "x {{n}}"\noutput = out\nfailed = bad\ntries = 1\nskip = 1\n'
                     'abort-on = 500\nheader = "Accept: it\'s"\n')
        run = self.run_with("send", "-c1", "--url", self.platform.url)
        self.assertEqual(run.status, STOPPED, run.err)
        hint = run.err.partition("To go on:\n  ringsend ")[2].splitlines()[0]
        self.assertEqual(hint, "send --resume -c 1 --url %s %s" % (self.platform.url, self.rows))
        self.good = True
        changed = self.run_with("send", "-c1", "--url", self.platform.url, "--resume", "-d",
                                "y {{n}}")
        self.assertEqual(changed.status, USAGE)
        self.assertIn("--data is not as in the run to go on with", changed.err)

    def test_what_is_secret_in_a_file_stays_there(self):
        self.file("in.csv", b"n\n" + b"1\n" * 99)
        named = self.named('header = "Authorization: hush-1"\ndata = {{n}}\n')
        stop = ["-c1", "--tries=1", "--abort-on=500", "-o", "out", "--url", self.platform.url]
        run = self.run_with("send", "-K", named, *stop)
        self.assertEqual(run.status, STOPPED, run.err)
        self.assertNotIn("hush", run.err)
        hint = run.err.partition("To go on:\n  ringsend ")[2].splitlines()[0]
        self.good = True
        again = self.run_ringsend(*hint.split(), cwd=self.dir)
        self.assertEqual(again.status, NOT_ALL_OK, again.err)
        self.assertEqual({tuple(header(r, "authorization")) for r in self.platform.requests},
                         {("hush-1",)})
        # What is not wanted again is spelt out with all the rest.
        for more, is_spelt_out in (("", False), ("force", True)):
            named = self.named('header = "Authorization: hush-1"\ndata = {{n}}\n' + more)
            self.good = False
            os.unlink(self.path("out"))
            run = self.run_with("send", "-K", named, *stop)
            self.assertEqual(run.status, STOPPED, run.err)
            self.assertNotIn("hush", run.err)
            self.assertEqual("SECRET_AUTHORIZATION" in run.err, is_spelt_out, run.err)
            self.assertEqual("--no-config" in run.err, is_spelt_out, run.err)
            os.unlink(self.path("out.journal"))

    def test_a_hint_to_send_again_leaves_out_what_is_past(self):
        self.default('data = "x {{n}}"\noutput = out\nfailed = bad\ntries = 1\nlimit = 1\n'
                     "force\n")
        run = self.run_with("send", "--url", self.platform.url, "--format", "csv")
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        hint = run.err.partition("to send the failed ones again:\n  ringsend ")[2].splitlines()[0]
        self.assertTrue(hint.startswith("send -o again-out --failed again-bad --no-config"), hint)
        self.assertNotIn("limit", hint)
        self.assertNotIn("force", hint)

    def test_a_dry_run(self):
        self.default('header = "X-A: {{n}}"\n-d x\n')
        run = self.run_with("send", "--dry-run", "--url", self.platform.url)
        self.assertEqual(run.status, OK, run.err)
        self.assertIn(b"X-A: 1", run.out)

    def test_a_file_of_data_is_part_of_the_fingerprint(self):
        template = self.file("template", b"x {{n}}")
        options = ["-o", "out", "-c1", "--tries=1", "--url", self.platform.url, "-d",
                   "@" + template]
        run = self.run_with("send", "--abort-on=500", *options)
        self.assertEqual(run.status, STOPPED, run.err)
        self.good = True
        self.file("template", b"y {{n}}")
        run = self.run_with("send", "--resume", *options)
        self.assertIn("--data is not as in the run to go on with", run.err)
        self.file("template", b"x {{n}}\n")
        self.assertEqual(self.run_with("send", "--resume", *options).status, NOT_ALL_OK)


if __name__ == "__main__":
    main()

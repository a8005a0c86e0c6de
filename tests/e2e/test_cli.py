"""The command line: help that helps, errors that say what is allowed, a summary."""

import os

from harness import (COST, Case, NOT_ALL_OK, OK, OUTPUT, Program, RINGSEND, USAGE, answering,
                     main, options_table, refused_port, response, rows_of)


class Cli(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))

    def usage(self, *args, words=()):
        """Exit 1, nothing on stdout, nothing sent, and a message with these words."""
        run = self.run_ringsend(*args)
        self.assertEqual((run.status, run.out), (USAGE, b""), run.err)
        for word in words:
            self.assertIn(word, run.err)
        self.assertEqual(self.echo.requests, [])
        return run

    def test_help_is_on_stdout_and_names_every_option(self):
        for command in options_table():
            run = self.run_ringsend(command["name"], "--help")
            self.assertEqual((run.status, run.err), (OK, ""))
            for row in rows_of(command["name"]):
                self.assertRegex(run.out.decode(), r"(?m)^  (-\w, |    )--%s\b" % row["name"])
        run = self.run_ringsend("--help")
        self.assertEqual((run.status, run.err), (OK, ""))
        self.assertIn(b"send", run.out)
        self.assertIn(b"serve", run.out)

    def test_help_fits_a_terminal(self):
        commands = [command["name"] for command in options_table()]
        for args in (["--help"], *([command, "--help"] for command in commands)):
            run = self.run_ringsend(*args)
            self.assertEqual((run.status, run.err), (OK, ""))
            for line in run.out.decode().splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_what_cannot_be_written_is_reported(self):
        path = self.file("in", [{"url": self.echo.url}, {"url": 1}])
        for args in (("check", path), ("send", "--dry-run", path), ("probe", "--step", "100ms",
                                                                    "-c", "1", self.echo.url),
                     ("probe", "--json", "--step", "100ms", "-c", "1",
                      self.echo.url), ("doctor", )):
            with self.subTest(args=args), open("/dev/full", "wb") as full:
                run = Program([RINGSEND, *args], stdout=full).finish()
                self.assertEqual(run.status, OUTPUT)
                self.assertIn("ringsend %s: standard output could not be written\n" % args[0],
                              run.err)
        for args in (["--version"], ["--help"], ["help"], ["help", "send"], ["send", "--help"],
                     ["serve", "--version"], ["--options-json"]):
            with self.subTest(args=args), open("/dev/full", "wb") as full:
                run = Program([RINGSEND, *args], stdout=full).finish()
                self.assertEqual((run.status, run.err),
                                 (OUTPUT, "ringsend: standard output could not be written\n"))

    def test_version(self):
        for args in (["--version"], ["send", "--version"], ["serve", "--version"], ["serve", "-V"]):
            run = self.run_ringsend(*args)
            self.assertEqual((run.status, run.err), (OK, ""))
            self.assertRegex(run.out.decode(),
                             r"^ringsend \d+\.\d+\.\d+\nTLS by BearSSL, OpenSSL 3\.")

    def test_no_command_and_unknown_commands_are_usage_errors(self):
        self.usage(words=["--help"])
        self.usage("sned", words=["sned", "--help"])

    def test_no_file_is_a_usage_error(self):
        self.usage("send", "--url", self.echo.url, words=["file", "--help"])

    def test_a_url_is_no_file(self):
        """And may hold a secret, which is not printed."""
        path = self.file("in", [{"data": "x"}])
        for args in (["send"], ["send", path], ["check"], ["bench", path]):
            run = self.usage(*args, "https://h/?token=hush-1", words=["is a URL", "--url"])
            self.assertNotIn("hush-1", run.err)
        for command, word in (("compare", "bench --vs"), ("doctor", "its host alone")):
            run = self.usage(command, "https://h/?token=hush-1", words=["is a URL", word])
            self.assertNotIn("hush-1", run.err)
        os.makedirs(self.path("http:/h"))
        self.file("http:/h/in", [{"url": self.echo.url}])
        self.assertEqual(self.run_ringsend("send", "http://h/in", cwd=self.dir).status, OK)

    def test_a_host_is_no_file_and_lacks_its_scheme(self):
        path = self.file("in", [{"data": "x"}])
        for host, rest in (("localhost:9100", ""), ("localhost", ""), ("LOCALHOST", "/a/b"),
                           ("api.example.com:443", "/?token=hush-1"), ("127.0.0.1", "/x"),
                           ("[::1]", ""), ("[::1]:80", "/"), ("1.2.3.4:5", "?hush-1"),
                           ("db_1:9", "")):
            for args, cure in ((["send"], "send --url http://%s FILE\n"),
                               (["check", path], "check --url http://%s FILE\n"),
                               (["bench", "-n1"], "bench http://%s/\n"),
                               (["probe"], "probe http://%s/\n")):
                run = self.usage(*args, host + rest, words=["there is no file " + host,
                                                            "ringsend " + cure % host])
                self.assertNotIn("hush-1", run.err)
        for name in ("in.jsonl", "dir/in", "a:b", "10", "x:80.csv", "localhost.csv", "[a]", "[",
                     ":", ":80", "1:2:3", "me:pw@host:80", "localhost:", "10.csv", "-"):
            run = self.run_ringsend("send", "--url", self.echo.url, "--", name)
            self.assertNotIn("http://", run.err)
        self.file("localhost:9100", [{"url": self.echo.url}])
        self.assertEqual(self.run_ringsend("send", "localhost:9100", cwd=self.dir).status, OK)

    def test_what_is_typed_in_place_of_a_command_leads_to_one(self):
        for word, told in (("sned", "did you mean 'send'?"), ("benchmark", "did you mean 'bench'?"),
                           ("statsu", "did you mean 'status'?"), ("-o", "a command comes first"),
                           ("http://h/?hush-1", "'ringsend bench URL'"),
                           (self.file("in", []), "'ringsend send FILE'")):
            for args in ([word], [word, "x"]):
                self.assertNotIn("hush-1", self.usage(*args, words=[told, "--help"]).err)
        self.usage("help", "srve", words=["did you mean 'serve'?"])
        self.assertNotIn("did you mean", self.usage("frobnicate").err)

    def test_unknown_options_are_named(self):
        path = self.file("in", [{"data": "x"}])
        self.usage("send", "--frobnicate", path, words=["--frobnicate", "--help"])
        self.usage("send", "-Z", path, words=["-Z"])
        self.usage("serve", "--frobnicate", words=["--frobnicate"])

    def test_what_is_wrong_with_an_option_is_told_truly(self):
        path = self.file("in", [{"data": "x"}])
        for args, message in (
                (["send", "--quiet=1", path], "--quiet takes no value"),
                (["send", "--force=", path], "--force takes no value"),
                (["send", "--connect", "5", path],
                 "--connect may be --connections, --connect-to, --connect-timeout: write it out"),
                (["send", "-qY", path], "there is no option -Y"),
                (["send", path, "-c"], "-c needs a value"),
                (["send", path, "-qc"], "-c needs a value"),
                (["send", path, "--nope", "x"], "there is no option --nope"),
                (["serve", "--echo=1"], "--echo takes no value"),
                (["serve", "--st=5"],
                 "--st may be --status, --stall, --streams, --stats-path: write it out"),
                (["serve", "x", "--foo=1"], "there is no option --foo"),
                (["serve", "x"], "x: no arguments are expected: --port and --listen say where"),
                (["serve", "--latency"], "--latency needs a value"),
                (["serve", "-q", "-p"], "-p needs a value")):
            with self.subTest(args=args):
                self.assertEqual(self.usage(*args).err.splitlines()[0],
                                 "ringsend %s: %s" % (args[0], message))

    def test_an_option_without_its_value_is_named(self):
        self.usage("send", self.file("in", [{"data": "x"}]), "--tries", words=["--tries"])

    def test_bad_values_are_refused_and_the_message_says_what_is_allowed(self):
        path = self.file("in", [{"data": "x"}])
        for option, values, words in (
            ("--connections", ("0", "-1", "32769", "forty", "", "4.5", "1e3", "9" * 20),
             ("1", "32768")), ("--tries", ("0", "101", "x", "-4", " 3", "3 "),
                               ("1", "100")), ("--timeout", ("-1", "fast", "5 s", "1y", "", "1e400",
                                                             "nan", "inf"), ("ms", )),
            ("--connect-timeout", ("0", "-5s"),
             ("connect-timeout", )), ("--first-byte-timeout", ("x", ),
                                      ("ms", )), ("--deadline", ("later", ), ("ms", )),
            ("--resolve", ("", "h", "h:80", "h:80:", ":80:::1", "h:x:::1", "h:70000:::1", "h:80:h2",
                           "h:80:::1,"),
             ("--resolve", )), ("--resolve", ("*.h:80:::1", "a b:80:::1",
                                              "http//h:80:::1", "[]:80:::1", "a" * 64 + ":80:::1"),
                                ("host", )), ("--resolve", ("[::g]:80:::1", "[::1]x:80:::1"),
                                              ("not an IPv6 address", )),
            ("--max-body", ("-1", "lots", "1X", ""),
             ("max-body", )), ("--ok-status", ("99", "600", "ok", "", "2x", "300-200", "200,,201",
                                               "6xx"), ("100", "599")),
            ("--url", ("ftp://h/", "http://u:p@h/", "nope", ""),
             ("http[s]://", )), ("--url", ("http://h:port/", "http://h:0/", "http://h:70000/"),
                                 ("the port is not", )), ("--url", ("http://[::1/", "http://a..b/",
                                                                    "http://h/%zz", "http://h/a b"),
                                                          ()), ("--method", ("GE T", "", "G\r\nT"),
                                                                ("method", )),
            ("--method", ("CONNECT", ),
             ("tunnel", )), ("--header", ("no colon", "a b: c", "a: b\rc"),
                             ("header", )), ("--header", ("Transfer-Encoding: chunked", ),
                                             ("Transfer-Encoding cannot be set", )),
            ("--header", ("Content-Length: 5", "content-length: 0"), ("Content-Length", )),
            ("--header", ("Connection: upgrade", "TE: trailers", "Host: a b"),
             ()), ("--failed", ("-", ), ("--failed needs the name of a file", )),
            ("--header", ("@" + self.path("missing"), ), ("No such file", ))):
            for value in values:
                with self.subTest(option=option, value=value):
                    run = self.usage("send", option, value, path, words=words)
                    self.assertIn(option, run.err)

    def test_errors_in_a_file_of_headers_name_the_file_and_the_line(self):
        path = self.file("in", [{"data": "x"}])
        for line, words in ((b"no colon", "NAME: VALUE"), (b"X-Cut: se\0cret", "NUL"),
                            (b"a b: c", "a b"), (b"Upgrade: h2c", "Upgrade"), (b"HOST: b",
                                                                               "twice")):
            with self.subTest(line=line):
                headers = self.file("headers", b"Host: a\n\r\n" + line + b"\nX-More: 1\n")
                self.usage("send", "--url", self.echo.url, "-H", "@" + headers, path,
                           words=["@%s, line 3: " % headers, words])

    def test_key_goes_with_cert(self):
        self.usage("send", "--key", "k.pem", self.file("in", [{"data": "x"}]), words=["--cert"])

    def test_bad_values_of_serve_are_refused(self):
        for option, values in (("--port", ("65536", "-1", "x")),
                               ("--latency", ("x", "2ms,1ms", "-1ms")),
                               ("--status", ("500", "99:1%", "500:101%", "x:1%", "500:-1%")),
                               ("--reset", ("101%", "2", "-1%", "x")), ("--over", ("drop", "")),
                               ("--max-connections", ("0", "x")), ("--rate-limit", ("0/s", "x")),
                               ("--listen", ("nohost", "h:p", "")), ("--seed", ("x",))):
            for value in values:
                with self.subTest(option=option, value=value):
                    run = self.usage("serve", option, value)
                    self.assertIn(option, run.err)

    def test_options_after_the_file_and_joined_values_are_read(self):
        path = self.file("in", [{"data": "x"}])
        run = self.run_ringsend("send", path, "--url=" + self.echo.url, "-c2", "-XPUT", "-q")
        self.assertEqual((run.status, self.echo.requests[0].method), (OK, "PUT"), run.err)

    def test_quiet_prints_nothing_when_all_is_well(self):
        run = self.send("-q", "--url", self.echo.url, records=[{"data": "x"}], expect=OK)
        self.assertEqual((run.err, len(run.results)), ("", 1))

    def test_the_summary_is_on_stderr_with_its_figures(self):
        sock, port = refused_port()
        with sock:
            run = self.send("--tries", "2", "--url", self.echo.url, expect=NOT_ALL_OK, records=[
                {"data": "x"}] * 8 + [{"url": "http://127.0.0.1:%d/" % port}, b"{broken"])
        for pattern in (r"\b10 records in ", r"\d per second", r"\bok +8\b", r"\bfailed +2\b",
                        r"\b1 +connect_refused", r"\b1 +bad_record", r"\btries +10\b",
                        r"p50 .*, p90 .*, p99 .*, max ", r"\b[1-8] connections? opened",
                        r" out, .* in\n", COST):
            with self.subTest(pattern=pattern):
                self.assertRegex(run.err, pattern)

    def test_the_summary_of_no_records_makes_sense(self):
        run = self.send("--url", self.echo.url, records=b"", expect=OK)
        self.assertRegex(run.err, r"\b0 records")
        self.assertNotRegex(run.err, r"(?i)\bnan\b|\binf\b")

    def test_nothing_but_results_is_on_stdout(self):
        run = self.send("--url", self.echo.url, records=[{"data": "x"}] * 3, expect=OK)
        self.assertEqual(len(run.results), 3)

    def test_stderr_has_no_terminal_sequences_when_it_is_no_terminal(self):
        run = self.send("--url", self.echo.url, records=[{"data": "x"}] * 300, expect=OK)
        self.assertNotRegex(run.err, "[\x1b\r]")


if __name__ == "__main__":
    main()

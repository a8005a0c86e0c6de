"""What a command line reads, it does not write to: by no name, link or descriptor, with --force
neither."""

import os

from harness import Authority, Case, OK, OUTPUT, USAGE, answering, main, response

LINE = b'{"data":"x"}\n'


class Overwrite(Case):
    def setUp(self):
        super().setUp()
        self.answers = self.server(answering(lambda request: response(b"the answer")))
        self.server_url = self.answers.url
        self.input = self.file("in", LINE)
        self.out = self.path("out")

    def refused(self, path, words, *args, environment=None, **more):
        """By each name that the file has."""
        content = self.read(os.path.basename(path))
        links = [path, path + ".symbolic", path + ".hard"]
        os.symlink(path, links[1])
        os.link(path, links[2])
        for name in links:
            line = [name if arg is None else arg for arg in args]
            with self.subTest(line=line):
                run = self.run_ringsend(*line, env={**os.environ, **(environment or {})}, **more)
                self.assertEqual(run.status, USAGE, run.err)
                self.assertIn("%s: %s" % (name, words), run.err)
                self.assertEqual(self.read(os.path.basename(path)), content)
        os.remove(links[1])
        os.remove(links[2])

    def content(self, path):
        with open(path, "rb") as file:
            return file.read()

    def send(self, *args):
        return ("send", "--force", "--url", self.server_url, *args, self.input)

    def test_what_options_of_send_read(self):
        headers = self.file("headers", b"x-key: secret\n")
        words = self.file("words", b"%{id}\n")
        data = self.file("data", b"content")
        rows = self.file("rows.csv", b"a\n1\n")
        by_header = "is the file that --header reads, too"
        self.refused(headers, by_header, *self.send("-H", "@" + headers, "-o", None))
        self.refused(headers, by_header,
                     *self.send("-H", "@" + headers, "-o", self.out, "--failed", None))
        self.refused(words, "is the file that --write-out reads, too",
                     *self.send("-w", "@" + words, "-o", None))
        self.refused(data, "is the file that --data-file reads, too", "send", "--force", "--url",
                     self.server_url + "{{a}}", "--data-file", data, "-o", None, rows)
        self.refused(self.input, "is an input, too", *self.send("-o", None))

    def test_certificates(self):
        authority = Authority(self.dir)
        pair = authority.certificate()
        mine = ("--cert", pair.chain, "--key", pair.key)
        for path, what, args, environment in (
                (authority.pem, "--cacert", ("--cacert", authority.pem), None),
                (authority.pem, "$SSL_CERT_FILE", (), {"SSL_CERT_FILE": authority.pem}),
                (pair.chain, "--cert", mine, None), (pair.key, "--key", mine, None)):
            here = self.file("here.pem", self.content(path))
            args = [here if arg == path else arg for arg in args]
            environment = environment and {name: here for name in environment}
            self.refused(here, "is the file that %s reads, too" % what,
                         *self.send(*args, "-o", None), environment=environment)
        self.refused(self.file("key", self.content(pair.key)), "is the file that --key reads, too",
                     "serve", "-p", "0", "--tls", "--cert", pair.chain, "--key", self.path("key"),
                     "--log", None)

    def test_the_journal_and_the_bodies(self):
        headers = self.file("out.journal", b"x-key: secret\n")
        run = self.run_ringsend(*self.send("-H", "@" + headers, "-o", self.out))
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn(
            "is where the journal of the results goes, and is the file that --header reads, too",
            run.err)
        os.mkdir(self.path("bodies"))
        here = self.file("bodies/0", LINE)
        os.symlink(here, self.path("elsewhere"))
        for args in ((here,), (self.path("elsewhere"),)):
            run = self.run_ringsend("send", "--force", "--url", self.server_url, "--bodies",
                                    self.path("bodies"), *args)
            self.assertEqual(run.status, USAGE, run.err)
            self.assertIn("has a name like a body's", run.err)
        os.rename(here, self.path("moved"))
        os.link(self.path("moved"), here)
        run = self.run_ringsend("send", "--force", "--url", self.server_url, "--bodies",
                                self.path("bodies"), self.path("moved"))
        self.assertEqual(run.status, OUTPUT, run.err)
        self.assertIn("bodies/0: what stands there has another name as well (a hard link)", run.err)
        self.assertIn("the answer", [result.get("body") for result in run.results])
        self.assertEqual(self.read("moved"), LINE)

    def test_a_body_that_was_there_is_replaced_whole(self):
        os.mkdir(self.path("bodies"))
        self.file("bodies/0", b"an older and longer answer than the new one")
        run = self.run_ringsend("send", "--force", "--url", self.server_url, "--bodies",
                                self.path("bodies"), self.input)
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(self.read("bodies/0"), b"the answer")

    def test_reports_of_a_benchmark_and_of_a_comparison(self):
        headers = self.file("headers", b"x-key: secret\n")
        data = self.file("data", b"content")
        bench = ("bench", "-q", "-n", "1")
        for option in ("--json", "--csv", "--html", "--hlog"):
            self.refused(headers, "is the file that --header reads, too", *bench, "-H",
                         "@" + headers, option, None, self.server_url)
        self.refused(data, "is the file that --data reads, too", *bench, "-X", "POST", "--data",
                     "@" + data, "--json", None, self.server_url)
        self.refused(self.input, "is an input, too", *bench, "--url", self.server_url, "--json",
                     None, self.input)
        self.run_ringsend(*bench, "--json", self.path("figures"), self.server_url)
        self.refused(self.path("figures"), "is an input, too", "compare", "--json", None,
                     self.path("figures"), self.path("figures"))

    def test_a_report_does_not_take_the_place_of_a_file_unasked(self):
        """As results do not; nothing is sent then."""
        self.run_ringsend("bench", "-q", "-n", "1", "--json", self.path("one"), self.server_url)
        sent = len(self.answers.requests)
        bench = ("bench", "-q", "-n", "1", self.server_url)
        compare = ("compare", self.path("one"), self.path("one"))
        for line, options in ((bench, ("--json", "--csv", "--html", "--hlog", "--junit",
                                       "--markdown")), (compare, ("--json", "--html", "--junit",
                                                                  "--markdown"))):
            for option in options:
                with self.subTest(command=line[0], option=option):
                    there = self.file("there", b"of before")
                    run = self.run_ringsend(*line, option, there)
                    self.assertEqual((run.status, run.out), (USAGE, b""))
                    self.assertIn("%s %s: exists already; --force overwrites it" % (option, there),
                                  run.err)
                    self.assertEqual(self.read("there"), b"of before")
                    self.assertEqual(len(self.answers.requests), sent)
                    run = self.run_ringsend(*line, "--force", option, there)
                    self.assertEqual(run.status, OK, run.err)
                    self.assertNotIn(b"of before", self.read("there"))
                    sent = len(self.answers.requests)
                    self.assertEqual(self.run_ringsend(*line, option, "/dev/null").status, OK)
                    sent = len(self.answers.requests)

    def test_a_report_that_was_not_written_leaves_no_file(self):
        """Or the next try would be refused."""
        there = self.file("there", b"of before")
        run = self.run_ringsend("bench", "-q", "-n", "1", "--csv", self.path("new"), "--json",
                                there, self.server_url)
        self.assertEqual(run.status, USAGE)
        run = self.run_ringsend("bench", "-q", "-n", "1", "--csv", self.path("new"), "--force",
                                "--json", there, "--cacert", self.path("missing"),
                                self.server_url.replace("http:", "https:"))
        self.assertNotEqual(run.status, OK)
        self.assertEqual(self.read("there"), b"of before")
        self.assertFalse(os.path.exists(self.path("new")))

    def test_two_reports_into_one_file(self):
        bench = ("bench", "-q", "-n", "1", self.server_url)
        run = self.run_ringsend(*bench, "--json", self.path("a"), "--csv", self.path("./a"))
        self.assertEqual(run.status, USAGE)
        self.assertIn("--csv and --json cannot both be", run.err)
        with open(self.path("b"), "wb") as file:
            run = self.run_ringsend(*bench, "--json", self.path("b"), stdout=file)
        self.assertEqual(run.status, USAGE)
        self.assertIn("b: gets standard output, too", run.err)
        self.assertEqual(self.answers.requests, [])


if __name__ == "__main__":
    main()

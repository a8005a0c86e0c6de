"""`ringsend bench` and `ringsend probe`, their records: every form that `ringsend send` takes,
and the very requests that it would make of them, over and over."""

import gzip
import json
import os
import shutil
import subprocess
import unittest

from harness import INPUT, OK, Case, answering, header, main, response

HELLO = answering(lambda request: response(b"hello"))
TOKEN = "t0ken-of-the-environment"
CSV = b'id,name\n1,"a, b"\n2,"c\n""d"""\n3,e\n'


class Records(Case):
    def bench(self, *args, expect=OK):
        run = self.run_ringsend("bench", "-q", *args, env=dict(os.environ, TOKEN=TOKEN))
        self.assertEqual(run.status, expect, run.err)
        return run

    def assert_as_sent(self, count, *args):
        """What `send` sends of these, in method, path, headers and body, is what `bench` does,
        twice over and one more."""
        server = self.server(HELLO)
        args = [arg.replace("URL", server.url[:-1]) for arg in args]
        run = self.run_ringsend("send", "-q", "-c", "1", *args, env=dict(os.environ, TOKEN=TOKEN))
        self.assertEqual(run.status, OK, run.err)
        self.bench("-c", "1", "-n", str(2 * count + 1), *args)
        seen = [(r.method, r.target, r.headers, r.body) for r in server.requests]
        sent = seen[:count]
        self.assertEqual(seen[count:], 2 * sent + sent[:1])
        return sent

    def test_rows_with_templates(self):
        path = self.file("users.csv", CSV)
        sent = self.assert_as_sent(3, "--url", "URL/{{id}}?n={{name|url}}", "-X", "PUT", "-H",
                                   "X-Name: {{name|json}}", "-H", "Authorization: {{env.TOKEN}}",
                                   "--data", '{"name": {{name|json}}}', path)
        self.assertEqual([(method, target, json.loads(body)) for method, target, _, body in sent],
                         [("PUT", "/1?n=a%2C%20b", {"name": "a, b"}),
                          ("PUT", '/2?n=c%0A%22d%22', {"name": 'c\n"d"'}),
                          ("PUT", "/3?n=e", {"name": "e"})])
        self.assertIn(("Authorization", TOKEN), sent[0][2])

    def test_rows_with_tabs_and_files_of_their_own(self):
        self.file("one", b"first")
        self.file("two", b"second")
        path = self.file(
            "files.tsv",
            b"n\tfile\n1\t%s\n2\t%s\n" % (self.path("one").encode(), self.path("two").encode()))
        sent = self.assert_as_sent(2, "--url", "URL/{{n}}", "--data-file", "{{file}}",
                                   "--idempotency-key", path)
        self.assertEqual([body for *_, body in sent], [b"first", b"second"])
        keys = [dict(headers)["Idempotency-Key"] for _, _, headers, _ in sent]
        self.assertNotEqual(*keys)

    def test_lines(self):
        self.assert_as_sent(2, "--url", "URL/", self.file("bodies.txt", b"one\ntwo\n"))
        sent = self.assert_as_sent(2, "--format", "lines", "--url", "URL/{{line}}", "--data", "",
                                   self.file("paths", b"a\nb\n"))
        self.assertEqual([target for _, target, _, _ in sent], ["/a", "/b"])

    def test_json_over_lines_and_vegeta(self):
        array = json.dumps([{"data": {"n": n}, "headers": {"x-n": str(n)}} for n in range(3)],
                           indent=2).encode()
        self.assert_as_sent(3, "--url", "URL/", self.file("array.json", array))
        targets = [{"method": "POST", "url": "/v", "header": {"X-A": ["b"]}, "body": "aGVsbG8="}]
        sent = self.assert_as_sent(1, "--format", "vegeta", "--url", "URL/",
                                   self.file("targets", targets))
        self.assertEqual((sent[0][0], sent[0][3]), ("POST", b"hello"))

    def test_compressed(self):
        self.assert_as_sent(3, "--url", "URL/{{id}}", self.file("users.csv.gz", gzip.compress(CSV)))

    @unittest.skipUnless(shutil.which("zstd"), "not here: zstd")
    def test_zstd(self):
        packed = subprocess.run(["zstd", "-c"], input=b'{"data":1}\n{"data":2}\n',
                                capture_output=True, check=True).stdout
        self.assert_as_sent(2, "--url", "URL/", self.file("records.zst", packed))

    def test_a_part_of_them(self):
        path = self.file("records", [{"url": "/%d" % n} for n in range(10)])
        sent = self.assert_as_sent(3, "--url", "URL/", "--skip", "1", "--limit", "6", "--shard",
                                   "0/2", path)
        self.assertEqual([target for _, target, _, _ in sent], ["/2", "/4", "/6"])

    def test_headers_that_bench_adds_itself(self):
        server = self.server(HELLO)
        self.bench("-n", "2", "-c", "1", "--new-connection", "--url", server.url + "{{id}}", "-H",
                   "X-Id: {{id}}", self.file("users.csv", CSV))
        self.assertEqual([(header(r, "connection"), header(r, "x-id")) for r in server.requests],
                         [(["close"], ["1"]), (["close"], ["2"])])

    def test_probe_takes_them_too(self):
        server = self.server(HELLO)
        run = self.run_ringsend("probe", "--step", "100ms", "-c", "1",
                                "--url", server.url + "{{id}}", "-d", "{{name}}",
                                self.file("users.csv", CSV))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([(r.target, r.body) for r in server.requests[:3]], [("/1", b"a, b"),
                                                                             ("/2", b'c\n"d"'),
                                                                             ("/3", b"e")])

    def test_addresses_that_are_given(self):
        server = self.server(HELLO)
        url, given = "http://platform.test:%d/" % server.port, ("--resolve",
                                                                "platform.test:*:127.0.0.1")
        self.bench("-n", "2", *given, url)
        run = self.run_ringsend("probe", "--step", "100ms", "-c", "1", *given, url)
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual({header(r, "host")[0] for r in server.requests},
                         {"platform.test:%d" % server.port})

    def test_records_are_sent_in_turn_over_and_over(self):
        server = self.server(HELLO)
        records = [{"url": server.url + name} for name in "abc"]
        self.bench("-c", "1", "-n", "8", self.file("records.jsonl", records))
        self.assertEqual([request.target for request in server.requests],
                         ["/" + name for name in "abcabcab"])

    def test_several_files_with_bodies_and_a_default_url(self):
        server = self.server(HELLO)
        data = self.path("data")
        with open(data, "wb") as file:
            file.write(b"from a file")
        one = self.file("one", [{"data": {"a": 1}}, {"data_file": data, "method": "PUT"}])
        two = self.file("two", [b'"bare"'])
        self.bench("-c", "1", "-n", "3", "--url", server.url + "x", one, two)
        self.assertEqual([(r.method, r.target, r.body) for r in server.requests],
                         [("POST", "/x", b'{"a": 1}'), ("PUT", "/x", b"from a file"),
                          ("POST", "/x", b"bare")])

    def test_records_from_standard_input(self):
        serve = self.serve()
        with open(self.file("records", [{"url": serve.url}]), "rb") as records:
            run = self.run_ringsend("bench", "-q", "-n", "3", "-", stdin=records)
        self.assertEqual((run.status, serve.stats()["requests"]), (OK, 3))
        self.assertIn(b"ringsend bench: standard input, ", run.out)

    def test_input_that_cannot_be_read(self):
        broken = self.file("broken", [{"url": "http://127.0.0.1:1/"}, {"nope": 1}])
        empty = self.file("empty", b"\n")
        missing = self.file("data",
                            [{"url": "http://127.0.0.1:1/", "data_file": self.path("none")}])
        for args, words in ((("/nonexistent", ), "/nonexistent: No such file"),
                            ((broken, ), "line 2"), ((empty, ), "no record"),
                            ((missing, ), "data, line 1, column 1: No such file"),
                            ((self.file("url", [{"url": "http://127.0.0.1:1/"}, {"url": "x"}]), ),
                             "url, line 2, column 10: "), (("--url", "http://127.0.0.1:1/{{b}}",
                                                            self.file("row.csv",
                                                                      b"a\n1\n")), 'no column "b"'),
                            (("--url", "http://127.0.0.1:1/",
                              self.file("short.csv", b"a,b\n1,2\n3\n")), "short.csv, line 3"),
                            ((self.file("cut.gz",
                                        gzip.compress(b'{"url":"http://127.0.0.1:1/"}\n' *
                                                      9)[:-9]), ),
                             "cut.gz: "), (("--data", "@" + self.path("none"),
                                            "http://127.0.0.1:1/"), "No such file")):
            with self.subTest(args=args):
                self.assertIn(words, self.bench(*args, expect=INPUT).err)


if __name__ == "__main__":
    main()

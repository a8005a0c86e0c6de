"""ringsend send --dry-run: what is shown is what would be sent, to the byte, and its curl line
sends the same. No secret is in it."""

import os
import shutil
import subprocess
import unittest

from harness import Case, INPUT, OK, USAGE, answering, main, response


class Shown(Case):
    def setUp(self):
        super().setUp()
        self.server_ = self.server(answering(lambda request: response(b"")))
        self.url = self.server_.url

    def dry_run(self, *args, expect=OK, **more):
        run = self.run_ringsend("send", "--dry-run=9", *args, **more)
        self.assertEqual(run.status, expect, run.err)
        self.assertEqual(self.server_.requests, [])
        return run.out

    def parts(self, out):
        """(request bytes, curl line) of each request shown."""
        found = []
        for part in out.split(b"# ")[1:]:
            _, rest = part.split(b"\n", 1)
            lines = rest.rstrip(b"\n").split(b"\n")
            curl = next(n for n, line in enumerate(lines)
                        if line.startswith((b"curl ", b"echo ")))
            found.append((b"\n".join(lines[:curl]), b"\n".join(lines[curl:])))
        return found

    def sent(self, *args):
        self.server_.requests.clear()
        self.run_ringsend("send", "-c", "1", *args)
        requests = list(self.server_.requests)
        self.server_.requests.clear()
        return requests


class Requests(Shown):
    RECORDS = [
        {"id": 1, "url": "{}a?b=c&d=%27", "headers": {"X-A": ["1", "it's"], "Empty": ""}},
        {"url": "{}", "method": "PUT", "data": {"n": [1, "\u00e9 'quoted' \"\\"]}},
        {"url": "{}[x]{y}/../z", "data": "@file\nof\nlines"},
        {"url": "{}", "data_base64": "AGJ5dGVzCg=="},
        {"url": "{}", "method": "POST"},
        {"url": "{}", "method": "DELETE", "headers": {"Host": "other", "User-Agent": "me"}},
        {"url": "{}", "method": "HEAD", "headers": {"Blank": "  "}},
        {"url": "{}", "method": "HEAD", "data": "with a body"},
        {"url": "{}", "data": "longer than a word may be" * 6000},
    ]

    def records(self):
        return self.file("x.jsonl", [dict(r, url=r["url"].replace("{}", self.url)) for r in
                                     self.RECORDS])

    def test_the_bytes_are_those_that_are_sent(self):
        path = self.records()
        options = ("-H", "X-All: yes", "--idempotency-key")
        shown = [part for part, _ in self.parts(self.dry_run(*options, path))]
        for request, part in zip(self.sent(*options, path), shown, strict=True):
            # The LF behind the body is for the eye; without one the last of the head went with it.
            self.assertEqual(part if request.body else part + b"\n",
                             request.head + b"\r\n\r\n" + request.body)

    @unittest.skipUnless(shutil.which("curl"), "not here: curl")
    def test_the_curl_line_sends_the_same(self):
        path = self.records()
        lines = [curl for _, curl in self.parts(self.dry_run("-H", "X-All: yes", path))]
        wanted = self.sent("-H", "X-All: yes", path)
        for request, line in zip(wanted, lines, strict=True):
            run = subprocess.run(["/bin/sh"], input=line, capture_output=True, check=False)
            self.assertEqual(run.returncode, 0, (line, run.stderr))
            got = self.server_.requests.pop()
            self.assertEqual((got.method, got.target, got.body),
                             (request.method, request.target, request.body))
            self.assertEqual(sorted(got.headers), sorted(request.headers), line)

    @unittest.skipUnless(shutil.which("curl"), "not here: curl")
    def test_the_curl_line_of_a_data_file_sends_that_file(self):
        for name in ("-", "@body", "a'b c"):
            self.file(name, name.encode() + b" it is")
            path = self.file("named.jsonl", [{"url": self.url, "data_file": name}])
            (_, line), = self.parts(self.dry_run(path, cwd=self.dir))
            run = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False,
                                 cwd=self.dir, stdin=subprocess.DEVNULL)
            self.assertEqual(run.returncode, 0, (line, run.stderr))
            self.assertEqual(self.server_.requests.pop().body, name.encode() + b" it is")

    @unittest.skipUnless(shutil.which("curl"), "not here: curl")
    def test_the_curl_line_goes_to_the_same_address(self):
        url = "http://platform.test:%d/" % self.server_.port
        path = self.file("named", b'{"url": "%s"}\n' % url.encode())
        for host, port in (("platform.test", "%d" % self.server_.port), ("*", "*")):
            (_,
             line), = self.parts(self.dry_run("--resolve", "%s:%s:127.0.0.1" % (host, port), path))
            run = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False)
            self.assertEqual(run.returncode, 0, (line, run.stderr))
            self.assertEqual(self.server_.requests.pop().target, "/")

    @unittest.skipUnless(shutil.which("curl"), "not here: curl")
    def test_the_curl_line_of_an_ipv6_address_goes_to_the_same_one(self):
        path = self.file("ipv6", [{"url": "http://[2001:db8::1]:%d/" % self.server_.port}])
        (_, line), = self.parts(self.dry_run("--resolve", "[2001:db8::1]:*:127.0.0.1,::1", path))
        run = subprocess.run(["/bin/sh", "-c", line], capture_output=True, check=False)
        self.assertEqual(run.returncode, 0, (line, run.stderr))
        self.assertEqual(self.server_.requests.pop().target, "/")
        for address in ("::1", "[::1]"):
            out = self.dry_run("--resolve", "*:*:%s,127.0.0.1" % address, path)
            self.assertIn(
                b" --connect-to '[2001:db8::1]:%d:[::1]:%d' " % ((self.server_.port, ) * 2), out)

    def test_one_is_shown_unless_more_are_asked_for(self):
        run = self.run_ringsend("send", "--dry-run", self.records())
        self.assertEqual((run.status, run.out.count(b"# ")), (OK, 1))
        self.assertEqual(self.run_ringsend("send", "--dry-run=0", self.records()).status, USAGE)

    def test_a_bad_record_is_named_in_its_place(self):
        out = self.dry_run(self.file("x", b'{"url":"http://h/","x":1}\n{"url":"http://h/"}\n'),
                           expect=INPUT)
        self.assertIn(b'line 1, record 0 cannot be sent: column 21: unknown key "x"', out)
        self.assertIn(b"line 2, record 1\nGET / HTTP/1.1\r\n", out)

    def test_a_data_file_is_shown(self):
        body = self.file("body", b"of the file\n")
        out = self.dry_run(self.file("x", [{"url": self.url, "data_file": body}]))
        self.assertIn(b"Content-Length: 12\r\n\r\nof the file\n", out)
        self.assertIn(b"--data-binary @'%s'" % body.encode(), out)


class Secrets(Shown):
    SECRETS = ("from-the-file", "from-the-env", "of-the-line", "of-the-query", "c00kie")

    def test_no_secret_is_shown(self):
        headers = self.file("headers", b"X-Innocent: from-the-file\n")
        records = self.file("x", [
            {"url": self.url + "?a=b&api_key=of-the-query&c=d", "data": "a from-the-file b",
             "headers": {"Authorization": "Bearer of-the-line", "cookie": "a=c00kie",
                         "X-Api-Key": "of-the-line"}},
            {"url": self.url + "from-the-env", "data": {"x": "from-the-env"}}])
        out = self.dry_run("-H", "@" + headers, "-H", "X-Env: a {{env.HIDDEN}} b", records,
                           env=dict(os.environ, HIDDEN="from-the-env"))
        for secret in self.SECRETS:
            self.assertNotIn(secret.encode(), out)
        self.assertIn(b"X-Env: a *** b\r\n", out)
        self.assertIn(b"/?a=b&api_key=***&c=d HTTP", out)
        self.assertIn(b"-H 'Authorization: ***'", out)

    def test_secrets_are_known_by_their_names(self):
        records = self.file("x", [{
            "url": self.url + "api/f?code=s3cret-1&sig=s3cret-2&zip_code=12345", "headers": {
                "Ocp-Apim-Subscription-Key": "s3cret-3", "X-Functions-Key": "s3cret-4",
                "X-JWT": "s3cret-5", "X-Keyboard": "qwertz"
            }, "data": {"jwt": "s3cret-6", "apiKey": "s3cret-7", "max_tokens": 99, "author": "Ann"}
        }, {"url": self.url + "?jwt=s3cret-8", "data": "password=s3cret-9&monkey=Judy"}])
        out = self.dry_run(records)
        self.assertNotIn(b"s3cret", out)
        for shown in (b"zip_code=12345", b"qwertz", b'"max_tokens": 99', b'"author": "Ann"',
                      b"monkey=Judy"):
            self.assertEqual(out.count(shown), 2, shown)

    def test_columns_are_secrets_by_their_names(self):
        path = self.file("x.csv",
                         b'user,password,n\nann,s3cret one,1\nbob,,2\neve,"s3cret+""2",3\n')
        out = self.dry_run("--url", self.url + "{{user}}?x={{password|url}}", "-H",
                           "X-Y: {{password|b64}}", "--data",
                           '{"x": "{{password}}", "y": "a{{n}}"}', path)
        for secret in (b"s3cret", b"czNjcmV0"):
            self.assertNotIn(secret, out)
        self.assertEqual(out.count(b"/ann?x=***"), 2)
        self.assertEqual(out.count(b'{"x": "***", "y": "a1"}'), 2)
        self.assertEqual(out.count(b'{"x": "", "y": "a2"}'), 2)

    def test_benchmarks_name_no_secret(self):
        url = self.url + "?code=s3cret&a=b"
        for command in (("bench", "-n", "1"), ("bench", "-n", "1", "--json", "-"),
                        ("probe", "-c", "1", "--step", "100ms", "-X", "GET")):
            run = self.run_ringsend(*command, url)
            self.assertEqual(run.status, OK, run.err)
            self.assertNotIn("s3cret", run.out.decode() + run.err)
            self.assertIn("code=***&a=b", run.out.decode() + run.err)

    def test_no_secret_is_in_results_or_messages(self):
        headers = self.file("headers", b"X-Innocent: from-the-file\n")
        records = self.file("x", [{"url": self.url, "headers": {"Cookie": "c00kie"}},
                                  {"url": "http://user:of-the-line@h/"}, {"url": "{{env.HIDDEN}}"}])
        run = self.run_ringsend("send", "-H", "@" + headers, "-H", "A: {{env.HIDDEN}}", records,
                                env=dict(os.environ, HIDDEN="from-the-env"))
        for secret in self.SECRETS:
            self.assertNotIn(secret, run.out.decode() + run.err)
        self.assertEqual(len(run.results), 3)
        run = self.run_ringsend("send", "-H", "Authorization of-the-line", records)
        self.assertEqual(run.status, USAGE)
        self.assertNotIn("of-the-line", run.err)
        run = self.run_ringsend("send", "-H", "@" + self.file("bad", b"from-the-file\n"), records)
        self.assertEqual(run.status, USAGE)
        self.assertNotIn("from-the-file", run.err)


if __name__ == "__main__":
    main()

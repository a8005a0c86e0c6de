"""What values out of files may change: what is asked, never whom, nor the structure that the
template has. Each case with the server that must not be reached, and the same words from send,
check and --dry-run."""

import csv
import io
import json
import os
import re

from harness import Case, INPUT, NOT_ALL_OK, OK, USAGE, answering, main, response


def table(name, *values):
    out = io.StringIO()
    csv.writer(out).writerows([[name], *([value] for value in values)])
    return out.getvalue().encode()


class Templates(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda r: response(b"")))
        self.evil = self.server(answering(lambda r: response(b"")))

    def tearDown(self):
        self.assertEqual(self.evil.requests, [])

    def refuse_template(self, words, *options):
        """At the start, whatever the values are."""
        for command in ("send", "check"):
            run = self.run_ringsend(command, *options, self.file("x.csv", table("v", "1")))
            self.assertEqual((run.status, run.out), (USAGE, b""), options)
            self.assertIn(words, run.err)

    def refuse_value(self, value, words, *options):
        """The record between two good ones, with its line, column and value."""
        path = self.file("x.csv", table("v", "1", value, "2"))
        self.echo.requests.clear()
        run = self.run_ringsend("send", *options, path)
        self.assertEqual(run.status, NOT_ALL_OK, (value, run.err))
        bad = [r for r in run.results if not r["ok"]]
        self.assertEqual(len(bad), 1, (value, bad))
        self.assertEqual(bad[0]["line"], 3)
        self.assert_error(bad[0], "bad_record", '"v"', words)
        self.assertEqual(len(self.echo.requests), 2)
        for command in (("check",), ("send", "--dry-run=3")):
            run = self.run_ringsend(*command, *options, path)
            self.assertEqual(run.status, INPUT)
            # check has the column before the words
            self.assertIn(re.sub(r"^column \d+: ", "", bad[0]["detail"]), run.out.decode())


class Bodies(Templates):
    def test_a_file_is_not_sent_as_its_name(self):
        for data in ("@{{v}}", "@dir/{{v|url}}.json"):
            self.refuse_template("--data-file '%s'" % data[1:], "--url", self.echo.url, "--data",
                                 data)
        path = self.file("x.csv", table("v", "1"))
        url = self.echo.url + "{{v}}"
        self.refuse_template("--data @%s/no" % self.dir, "--url", url, "-d",
                             "@%s/no" % self.dir)
        nul = self.file("nul", b"{{v}}\0")
        self.refuse_template("it holds a NUL byte", "--url", url, "--data", "@" + nul)
        template = self.file("a template", b'{"a": {{v|number}}}\n')
        for data, sent in (("@" + template, b'{"a": 1}'), ("@{{v}} hello", b"@1 hello"),
                           ("@", b"@"), ("a@{{v}}", b"a@1")):
            run = self.run_ringsend("send", "--url", url, "--data", data, path)
            self.assertEqual(run.status, OK, run.err)
            self.assertEqual(self.echo.requests.pop().body, sent)


class Methods(Templates):
    def test_an_empty_cell_is_no_method(self):
        path = self.file("x.csv", b"m,id\nDELETE,1\n,2\nPUT,3\n\"  \",4\n")
        for body in ((), ("--data", "{{id}}")):
            self.echo.requests.clear()
            run = self.run_ringsend("send", "--url", self.echo.url + "{{id}}", "-X", "{{m|trim}}",
                                    *body, path)
            self.assertEqual(run.status, NOT_ALL_OK, run.err)
            for result in run.results:
                if not result["ok"]:
                    self.assert_error(result, "bad_method", "--method is empty in this record")
            self.assertEqual(sorted((r.method, r.target) for r in self.echo.requests),
                             [("DELETE", "/1"), ("PUT", "/3")])
        run = self.run_ringsend("check", "--url", self.echo.url + "{{id}}", "-X", "{{m|trim}}",
                                path)
        self.assertEqual((run.status, run.out.count(b"--method is empty")), (INPUT, 2))


class Whom(Templates):
    def test_no_column_is_part_of_the_server(self):
        host = self.echo.authority
        for url in ("http://{{v}}/", "http://{{v}}.api.test/", "http://%s{{v}}" % host,
                    "http://127.0.0.1:{{v}}/", "http://u:{{v}}@%s/" % host,
                    "http{{v}}://%s/" % host, "http://%s\\{{v}}" % host):
            self.refuse_template("whom to talk to", "--url", url)
        self.refuse_template("whom to talk to", "--url", "{{v}}.%s/" % host)
        self.refuse_template("whom to talk to", "--url", self.echo.url, "-H", "Host: {{v}}")

    def test_a_server_that_is_none_is_told_before_anything_is_read(self):
        for url in ("ftp://h/{{v}}", "http://u:p@h/{{v}}", "http://h:0/{{v}}", "http:///{{v}}"):
            run = self.run_ringsend("check", "--url", url, self.file("x.csv", table("v", "1")))
            self.assertEqual(run.status, USAGE, url)

    def test_values_that_look_like_servers_stay_in_the_path(self):
        evil = self.evil.authority
        for value in ("//%s/x" % evil, "/%s/x" % evil, "@%s" % evil, "\\\\%s" % evil, "#@%s" % evil,
                      "?@%s" % evil, "http://%s" % evil):
            self.refuse_value(value, "--url", "--url", self.echo.url + "{{v}}")
        self.send_all("{{v|url}}", *("//%s/x" % evil, "@" + evil, "http://%s" % evil))

    def send_all(self, path, *values):
        self.echo.requests.clear()
        run = self.run_ringsend("send", "--url", self.echo.url + path,
                                self.file("x.csv", table("v", *values)))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(len(self.echo.requests), len(values))

    def test_the_environment_is_the_operators(self):
        run = self.run_ringsend("send", "--url", "http://{{env.WHERE}}/{{v}}",
                                self.file("x.csv", table("v", "1")),
                                env={"WHERE": self.echo.authority + "/in"})
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(self.echo.requests[0].target, "/in/1")

    def test_a_record_may_bring_its_whole_url(self):
        run = self.run_ringsend("send", "--url", "{{v}}/items?a=b",
                                self.file("x.csv", table("v", self.echo.url + "base")))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual(self.echo.requests[0].target, "/base/items?a=b")

    def test_paths_of_json_records_belong_to_the_server_of_url(self):
        evil = self.evil.authority
        urls = ["/v1/x", "/\\%s/x" % evil, "/@" + evil]
        run = self.send("--url", self.echo.url + "ignored", records=[{"url": url} for url in urls],
                        expect=OK)
        self.assertEqual(sorted(r.target for r in self.echo.requests), sorted(urls), run.err)
        for url in ("//%s/x" % evil, "@" + evil, "\\/%s/x" % evil, ":80@%s/" % evil, "", "?x"):
            run = self.send("--url", self.echo.url, records=[{"url": url}], expect=NOT_ALL_OK)
            self.assert_error(run.results[0], "bad_url")


class Where(Templates):
    def test_no_value_leaves_its_part_of_the_path(self):
        url = self.echo.url + "users/"
        for value in ("..", ".", "1/../../admin", "..;/admin", "..\\admin", "%2e%2e", "%252e./x",
                      "../x"):
            self.refuse_value(value, "leads to another path", "--url", url + "{{v|url}}", "-X",
                              "DELETE")
        for value in ("", "/1", "1/", "1//2"):
            self.refuse_value(value, "empty", "--url", url + "{{v}}", "-X", "DELETE")
        self.refuse_value(".", "leads to another path", "--url", url + ".{{v}}/x")
        self.refuse_value("1&admin=1", "change the URL", "--url", url + "?q={{v}}")

    def test_two_columns_make_no_dots_together(self):
        run = self.run_ringsend("send", "--url", self.echo.url + "{{a}}{{b}}/x",
                                self.file("x.csv", b"a,b\n.,.\n"))
        self.assert_error(run.results[0], "bad_record", '"b"', "leads to another path")
        self.assertEqual(self.echo.requests, [])

    def test_no_value_leaves_the_directory_of_data_files(self):
        os.mkdir(self.path("up"))
        self.file("x", b"not yours")
        for name in ("1", "2"):
            self.file("up/" + name, b"body")
        up = self.path("up") + "/{{v}}"
        for value in ("../x", "a/../../x", "./1"):
            self.refuse_value(value, "leads to another path", "--url", self.echo.url, "--data-file",
                              up)
        for value in ("", self.path("x")):
            self.refuse_value(value, "empty", "--url", self.echo.url, "--data-file", up)

    def test_secrets_are_not_repeated(self):
        path = self.file("x.csv", b"api_token\nsec/../ret\n")
        run = self.run_ringsend("send", "--url", self.echo.url + "{{api_token}}", path)
        self.assert_error(run.results[0], "bad_record", '"api_token"')
        self.assertNotIn("ret\"", run.results[0]["detail"])


class Structure(Templates):
    NASTY = ('x","admin":true,"y":"', "\\", '"', "\n", "\u00e9\u2028", "}", "null")

    def test_any_value_is_a_string_inside_of_quotes(self):
        run = self.run_ringsend("send", "--url", self.echo.url, "--data",
                                '{"name": "a{{v}}b", "n": [{{v|json}}]}', "-c", "1",
                                self.file("x.csv", table("v", *self.NASTY)))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([json.loads(r.body) for r in self.echo.requests],
                         [{"name": "a%sb" % value, "n": [value]} for value in self.NASTY])

    def test_one_plain_value_stands_outside_of_them(self):
        for value in ('5,"admin":true', "", "Ann", "007", "1}", '{"a":1}', "[1]", '"a","b"', "NaN",
                      "'a'", "5\n"):
            self.refuse_value(value, "--data", "--url", self.echo.url, "--data",
                              '{"amount": {{v}}}')
        self.assertEqual({r.body for r in self.echo.requests}, {b'{"amount": 1}', b'{"amount": 2}'})

    def test_what_cannot_be_right_is_refused_at_the_start(self):
        for data, words in (('{"a": "{{v|json}}"}', "brings its own"), ('{"{{v}}": 1}',
                                                                        "member's name"),
                            ('{"a": {{v}}', "Content-Type"), ('{"a": 1{{v}}}', "stand alone")):
            self.refuse_template(words, "--url", self.echo.url, "--data", data)

    def test_the_content_type_decides(self):
        data = "{ user(id: {{v}}) }"
        self.refuse_template("Content-Type", "--url", self.echo.url, "--data", data)
        run = self.run_ringsend("send", "--url", self.echo.url, "--data", data, "-H",
                                "content-type: application/graphql",
                                self.file("x.csv", table("v", "1")))
        self.assertEqual(run.status, OK, run.err)
        form = "Content-Type: application/x-www-form-urlencoded"
        self.refuse_value("1&admin=1", "change the form", "--url", self.echo.url, "-H", form,
                          "--data", "{{v}}=x")

    def test_forms_and_xml(self):
        self.refuse_value("1&admin=1", "change the form", "--url", self.echo.url, "--data",
                          "a=1&b={{v}}")
        self.echo.requests.clear()
        self.run_ringsend("send", "--url", self.echo.url, "--data", "<a>{{v}}</a>",
                          self.file("x.csv", table("v", "</a><b>&")))
        self.assertEqual(self.echo.requests[0].body, b"<a>&lt;/a&gt;&lt;b&gt;&amp;</a>")

    def test_headers(self):
        path = self.file("x.csv", table("v", "a\r\nX-Admin: 1"))
        run = self.run_ringsend("send", "--url", self.echo.url, "-H", "X-A: {{v}}", path)
        self.assert_error(run.results[0], "bad_header", "X-A")
        self.refuse_value("a; admin=1", "--header Cookie", "--url", self.echo.url, "-H",
                          "Cookie: s={{v}}")


if __name__ == "__main__":
    main()

"""Files of every format, compressed or not, with templates; which of their records are sent."""

import base64
import gzip
import json
import os
import shutil
import subprocess
import unittest

from harness import Case, INPUT, NOT_ALL_OK, OK, USAGE, answering, main, response

TOKEN = "t0ken-of-the-environment"


def header(request, name):
    return {key.lower(): value for key, value in request.headers}[name]


class Formats(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))

    def send_files(self, *args, expect=OK):
        run = self.run_ringsend("send", *args, env=dict(os.environ, TOKEN=TOKEN))
        self.assertEqual(run.status, expect, run.err)
        for result in run.results:
            self.assert_result_shape(result)
        return run

    def bodies(self, *args, expect=OK):
        """Bodies of good results by line."""
        run = self.send_files("--url", self.echo.url, *args, expect=expect)
        return {r["line"]: r["body"] for r in run.results if r["ok"]}


class Json(Formats):
    def test_an_array_is_a_record_per_element_at_the_line_where_it_starts(self):
        pretty = json.dumps([{"data": {"n": n, "a": [{}]}} for n in range(3)], indent=2)
        self.assertEqual({line: json.loads(body) for line, body in
                          self.bodies(self.file("x.json", pretty.encode())).items()},
                         {line: {"n": n, "a": [{}]} for n, line in enumerate((2, 10, 18))})

    def test_a_json_file_of_values_one_after_another_is_read_too(self):
        path = self.file("x.json", b'{"data":"1"}\n{"data":"2"\n} {"data":"3"}')
        self.assertEqual(self.bodies(path), {1: "1", 2: "2", 3: "3"})

    def test_an_array_that_does_not_end_keeps_the_results_before_it(self):
        path = self.file("x.json", b'[{"data":"1"},\n{"data":"2"},\n{"data":"3"')
        run = self.send_files("--url", self.echo.url, path, expect=INPUT)
        self.assertEqual({r["body"] for r in run.results}, {"1", "2"})
        self.assertIn("x.json: line 3: the file ends within its array", run.err)

    def test_failed_elements_become_lines(self):
        path = self.file("x.json", b'[{"data":"1"},\n{"url":"nonsense",\n\n"id":7}]')
        failed = self.path("failed.jsonl")
        self.send_files("--url", self.echo.url, "--failed", failed, path, expect=NOT_ALL_OK)
        self.assertEqual([json.loads(line) for line in self.read("failed.jsonl").splitlines()],
                         [{"url": "nonsense", "id": 7}])

    def test_an_id_of_many_lines_is_one_in_the_result(self):
        path = self.file("x.json", b'[{"id": {"a":\n1},\n"data": [1,\n2]}]')
        run = self.send_files("--url", self.echo.url, path)
        self.assertEqual((run.results[0]["id"], run.results[0]["body"]), ({"a": 1}, "[1,\n2]"))

    def test_vegetas_targets_have_base64_bodies(self):
        target = {"method": "POST", "url": self.echo.url + "v", "header": {"X-A": ["1", "2"]},
                  "body": base64.b64encode(b"\0bytes").decode()}
        self.send_files(self.file("targets.jsonl", [target]))
        request = self.echo.requests[-1]
        self.assertEqual((request.method, request.target, request.body), ("POST", "/v", b"\0bytes"))
        del target["header"]
        self.send_files("--format", "vegeta", self.file("targets.jsonl", [target]))
        self.assertEqual(self.echo.requests[-1].body, b"\0bytes")


class Rows(Formats):
    ROWS = (b"\xef\xbb\xbfid,name,note\r\n"
            b'7,Ann,"says ""hi"",\r\nthen\tgoes"\r\n'
            b"\r\n"
            b"8, B\xc3\xb6b ,\r\n")

    def test_values_are_quoted_by_construction(self):
        path = self.file("x.csv", self.ROWS)
        run = self.send_files("--url", self.echo.url + "u/{{id}}?n={{name|trim|url}}", "-X", "PUT",
                              "--id", "{{name|trim}}", "-H", "X-Id: n{{id}}",
                              "-H", "Content-Type: application/json",
                              "--data", '{"name": {{name|trim|json}}, "note": {{note|json}}, '
                              '"id": {{id}}, "b": "{{name|trim|b64}}", "braces": "{{{{x}}"}', path)
        self.assertEqual({r["id"] for r in run.results}, {"Ann", "B\u00f6b"})
        self.assertEqual(sorted(r["line"] for r in run.results), [2, 5])
        requests = sorted(self.echo.requests, key=lambda r: r.target)
        self.assertEqual([r.target for r in requests], ["/u/7?n=Ann", "/u/8?n=B%C3%B6b"])
        self.assertEqual({r.method for r in requests}, {"PUT"})
        self.assertEqual([header(r, "x-id") for r in requests], ["n7", "n8"])
        self.assertEqual([json.loads(r.body) for r in requests],
                         [{"name": "Ann", "note": 'says "hi",\r\nthen\tgoes', "id": 7,
                           "b": base64.b64encode(b"Ann").decode(), "braces": "{{x}}"},
                          {"name": "B\u00f6b", "note": "", "id": 8,
                           "b": base64.b64encode("B\u00f6b".encode()).decode(),
                           "braces": "{{x}}"}])

    def test_without_data_there_is_no_body_when_the_url_has_a_column(self):
        self.send_files("--url", self.echo.url + "{{a}}", self.file("x.csv", b"a\n1\n"))
        self.assertEqual((self.echo.requests[-1].method, self.echo.requests[-1].body), ("GET", b""))

    def test_bad_rows_are_bad_records_and_their_neighbours_are_sent(self):
        rows = b'id,name\n1,a\n2\n3,b,c\n4,x"y\n5,"z"z\n6,\xff\n7,g\n'
        run = self.send_files("--url", self.echo.url, "--data", "{{name|json}}",
                              "--failed", self.path("failed.csv"), self.file("x.csv", rows),
                              expect=NOT_ALL_OK)
        by_line = {r["line"]: r for r in run.results}
        self.assertEqual({line for line, r in by_line.items() if r["ok"]}, {2, 8})
        self.assert_error(by_line[3], "bad_record", "1 field, the header 2")
        self.assert_error(by_line[4], "bad_record", "3 fields")
        self.assert_error(by_line[5], "bad_record", "column 4", "quote")
        self.assert_error(by_line[6], "bad_record", "quote")
        self.assert_error(by_line[7], "bad_record", "--data", '"name"', "UTF-8")
        self.assertEqual(sorted(self.read("failed.csv").splitlines()[1:]),
                         sorted(rows.splitlines()[2:7]))
        self.assertEqual(self.read("failed.csv").splitlines()[0], b"id,name")

    def test_quotes_that_are_none_in_a_table_with_tabs_say_what_reads_them(self):
        for rows in (b'id\tname\n1\tx"y\n', b'id\tname\n1\t"x"y\n', b'id\tname\n1\t"xy\n'):
            with self.subTest(rows=rows):
                path = self.file("x.tsv", rows)
                run = self.send_files("--url", self.echo.url, path, expect=NOT_ALL_OK)
                self.assert_error(run.results[0], "bad_record", "--format copy: a quote is")
                self.send_files("--url", self.echo.url, "--format", "copy", path)
                self.assertEqual(json.loads(self.echo.requests[-1].body)["name"].encode(),
                                 rows.splitlines()[1].partition(b"\t")[2])

    def test_a_value_that_would_change_the_url_is_refused(self):
        for value in (b"a?b", b"a#b", b"a&b", b"a=b", b"a%2f", b"a b", b"\xc3\xa9", b"x@y", b"a+b"):
            with self.subTest(value=value):
                path = self.file("x.csv", b"v\n" + value + b"\nfine\n")
                run = self.send_files("--url", self.echo.url + "{{v}}/x", path, expect=NOT_ALL_OK)
                bad = [r for r in run.results if not r["ok"]]
                self.assertEqual(len(bad), 1)
                self.assert_error(bad[0], "bad_record", "--url", '"v"')
                self.send_files("--url", self.echo.url + "{{v|url}}/x", path)

    def test_a_whole_url_may_come_from_a_column(self):
        self.send_files("--url", "{{where}}&c=d",
                        self.file("x.csv", b"where\n%sa?b=c\n" % self.echo.url.encode()))
        self.assertEqual(self.echo.requests[-1].target, "/a?b=c&c=d")

    def test_a_header_without_the_column_stops_that_file_before_it_sends(self):
        good, bad = self.file("a.csv", b"id\n1\n"), self.file("b.csv", b"Id,x\n2,3\n")
        run = self.send_files("--url", self.echo.url + "{{id}}", good, bad, expect=INPUT)
        self.assertEqual([r["file"] for r in run.results], [good])
        self.assertIn('b.csv: line 1: its header has no column "id", only: Id, x', run.err)

    def test_a_header_of_another_delimiter_names_what_reads_it(self):
        for name, header, said in (("c.tsv", b"id,v\n1,2\n", ["--format", "csv"]),
                                   ("d.tsv", b"id;v\n1;2\n", ["--delimiter", ";"]),
                                   ("e.tsv", b"id|v\n1|2\n", ["--delimiter", "|"])):
            with self.subTest(name):
                path = self.file(name, header)
                args = ("--url", self.echo.url + "{{id}}", "--data", "{{v}}")
                run = self.send_files(*args, path, expect=INPUT)
                self.assertTrue(run.err.rstrip().replace("'", "").endswith(
                    "columns: " + " ".join(said)), run.err)
                run = self.send_files(*args, *said, path)
                self.assertEqual([r["body"] for r in run.results], ["2"])
                self.assertEqual(self.echo.requests[-1].target, "/1")
        run = self.send_files("--url", self.echo.url + "{{id}}", self.file("e.csv", b"name\n1\n"),
                              expect=INPUT)
        self.assertNotIn("--format", run.err)

    def test_semicolons(self):
        path = self.file("x", b'\xef\xbb\xbfid;"a;b"\r\n1;"3,5;"";\nx"\r\n2;3,5\r\n')
        run = self.send_files("--format", "csv;", "--url", self.echo.url + "{{id}}", "--data",
                              "{{a;b}}", path)
        self.assertEqual({r["body"] for r in run.results}, {'3,5;";\nx', "3,5"})

    def test_tabs_and_several_files_with_headers_of_their_own(self):
        paths = self.file("a.tsv", b"id\tv\n1\ta,b\n"), self.file("b.tsv", b'v\tid\n"c\td"\t2\n')
        run = self.send_files("--url", self.echo.url + "{{id}}", "--data", "{{v}}", *paths)
        self.assertEqual({(r["file"], r["body"]) for r in run.results},
                         {(paths[0], "a,b"), (paths[1], "c\td")})

    def test_data_files_by_column(self):
        self.file("body", b"of the file")
        path = self.file("x.csv", b"f\n%s\n/nowhere\n" % self.path("body").encode())
        run = self.send_files("--url", self.echo.url, "--data-file", "{{f}}", path,
                              expect=NOT_ALL_OK)
        self.assertEqual([r["body"] for r in run.results if r["ok"]], ["of the file"])
        self.assert_error([r for r in run.results if not r["ok"]][0], "data_file", "/nowhere")


class Lines(Formats):
    def test_a_line_is_the_body(self):
        path = self.file("x.txt", b'a "b"\r\n\n{"c"')
        self.assertEqual(self.bodies(path), {1: 'a "b"', 3: '{"c"'})

    def test_a_list_of_urls_is_got(self):
        path = self.file("x.txt", b"%sa\n%sb?c=d\n" % ((self.echo.url.encode(),) * 2))
        self.send_files("--url", "{{line}}", path)
        self.assertEqual({(r.method, r.target, r.body) for r in self.echo.requests},
                         {("GET", "/a", b""), ("GET", "/b?c=d", b"")})
        names = {name.lower() for r in self.echo.requests for name, _ in r.headers}
        self.assertFalse(names & {"content-length", "content-type"}, names)
        self.send_files("--url", self.echo.url + "{{line|url}}", "--data", "{{line}}",
                        self.file("y.txt", b"e\n"))
        self.assertEqual(self.echo.requests[-1][:2] + (self.echo.requests[-1].body, ),
                         ("POST", "/e", b"e"))

    def test_a_line_fills_templates(self):
        path = self.file("x", b"a b\n%\n")
        self.send_files("--format", "lines", "--url", self.echo.url + "{{line|url}}", "--data",
                        "[{{line|json}}]", path)
        self.assertEqual({(r.target, r.body) for r in self.echo.requests},
                         {("/a%20b", b'["a b"]'), ("/%25", b'["%"]')})


class Usage(Formats):
    def refused(self, *args):
        run = self.run_ringsend("send", *args)
        self.assertEqual((run.status, run.out), (USAGE, b""))
        return run.err

    def test_what_cannot_be_meant_is_a_usage_error(self):
        csv, jsonl = self.file("x.csv", b"a\n1\n"), self.file("x.jsonl", b"{}\n")
        url = ("--url", "http://h/")
        for words, args in (("cannot go together", (*url, csv, jsonl)), ("give --url", (csv, )),
                            ("no columns", ("--url", "http://h/{{a}}", jsonl)),
                            ("nothing of a record", (*url, "--data", "x", jsonl)),
                            ("without \"}}\"", ("--url", "http://h/{{a", csv)),
                            ("no filter \"jsn\"", (*url, "--data", "{{a|jsn}}",
                                                   csv)), ("names no column", (*url, "--data",
                                                                               "{{ }}", csv)),
                            ("only one of",
                             (*url, "--data", "x", "--data-file", "y",
                              csv)), ("only {{line}}",
                                      (*url, "--format", "lines", "--id", "{{a}}",
                                       csv)), ("no variable \"NOT_THERE\"",
                                               (*url, "-H", "A: {{env.NOT_THERE}}",
                                                jsonl)), ("--format", ("--format", "xml", jsonl)),
                            ("--shard", ("--shard", "2/2", jsonl)), ("--shard", ("--shard", "1",
                                                                                 jsonl)),
                            ("--limit", ("--limit", "0",
                                         jsonl)), ("Authorization",
                                                   (*url, "-H", "Authorization: a\x01b", jsonl))):
            with self.subTest(words=words, args=args):
                self.assertIn(words, self.refused(*args))

    def test_the_environment_is_expanded_in_every_format(self):
        self.send_files("--url", self.echo.url + "{{env.TOKEN}}", "-H", "X-T: {{env.TOKEN|b64}}",
                        self.file("x.jsonl", [{"data": "{{env.TOKEN}}"}]))
        request = self.echo.requests[-1]
        self.assertEqual((request.target, request.body), ("/" + TOKEN, b"{{env.TOKEN}}"))
        self.assertEqual(header(request, "x-t"), base64.b64encode(TOKEN.encode()).decode())


class Compressed(Formats):
    LINES = b"".join(b'{"data":"%d"}\n' % n for n in range(3000))

    def test_gzip_is_read_whatever_its_name(self):
        packed = gzip.compress(self.LINES[:5000]) + gzip.compress(self.LINES[5000:])
        for name in ("x.jsonl.gz", "x"):
            with open(self.path(name), "wb") as file:
                file.write(packed)
            self.assertEqual(len(self.bodies(self.path(name))), 3000)

    def test_gzip_from_standard_input(self):
        with open(self.path("x.gz"), "wb") as file:
            file.write(gzip.compress(self.LINES))
        producer = subprocess.Popen(["cat", self.path("x.gz")], stdout=subprocess.PIPE)
        run = self.run_ringsend("send", "--url", self.echo.url, "-", stdin=producer.stdout)
        producer.stdout.close()
        producer.wait()
        self.assertEqual((run.status, len(run.results)), (OK, 3000), run.err)

    @unittest.skipUnless(shutil.which("zstd"), "not here: zstd")
    def test_zstd_is_read(self):
        path = self.file("x.csv", b"id\n" + b"".join(b"%d\n" % n for n in range(3000)))
        subprocess.run(["zstd", "-q", path], check=True)
        run = self.send_files("--url", self.echo.url + "{{id}}", path + ".zst")
        self.assertEqual(len(run.results), 3000)

    @unittest.skipUnless(shutil.which("zstd"), "not here: zstd")
    def test_large_windows_of_zstd(self):
        path = self.file("x", self.LINES)
        for window in (24, 27, 28):
            with open(self.path("x.zst"), "wb") as out, open(path, "rb") as source:
                subprocess.run(["zstd", "-q", "--long=%d" % window], stdin=source, stdout=out,
                               check=True)
            run = self.send_files("--url", self.echo.url, self.path("x.zst"),
                                  expect=OK if window < 28 else INPUT)
            self.assertEqual(len(run.results), 3000 if window < 28 else 0)
        self.assertIn("--long=31", run.err)

    def test_all_before_what_follows_the_data_is_sent(self):
        with open(self.path("x.gz"), "wb") as file:
            file.write(gzip.compress(self.LINES[:-1]) + b"rubbish")
        run = self.send_files("--url", self.echo.url, self.path("x.gz"), expect=INPUT)
        self.assertIn("the gzip data are whole", run.err)
        self.assertEqual(sorted(int(r["body"]) for r in run.results), list(range(3000)))

    def test_other_encodings_are_named(self):
        for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-32-le", "utf-32-be"):
            text = self.LINES.decode().encode(encoding)
            for content in (text, gzip.compress(text)):
                run = self.send_files("--url", self.echo.url, self.file("x", content),
                                      expect=INPUT)
                self.assertIn("it is UTF-" + encoding[4:6], run.err)
                self.assertEqual(run.results, [])

    def test_what_is_packed_twice_is_named(self):
        twice = gzip.compress(gzip.compress(self.LINES))
        run = self.send_files("--url", self.echo.url, self.file("x.gz", twice), expect=INPUT)
        self.assertIn("it is packed twice", run.err)
        self.assertEqual(run.results, [])

    def test_a_truncated_file_is_an_input_error_and_all_before_it_has_its_result(self):
        packed = gzip.compress(self.LINES, 1)
        with open(self.path("x.gz"), "wb") as file:
            file.write(packed[:len(packed) * 2 // 3])
        run = self.send_files("--url", self.echo.url, self.path("x.gz"), expect=INPUT)
        self.assertIn("x.gz: damaged gzip data: it ends too early", run.err)
        self.assertEqual(sorted(int(r["body"]) for r in run.results), list(range(len(run.results))))
        self.assertGreater(len(run.results), 500)


class Which(Formats):
    def numbers(self, *options):
        paths = (self.file("a", b"".join(b'{"data":"%d"}\n\n' % n for n in range(5))),
                 self.file("b", b"".join(b'{"data":"%d"}\n' % n for n in range(5, 9))))
        run = self.send_files("--url", self.echo.url, *options, *paths)
        return sorted(int(r["body"]) for r in run.results)

    def test_skip_limit_and_shard(self):
        self.assertEqual(self.numbers("--skip", "6"), [6, 7, 8])
        self.assertEqual(self.numbers("--limit", "2"), [0, 1])
        self.assertEqual(self.numbers("--skip", "4", "--limit", "3"), [4, 5, 6])
        self.assertEqual(self.numbers("--shard", "1/3"), [1, 4, 7])
        self.assertEqual(self.numbers("--shard", "0/2", "--skip", "1", "--limit", "4"), [2, 4])
        self.assertEqual(self.numbers("--skip", "9"), [])


class Keys(Formats):
    RECORDS = [{"data": "a"}, {"data": "a"}, {"data": "b", "headers": {"Idempotency-Key": "own"}},
               {"data": "c", "method": "PATCH"}]

    def keys(self, *options, name="idempotency-key", expect=OK):
        self.echo.requests.clear()
        self.send_files("--url", "http://127.0.0.1:%d/" % self.echo.port, "-c", "1", *options,
                        self.file("x", self.RECORDS), expect=expect)
        return [header(r, name) for r in self.echo.requests]

    def test_each_record_has_a_key_of_its_own_which_stays(self):
        keys = self.keys("--idempotency-key")
        self.assertEqual((len(set(keys)), keys[2]), (4, "own"))
        for key in keys[:2] + keys[3:]:
            self.assertRegex(
                key, "^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        self.assertEqual(self.keys("--idempotency-key"), keys)
        self.assertEqual(self.keys("--idempotency-key", "--skip", "1"), keys[1:])
        self.assertEqual(self.keys("--idempotency-key", "--shard", "1/2"), keys[1::2])

    def test_another_header(self):
        self.RECORDS = [*self.RECORDS[:2], {"data": "b", "headers": {"X-Key": "mine"}}]
        self.assertEqual(self.keys("--idempotency-key=x-key", name="x-key")[2], "mine")

    def test_a_post_with_a_key_is_tried_again(self):
        answers = iter([None, response(b"done")])

        def answer(peer):
            peer.request()
            data = next(answers)
            if data:
                peer.send(data)

        server = self.server(answer)
        run = self.send("--url", server.url, "--idempotency-key", records=[{"data": "x"}],
                        expect=OK)
        self.assertEqual(run.results[0]["attempts"], 2)
        self.assertEqual(len({header(r, "idempotency-key") for r in server.requests}), 1)

    def test_a_header_that_all_have_cannot_be_a_key(self):
        run = self.run_ringsend("send", "--idempotency-key", "-H", "idempotency-key: x",
                                self.file("x", self.RECORDS))
        self.assertEqual(run.status, USAGE)

    def test_a_header_that_means_something_else_cannot_be_a_key(self):
        for name in ("Host", "content-type", "Authorization"):
            run = self.run_ringsend("check", "--idempotency-key=" + name,
                                    self.file("x", self.RECORDS))
            self.assertEqual(run.status, USAGE)
            self.assertIn("means something else", run.err)

    def test_a_blank_key_is_none(self):
        server = self.server(lambda peer: peer.request())  # and closes without an answer
        rows = self.file("x.csv", b'key,n\n,1\n"  ",2\n"""""",3\n')
        run = self.run_ringsend("send", "--url", server.url + "{{n}}", "-H",
                                "Idempotency-Key: {{key}}", "--data", "x", rows)
        run_json = self.send("--url", server.url, records=[
            {"data": "x", "headers": {name: value}} for name, value in
            (("idempotency-KEY", ""), ("Idempotency-Key", " "), ("Idempotency-Key", ["a", "b"]),
             ("Idempotency-Key", ["", "a"]))])
        for result in run.results + run_json.results:
            self.assertEqual((result["attempts"], result.get("ambiguous")), (1, True), result)
        self.assertEqual(len(server.requests), 7)

    def test_a_blank_key_is_filled_in(self):
        self.RECORDS = [{"data": "a", "headers": {"Idempotency-Key": ""}},
                        {"data": "b", "headers": {"idempotency-key": " "}}]
        keys = self.keys("--idempotency-key")
        self.assertEqual(len(set(keys)), 2)
        for request in self.echo.requests:
            self.assertEqual(request.head.lower().count(b"idempotency-key"), 1)

    def test_one_key_for_all_records_is_refused(self):
        for key in ("x", "{{env.RUN}}", ""):
            for command in ("send", "check"):
                run = self.run_ringsend(command, "--url",
                                        self.echo.url, "-H", "IDEMPOTENCY-KEY: " + key,
                                        self.file("x", self.RECORDS), env={"RUN": "of the run"})
                self.assertEqual(run.status, USAGE, key)
                self.assertIn("same for all records", run.err)
        self.assertEqual(self.echo.requests, [])

    def test_a_key_that_two_different_records_share(self):
        """A platform would do the first one, and take the second for it."""
        rows = self.file("x.csv", b"customer,n\na,1\nb,2\na,3\na,1\n,4\n,5\n")
        more = self.file("y.csv", b"customer,n\nc,1\nb,7\n")
        args = ("--url", self.echo.url, "--data", "{{n}}", "-H", "Idempotency-Key: {{customer}}",
                rows, more)
        run = self.send_files(*args, expect=NOT_ALL_OK)
        shared = [r for r in run.results if r["error"] and 'key "' in r["detail"]]
        self.assertEqual(
            sorted((r["file"], r["line"], r["attempts"],
                    r["detail"].partition(" is ")[2].partition(" too,")[0])
                   for r in shared), [(rows, 4, 0, "that of line 2"),
                                      (more, 3, 0, "that of line 3 of " + rows[:60])])
        self.assertEqual(
            sorted(r.body for r in self.echo.requests
                   if b"idempotency-key: \r" not in r.head.lower()), [b"1", b"1", b"1", b"2"])
        run = self.run_ringsend("check", *args)
        self.assertEqual(run.status, INPUT)
        self.assertIn(
            b'%s:4:1: the idempotency key "a" is that of line 2 too, which is another record' %
            rows.encode(), run.out)
        self.assertIn(b'%s:3:1: the idempotency key "b" is that of line 3 of ' % more.encode(),
                      run.out)

    def test_of_records_of_json_and_with_a_header_of_its_own(self):
        def lines(name, key):
            return [{"data": "x%d" % n, "headers": {name: key % n}} for n in (1, 1, 2)]
        for name, option in (("idempotency-key", ()), ("X-Job", ("--idempotency-key=X-Job",))):
            same = self.send_files("--url", self.echo.url, *option,
                                   self.file("a", lines(name, "k%d")))
            self.assertEqual(len(same.results), 3)
            run = self.send_files("--url", self.echo.url, *option,
                                  self.file("b", lines(name, "k%.0s")), expect=NOT_ALL_OK)
            self.assertEqual([r["line"] for r in run.results if r["error"] == "bad_record"], [3])

    def test_keys_are_made_of_ids(self):
        """From any place, in any file; two records with the same id are told apart by the rest."""
        records = [{"id": n % 3, "data": "x%d" % (n // 3)} for n in range(9)]
        self.RECORDS = records
        keys = self.keys("--idempotency-key")
        self.assertEqual(len({str(key) for key in keys}), 9)
        self.RECORDS = records[::-1]
        self.assertEqual(self.keys("--idempotency-key"), keys[::-1])

    def test_two_that_would_have_one_made_key(self):
        first = [{"id": "a", "data": "x"}, {"id": "a", "data": "y"}, {"data": "x"}, {"data": "x"},
                 {"id": "a", "data": "x", "headers": {"x": "y"}}]
        args = ("--url", self.echo.url, "--idempotency-key", self.file("a", first),
                self.file("b", [{"id": "a", "data": "y"}]))
        run = self.send_files(*args, expect=NOT_ALL_OK)
        wrong = {(r["file"][-1:], r["line"]): r["detail"] for r in run.results if not r["ok"]}
        self.assertEqual(set(wrong), {("a", 5), ("b", 1)})
        self.assertIn('id "a" and request are those of line 1 too, and so is the', wrong["a", 5])
        self.assertIn('id "a" and request are those of line 2 of ', wrong["b", 1])
        self.assertEqual(len({str(header(r, "idempotency-key")) for r in self.echo.requests}), 4)
        run = self.run_ringsend("check", *args)
        self.assertEqual((run.status, run.out.count(b"\n")), (INPUT, 2), run.out)
        # Who makes no keys has none to share.
        self.assertEqual(self.run_ringsend("check", *args[:2], *args[3:]).status, OK)

    def test_check_remembers_all_keys(self):
        with open(self.path("many"), "w", encoding="ascii") as file:
            for n in (*range(100000), 5):
                print('{"data":"%d","headers":{"idempotency-key":"k%d"}}' % (n + file.tell(), n),
                      file=file)
        run = self.run_ringsend("check", "--url", self.echo.url, self.path("many"))
        self.assertEqual(run.status, INPUT, run.err)
        self.assertIn(b':100001:1: the idempotency key "k5" is that of line 6 too', run.out)
        self.assertIn("1 cannot be sent", run.err)

    def test_a_key_of_which_nothing_is_the_records_is_refused(self):
        run = self.send_files("--url", self.echo.url, "--data", "x", "-H",
                              "Idempotency-Key: order-{{a}}{{b}}",
                              self.file("x.csv", b"a,b\n1,\n, \n,2\n"), expect=NOT_ALL_OK)
        self.assert_error([r for r in run.results if not r["ok"]][0], "bad_record",
                          "Idempotency-Key")
        self.assertEqual(sorted(header(r, "idempotency-key") for r in self.echo.requests),
                         ["order-1", "order-2"])


if __name__ == "__main__":
    main()

"""Rows of tables that become bodies: whole, typed, and checked. What check and --dry-run say is
what send does."""

import csv
import io
import json
import os

from harness import Case, INPUT, NOT_ALL_OK, OK, STOPPED, USAGE, answering, header, main, response

HOSTILE = ["", " ", 'q"q', "a,b", "a;b|c", "line\nend", "cr\rlf\r\n", "nul\0", "b\u00f6\u2028",
           "{{id}}", "\\u0041", "</script>", "1e999", "007", "null", "true", "\ufeff", "x" * 3000,
           '5,"admin":true']


def table(*rows, **dialect):
    out = io.StringIO()
    csv.writer(out, **dialect).writerows(rows)
    return out.getvalue().encode()


class Rows(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda r: response(b"")))

    def everywhere(self, *args, status):
        """What send says, once check has said the same."""
        status_of_check = {NOT_ALL_OK: INPUT}.get(status, status)
        run = self.run_ringsend("check", "--url", self.echo.url, *args)
        self.assertEqual(run.status, status_of_check, run.err)
        run = self.run_ringsend("send", "--dry-run=99", "--url", self.echo.url, *args)
        self.assertEqual(run.status, status_of_check, run.err)
        self.assertEqual(self.echo.requests, [])
        self.shown = run.out.decode(errors="replace")
        run = self.run_ringsend("send", "-c", "1", "--url", self.echo.url, *args)
        self.assertEqual(run.status, status, run.err)
        return run

    def bodies(self):
        return [json.loads(r.body) for r in self.echo.requests]


class Whole(Rows):
    def test_a_row_is_a_json_object_and_a_post(self):
        rows = [[str(n), value] for n, value in enumerate(HOSTILE)]
        self.everywhere(self.file("x.csv", table(["id", "the value"], *rows)), status=OK)
        self.assertEqual(self.bodies(), [{"id": n, "the value": value} for n, value in rows])
        self.assertEqual({(r.method, *header(r, "content-type")) for r in self.echo.requests},
                         {("POST", "application/json")})
        self.assertEqual(list(self.bodies()[0]), ["id", "the value"])

    def test_of_a_table_with_tabs_and_a_mark_and_line_ends_of_windows(self):
        self.everywhere(self.file("x.tsv", b"\xef\xbb\xbfid\tb\r\n1\tx y\r\n"), status=OK)
        self.assertEqual(self.bodies(), [{"id": "1", "b": "x y"}])

    def test_a_field_of_a_megabyte(self):
        big = "x\"\n" * (1 << 18)
        self.everywhere(self.file("x.csv", table(["a", "b"], ["1", big])), "--method=PUT",
                        status=OK)
        self.assertEqual(self.bodies(), [{"a": "1", "b": big}])
        self.assertEqual(self.echo.requests[0].method, "PUT")

    def test_the_id_is_no_use_of_a_column(self):
        run = self.everywhere(self.file("x.csv", b"n\n5\n"), "--id", "{{n}}", status=OK)
        self.assertEqual(run.results[0]["id"], "5")
        self.assertEqual(self.bodies(), [{"n": "5"}])

    def test_a_content_type_of_forms_asks_for_a_form(self):
        self.everywhere(self.file("x.csv", b"a b,c\nx y,&\n"), "-H",
                        "Content-Type: application/x-www-form-urlencoded", status=OK)
        self.assertEqual(self.echo.requests[0].body, b"a+b=x+y&c=%26")

    def test_a_column_in_a_header_is_beside_the_body(self):
        path = self.file("x.csv", b"n,m\n5,6\n")
        self.everywhere(path, "-H", "X-N: {{n}}", status=OK)
        self.assertEqual(self.bodies(), [{"n": "5", "m": "6"}])
        self.assertEqual((self.echo.requests[0].method, header(self.echo.requests[0], "x-n")),
                         ("POST", ["5"]))
        for more in (["-X", "DELETE"], ["--data", "x"], ["--url", self.echo.url + "{{m}}"]):
            self.echo.requests.clear()
            self.everywhere(path, "-H", "X-N: {{n}}", *more, status=OK)
            self.assertNotIn(b"{", self.echo.requests[0].body)

    def test_a_header_has_the_last_word_about_the_type(self):
        self.everywhere(self.file("x.csv", b"a\n1\n"), "-H", "Content-Type: application/x.v2+json",
                        status=OK)
        self.assertEqual(header(self.echo.requests[0], "content-type"), ["application/x.v2+json"])

    def test_nothing_is_sent_that_uses_no_column(self):
        rows, lines = self.file("x.csv", b"a\n1\n"), self.file("x.txt", b"1\n")
        for args in (["-X", "GET", rows], ["-X", "DELETE", rows], ["--data", "x", rows],
                     ["--data", "x", lines], ["--data-file", rows, rows]):
            run = self.everywhere(*args, status=USAGE)
            self.assertIn("would be the same for each", run.err)
        run = self.everywhere("-H", "Content-Type: text/xml", rows, status=USAGE)
        self.assertIn("neither JSON nor a form", run.err)
        self.assertEqual(self.echo.requests, [])

    def test_headers_that_make_no_object_end_the_file(self):
        for head, words in ((b"a,a", "more than once"), (b"a,,b", "column 2 has no name"),
                            (b"a,\xff", "not UTF-8")):
            path = self.file("x.csv", head + b"\n1,2\n")
            run = self.run_ringsend("send", "--url", self.echo.url, path)
            self.assertEqual(run.status, INPUT)
            self.assertIn(words, run.err)
        self.assertEqual(self.echo.requests, [])


class Types(Rows):
    TABLE = (b"id,amount,paid,note\n1,5.50,yes,a\n2,,no,\n3,007,yes,\n4,NaN,no,\n5,1,maybe,\n"
             b'6,"5,""admin"":true",no,\n')
    GOOD = [{"id": "1", "amount": 5.5, "paid": True, "note": "a"},
            {"id": "2", "amount": None, "paid": False, "note": None}]
    BAD = [(4, 3, "amount"), (5, 3, "amount"), (6, 5, "paid"), (7, 4, "amount")]

    def judge(self, run):
        self.assertEqual(self.bodies(), self.GOOD)
        bad = [r for r in run.results if not r["ok"]]
        self.assertEqual([r["line"] for r in bad], [line for line, _, _ in self.BAD])
        for result, (_, column, name) in zip(bad, self.BAD):
            self.assert_error(result, "bad_record", "column %d: " % column, name)
            self.assertIn(result["detail"], self.shown)

    def test_of_whole_rows(self):
        run = self.everywhere("--types", "amount:number|null, paid:bool,note:null",
                              self.file("x.csv", self.TABLE), status=NOT_ALL_OK)
        self.judge(run)

    def test_the_same_by_filters(self):
        run = self.everywhere(
            "--data", '{"id":{{id|json}},"amount":{{amount|number|null}},"paid":{{paid|bool}},'
            '"note":{{note|json|null}}}', self.file("x.csv", self.TABLE), status=NOT_ALL_OK)
        self.judge(run)
        self.assertEqual({r.body for r in self.echo.requests[:1]},
                         {b'{"id":"1","amount":5.50,"paid":true,"note":"a"}'})

    def test_default_and_null_are_for_what_is_empty(self):
        self.everywhere("--data", '{"a":{{amount|default:0}},"b":"{{note|default:none}}"}',
                        "--limit", "2", self.file("x.csv", self.TABLE), status=OK)
        self.assertEqual(self.bodies(), [{"a": 5.5, "b": "a"}, {"a": 0, "b": "none"}])

    def test_a_whole_row_is_a_value_of_a_template(self):
        self.everywhere("--types", "n:number", "--data",
                        '{"row":{{*|json}},"text":"{\\"in\\":{{*|json}}}"}',
                        self.file("x.csv", b'n,s\n1,"q"""\n'), status=OK)
        body = self.bodies()[0]
        self.assertEqual(body["row"], {"n": 1, "s": 'q"'})
        self.assertEqual(json.loads(body["text"]), {"in": {"n": 1, "s": 'q"'}})

    def test_a_whole_row_is_a_query(self):
        run = self.run_ringsend("send", "--url", self.echo.url + "?{{*|form}}",
                                self.file("x.csv", b"a,b c\n1 &,2\n"))
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([(r.method, r.target) for r in self.echo.requests],
                         [("GET", "/?a=1+%26&b+c=2")])

    def test_what_makes_no_sense_is_refused(self):
        path = self.file("x.csv", b"a\n1\n")
        for words, args in (("no filter", ["--types", "a:integer"]),
                            ("COLUMN:TYPE", ["--types", "a"]),
                            ("about the whole row", ["--types", "a:number", "--data", "{{a}}"]),
                            ("all of a row", ["--data", "{{*}}"]),
                            ("no value of JSON", ["--data", '{"a":"{{a|null}}"}']),
                            ("of lines there is only", ["--format=lines", "--data", "{{*|json}}"]),
                            ("goes with csv", ["--format=jsonl", "--types", "a:number"])):
            self.assertIn(words, self.everywhere(*args, path, status=USAGE).err)
        run = self.run_ringsend("check", "--url", self.echo.url, "--types", "b:number", path)
        self.assertEqual(run.status, INPUT)
        self.assertIn('no column "b"', run.err)

    def test_bench_and_probe_take_them(self):
        path = self.file("x.csv", b"n\n7\n")
        for command in (["bench", "-n", "1"], ["probe", "-c", "1", "--step", "100ms"]):
            run = self.run_ringsend(*command, "-q", "--url", self.echo.url, "--types", "n:number",
                                    path)
            self.assertEqual(run.status, OK, run.err)
            self.assertEqual(self.bodies()[-1], {"n": 7})

    def test_secrets_are_masked_in_whole_rows(self):
        path = self.file("x.csv", b"user,password\nann,hush-1\n")
        run = self.run_ringsend("send", "--dry-run", "--url", self.echo.url, path)
        self.assertEqual(run.status, OK)
        self.assertIn(b"ann", run.out)
        self.assertNotIn(b"hush", run.out)


class Declared(Rows):
    """What is called JSON is JSON."""

    JSON = ["-H", "Content-Type: application/json"]

    def judge(self, run, *wanted):
        bad = [r for r in run.results if not r["ok"]]
        self.assertEqual([r["line"] for r in bad], [line for line, _ in wanted])
        for result, (_, words) in zip(bad, wanted):
            self.assert_error(result, "bad_record", "the body is not JSON", words)
            self.assertIn(result["detail"], self.shown)

    def test_a_column_that_is_the_body(self):
        path = self.file("x.csv", table(["id", "p"], ["1", '{"a":1}'], ["2", '{"a":01}'],
                                        ["3", '{"a":1'], ["4", "[] []"]))
        run = self.everywhere(*self.JSON, "--data", "{{p}}", path, status=NOT_ALL_OK)
        self.judge(run, (3, "column 4: "), (4, "at byte 7"))

    def test_lines(self):
        path = self.file("x.txt", b'{"a":1}\n{"a":}\n\xff\n')
        run = self.everywhere(*self.JSON, path, status=NOT_ALL_OK)
        self.judge(run, (2, "column 6: "), (3, "column 1: "))

    def test_texts_of_records(self):
        path = self.file("x.jsonl", [{"data": "{}"}, {"data": "{"}, {"data": ""}, {"data": {}},
                                     {"data": "{", "headers": {"content-type": "text/plain"}},
                                     {"data_base64": "ew=="}])
        run = self.everywhere(*self.JSON, path, status=NOT_ALL_OK)
        self.judge(run, (2, "column 12: "), (6, "at byte 2"))

    def test_a_template_that_is_not_is_refused(self):
        path = self.file("x.csv", b"a\n1\n")
        for data in ('{"a": {{a}}', '{"a": 1', "[1 2]"):
            run = self.everywhere("--url", self.echo.url + "{{a}}", "--data", data, path,
                                  status=USAGE)
            self.assertIn("begins like JSON", run.err)

    def test_a_template_that_is_brings_its_type(self):
        path = self.file("x.csv", b"a\n1\n")
        url = ["--url", self.echo.url + "{{a}}"]
        for data in ('{"a":{{a}}}', '{"a":1}', "{{a|json}}", '[{{a|number}},"{{a}}"]'):
            for more in ([], ["-H", "X-A: {{a}}"]):
                self.echo.requests.clear()
                self.everywhere(*url, "--data", data, *more, path, status=OK)
                self.assertEqual(header(self.echo.requests[0], "content-type"),
                                 ["application/json"])
                self.assertEqual(len(header(self.echo.requests[0], "x-a")), len(more) // 2)
        self.echo.requests.clear()
        for data in ("a={{a}}", "{{a}}", "text"):
            self.echo.requests.clear()
            self.everywhere(*url, "--data", data, path, status=OK)
            self.assertEqual(header(self.echo.requests[0], "content-type"), [])


class Dialects(Rows):
    """Tables as others write them."""

    def told(self, run):
        return run.err.count("(--delimiter says otherwise)")

    def test_what_separates_columns_is_guessed_and_told(self):
        for sign, shown in ((b";", "';'"), (b"|", "'|'"), (b"\t", "'\\t'")):
            self.echo.requests.clear()
            path = self.file("x.csv", sign.join([b"id", b'"the, n"']) + b"\r\n" +
                             sign.join([b"1", b'"3,5' + sign + b'\n"']) + b"\r\n" +
                             sign.join([b"2", b"4,5"]) + b"\r\n")
            run = self.everywhere(path, status=OK)
            self.assertEqual(self.told(run), 1, run.err)
            self.assertIn(shown, run.err)
            self.assertEqual(self.bodies(), [{"id": "1", "the, n": "3,5%s\n" % sign.decode()},
                                             {"id": "2", "the, n": "4,5"}])
            run = self.run_ringsend("check", "--url", self.echo.url, path)
            self.assertEqual(self.told(run), 1)

    def test_a_comma_is_never_another_sign(self):
        for head in (b"a;b,c", b"a", b'"a;b"', b"a b"):
            path = self.file("x.csv", head + b"\n" + b"1" + b",2" * head.count(b",") + b"\n")
            run = self.everywhere(path, status=OK)
            self.assertEqual(self.told(run), 0, run.err)
            self.echo.requests.clear()

    def test_each_file_has_its_own(self):
        self.everywhere(self.file("a.csv", b"a;b\n1;2\n"), self.file("b.csv", b"a,b\n3,4\n"),
                        self.file("c.csv", b"a|b\n5|6\n"), status=OK)
        self.assertEqual([r["a"] for r in self.bodies()], ["1", "3", "5"])

    def test_it_is_said(self):
        run = self.everywhere("--delimiter", ":", self.file("x.csv", b"a;b:c\n1:2,3\n"), status=OK)
        self.assertEqual((self.bodies(), self.told(run)), ([{"a;b": "1", "c": "2,3"}], 0))
        self.echo.requests.clear()
        self.everywhere("--delimiter", "\\t", self.file("x.csv", b"a;b\tc\n1\t2\n"), status=OK)
        self.assertEqual(self.bodies(), [{"a;b": "1", "c": "2"}])
        self.echo.requests.clear()
        path = self.file("x.csv", b"a\n")
        for words, args in (("one sign", ["--delimiter", ""]), ("one sign", ["--delimiter", ";;"]),
                            ("one sign", ["--delimiter", '"']), ("one sign", ["--delimiter", "a"]),
                            ("--delimiter goes with", ["--delimiter", ";", "--format", "jsonl"]),
                            ("--encoding goes with", ["--encoding=latin-1", "--format=lines"])):
            self.assertIn(words, self.everywhere(*args, path, status=USAGE).err)

    def test_encodings(self):
        text = "n\u00e4me,v\n\u00e9\u00df,\u20ac\u201c\n"
        for encoding, python in (("windows-1252", "cp1252"), ("utf-8", "utf-8")):
            self.echo.requests.clear()
            path = self.file("x.csv", text.encode(python))
            self.everywhere("--encoding", encoding, path, status=OK)
            self.assertEqual(self.bodies(), [{"n\u00e4me": "\u00e9\u00df", "v": "\u20ac\u201c"}])
        self.echo.requests.clear()
        every = bytes(range(0x80, 0x100))
        self.everywhere("--encoding", "latin-1", "--data", '{"v": {{\u00e4|json}}}',
                        self.file("x.csv", b"\xe4\n" + every + b"\n"), status=OK)
        self.assertEqual(self.bodies(), [{"v": every.decode("latin-1")}])

    def test_what_is_not_utf_8_names_the_option(self):
        run = self.everywhere(self.file("x.csv", b"a\n\xe4\n"), status=NOT_ALL_OK)
        self.assert_error(run.results[0], "bad_record", "not UTF-8", "--encoding")

    def test_failed_rows_keep_their_bytes(self):
        head, bad = b"a;n\r\n", b'"\xe4";x\r\n'
        path = self.file("x.csv", head + b"\xe5;1\r\n" + bad)
        run = self.run_ringsend("send", "--url", self.echo.url, "--encoding", "latin-1", "--types",
                                "n:number", "--failed", self.path("failed.csv"), path)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual(self.read("failed.csv"), head + bad)

    COPY = (b'id\ttext\n1\ta"b\\tc\\nd\\\\e\n2\t\\N\n3\t"\n4\tx\\\ny\n5\ta\\\\\n6\t\\\t\n')
    TEXTS = ['a"b\tc\nd\\e', "", '"', "x\ny", "a\\", "\t"]

    def test_tables_as_databases_write_them(self):
        run = self.everywhere("--format", "copy", self.file("x.tsv", self.COPY), status=OK)
        self.assertEqual([r["text"] for r in self.bodies()], self.TEXTS)
        self.assertEqual([r["line"] for r in run.results], [2, 3, 4, 5, 7, 8])
        self.echo.requests.clear()
        self.everywhere("--format", "copy", "--types", "text:null", self.file("x.tsv", self.COPY),
                        status=OK)
        self.assertEqual(self.bodies()[1], {"id": "2", "text": None})

    def test_their_errors_have_columns(self):
        run = self.everywhere("--format", "copy", "--types", "b:number",
                              self.file("x.tsv", b"a\tb\n\\\t\t7\nx\\\\\t\"7\"\n1\t7\\"),
                              status=NOT_ALL_OK)
        bad = [r for r in run.results if not r["ok"]]
        self.assert_error(bad[0], "bad_record", "column 5: ", '"b" is no number')
        self.assert_error(bad[1], "bad_record", "a backslash at the end")
        self.assertEqual(self.bodies(), [{"a": "\t", "b": 7}])

    def test_resume_goes_on_in_the_middle(self):
        answers = []

        def answer(_):
            answers.append(1)
            return response(b"", "500 No" if len(answers) == 3 else "200 OK")
        server = self.server(answering(answer))
        rows = b"".join(b'%d;"x;\n\xe4"\n' % n for n in range(300))
        path = self.file("x.csv", b"id;t\n" + rows)
        send = ["send", "-o", self.path("out"), "-c", "1", "--url", server.url,
                "--encoding", "latin-1", "--abort-on", "500", "--tries", "1"]
        self.assertEqual(self.run_ringsend(*send, path).status, STOPPED)
        for words in (["--delimiter", ";"], ["--encoding", "windows-1252"]):
            run = self.run_ringsend(*send, "--resume", *words, path)
            self.assertEqual(run.status, USAGE, run.err)
            self.assertIn(words[0] + " is not as in the run", run.err)
        run = self.run_ringsend(*send, "--resume", path)
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        self.assertEqual(sorted(int(json.loads(r.body)["id"]) for r in server.requests),
                         list(range(300)))
        self.assertEqual({json.loads(r.body)["t"] for r in server.requests}, {"x;\n\u00e4"})

    def test_bench_and_probe_take_them(self):
        path = self.file("x.csv", b"n:m\n\xe4:2\n")
        for command in (["bench", "-n", "1"], ["probe", "-c", "1", "--step", "100ms"]):
            run = self.run_ringsend(*command, "-q", "--url", self.echo.url, "--delimiter", ":",
                                    "--encoding", "latin-1", path)
            self.assertEqual(run.status, OK, run.err)
            self.assertEqual(self.bodies()[-1], {"n": "\u00e4", "m": "2"})
            run = self.run_ringsend(*command, "-q", "--url", self.echo.url,
                                    self.file("y.csv", b"n;m\n1;2\n"))
            self.assertEqual((run.status, self.told(run)), (OK, 1), run.err)
            self.assertEqual(self.bodies()[-1], {"n": "1", "m": "2"})


class Data(Rows):
    """Records of JSON that are data of some domain, whatever their keys are called."""

    RECORDS = [{"id": 7, "data": {"a": 'x"y'}, "url": "http://127.0.0.1:1/", "n": 5, "s": "5",
                "z": None, "list": [1, {"b": True}], "text": "a & b\u00e9"},
               {"id": "8 /", "n": 6, "text": ""}]

    def path_of(self, *records):
        return self.file("x.jsonl", list(records or self.RECORDS))

    def test_as_bodies_they_go_as_they_stand(self):
        lines = (b'{"id": 1}\r\n', b'  {"url":"http://127.0.0.1:1/", "data": "x"} \n', b'"text"\n',
                 b"5\n", b"[]\n", b"null\n")
        run = self.everywhere("--as-body", self.file("x.jsonl", b"".join(lines)), status=OK)
        self.assertEqual([r.body for r in self.echo.requests], [line.strip() for line in lines])
        self.assertEqual({(r.method, *header(r, "content-type")) for r in self.echo.requests},
                         {("POST", "application/json")})
        self.assertEqual([r["id"] for r in run.results], [1, 2, 3, 4, 5, 6])
        self.assertNotIn("note", run.err)

    def test_of_an_array_too(self):
        path = self.file("x.json", b'[{"id": 1,\n "data": 2},\n {"id": 3}]')
        run = self.everywhere("--id-from", ".id", path, status=OK)
        self.assertEqual(self.bodies(), [{"id": 1, "data": 2}, {"id": 3}])
        self.assertEqual([(r["id"], r["line"]) for r in run.results], [(1, 1), (3, 3)])

    def test_ids_are_values_of_any_kind(self):
        records = [{"o": {"id": value}} for value in (1, "a\"", 1.50, None, [1], {"x": 2}, True)]
        run = self.everywhere("--id-from", ".o.id", self.path_of(*records), status=OK)
        self.assertEqual([r["id"] for r in run.results], [r["o"]["id"] for r in records])

    def test_an_id_that_is_not_there_is_an_error(self):
        run = self.everywhere("--id-from", ".o.id", self.path_of({"o": 1}, {"o": {"id": 1}}),
                              status=NOT_ALL_OK)
        self.assert_error(run.results[0], "bad_record", ".o.id")
        self.assertEqual(len(self.echo.requests), 1)

    def test_what_is_no_json_is_an_error_with_its_column(self):
        for args in (["--as-body"], ["--data", '{"a":{{.a}}}']):
            run = self.everywhere(*args, self.file("x.jsonl", b'{"a":01}\n{} {}\n{"a":1}\n'),
                                  status=NOT_ALL_OK)
            self.assertEqual([r["line"] for r in run.results if not r["ok"]], [1, 2])
            self.assert_error(run.results[0], "bad_record", "column ")
            self.echo.requests.clear()

    def test_paths_are_names_in_templates(self):
        run = self.run_ringsend(
            "send", "-c", "1", "--url", self.echo.url + "{{.id|url}}?q={{.text|form}}", "-X", "PUT",
            "-H", "X-N: {{.n}}", "--id", "{{.id}}", self.path_of())
        self.assertEqual(run.status, OK, run.err)
        self.assertEqual([(r.method, r.target, *header(r, "x-n")) for r in self.echo.requests],
                         [("PUT", "/7?q=a+%26+b%C3%A9", "5"), ("PUT", "/8%20%2F?q=", "6")])
        self.assertEqual(self.bodies(), self.RECORDS)
        self.assertEqual([r["id"] for r in run.results], ["7", "8 /"])

    def test_values_stand_as_they_are_or_as_filters_say(self):
        data = ('{"n":{{.n}},"list":{{.list|null}},"a":{{.data.a|default:"q"}},'
                '"s":"{{.s|default:-}}","num":{{.s|number|null}},'
                '"z":{{.z|null}},"all":{{*|json}},"q":{{.text|json}},'
                '"in":"{\\"b\\":{{.list[1]|null}}}","t":"{{.text}}"}')
        self.everywhere("--data", data, self.path_of(), status=OK)
        first, second = self.RECORDS
        self.assertEqual(self.bodies(), [
            {"n": 5, "list": first["list"], "a": 'x"y', "s": "5", "num": 5, "z": None, "all": first,
             "q": first["text"], "in": '{"b":{"b": true}}', "t": first["text"]},
            {"n": 6, "list": None, "a": "q", "s": "-", "num": None, "z": None, "all": second,
             "q": "", "in": '{"b":null}', "t": ""}])

    def test_what_is_missing_is_an_error(self):
        run = self.everywhere("--data", '{"a":{{.data.a}}}', self.path_of(), status=NOT_ALL_OK)
        bad = [r for r in run.results if not r["ok"]]
        self.assertEqual([r["line"] for r in bad], [2])
        self.assert_error(bad[0], "bad_record", '".data.a" is missing')

    def test_no_value_is_whom_or_adds_structure(self):
        records = [{"v": value}
                   for value in ("..", "a/../b", "//127.0.0.1:1/x", "1&b=2", "x?y", {})]
        run = self.everywhere("--url", self.echo.url + "{{.v}}", self.path_of(*records),
                              status=NOT_ALL_OK)
        self.assertEqual({r["error"] for r in run.results}, {"bad_record"})
        self.assertEqual(self.echo.requests, [])

    def test_a_get_has_no_body(self):
        self.everywhere("--url", self.echo.url + "{{.n}}", "-X", "GET", self.path_of(), status=OK)
        self.assertEqual([(r.method, r.target, r.body) for r in self.echo.requests],
                         [("GET", "/5", b""), ("GET", "/6", b"")])

    def test_a_record_is_sent_with_no_template_in_its_url(self):
        run = self.everywhere(self.path_of({"url": self.echo.url + "{{.id}}"}, {"url": "/{{id}}"},
                                           {"url": "/x"}), status=NOT_ALL_OK)
        for result in run.results[:2]:
            self.assert_error(result, "bad_url", "{{", "--url")
        self.assertEqual([r.target for r in self.echo.requests], ["/x"])

    def test_what_is_taken_for_a_record_is_told_once(self):
        data = [{"id": 1, "data": {}}, {"id": 2}]
        for records, told in ((data, True), (data[1:], True), ([{"x": 1}], False),
                              ([{"url": self.echo.url}], False),
                              ([{"id": 1, "method": "PUT"}], False)):
            path = self.path_of(*records)
            run = self.run_ringsend("send", "--url", self.echo.url, path)
            for command in (["send"], ["check"], ["send", "--dry-run"]):
                run = self.run_ringsend(*command, "--url", self.echo.url, path)
                self.assertEqual(run.err.count("--as-body sends them"), int(told), run.err)
        run = self.run_ringsend("send", "-q", "--url", self.echo.url, self.path_of(*data))
        self.assertEqual((run.status, run.err), (OK, ""))

    def test_what_makes_no_sense_is_refused(self):
        path = self.path_of()
        for words, args in (("nothing of a record", ["--data", "x"]),
                            ("nothing of a record", ["--as-body", "-X", "GET"]),
                            ("have no columns", ["--data", "{{n}}"]),
                            ("have no columns", ["--data", "{{*|form}}"]),
                            ("column 4: expected a key", ["--data", "{{.n..a}}"]),
                            ("--id-from: column 1", ["--id-from", "id"]),
                            ("only one of", ["--id-from", ".id", "--id", "{{.id}}"]),
                            ("default is none", ["--data", '{"a":{{.n|default:x}}}']),
                            ("vegeta", ["--as-body", "--format", "vegeta"]),
                            ("--as-body goes with", ["--as-body", "--format", "csv"]),
                            ("--id-from goes with", ["--id-from", ".id", "--format", "lines"])):
            self.assertIn(words, self.everywhere(*args, path, status=USAGE).err)

    def test_resume_wants_the_same(self):
        answers = []

        def answer(_):
            answers.append(1)
            return response(b"", "500 No" if len(answers) == 2 else "200 OK")
        server = self.server(answering(answer))
        path = self.path_of(*({"id": n, "data": {}} for n in range(300)))
        send = ["send", "-o", self.path("out"), "-c", "1", "--abort-on", "500", "--tries", "1",
                "--url", server.url]
        for words in (["--as-body"], ["--id-from", ".id"]):
            for first, second in (([], words), (words, [])):
                answers.clear()
                run = self.run_ringsend(*send, "--force", *first, path)
                self.assertEqual(run.status, STOPPED, run.err)
                run = self.run_ringsend(*send, "--resume", *second, path)
                self.assertEqual(run.status, USAGE, run.err)
                self.assertIn("%s is not as in the run to go on with" % words[0], run.err)
                run = self.run_ringsend(*send, "--resume", *first, path)
                self.assertEqual(run.status, NOT_ALL_OK, run.err)  # for the one that stopped it
                self.assertFalse(os.path.exists(self.path("out.journal")))

    def test_bench_and_probe_take_them(self):
        for command in (["bench", "-n", "2", "-c", "1"], ["probe", "-c", "1", "--step", "100ms"]):
            self.echo.requests.clear()
            run = self.run_ringsend(*command, "-q", "--as-body", "--url", self.echo.url,
                                    self.path_of())
            self.assertEqual(run.status, OK, run.err)
            self.assertEqual(self.bodies()[:2], self.RECORDS)


if __name__ == "__main__":
    main()

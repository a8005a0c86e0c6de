"""--echo: results tell what was in the records that they are of, so that nobody has to join."""

import csv
import io
import json
import threading

from harness import (BOUND_S, INPUT, NOT_ALL_OK, OK, USAGE, Case, answering, json_lines, main,
                     response)

ROWS = [["order", "the amount", "a,b", "id"],
        ["A-1", "30", 'q"q', "x"],
        ["A-2", "", "line\nend", "b\u00f6\u2028"],
        ["A-3", "007", "x" * 3000, ""]]
HEAD = "input.order,input.the amount"


def table(rows, **dialect):
    out = io.StringIO()
    csv.writer(out, **dialect).writerows(rows)
    return out.getvalue().encode()


def objects(rows, names=None):
    return [{name: value for name, value in zip(rows[0], row) if not names or name in names}
            for row in rows[1:]]


class Echo(Case):
    def setUp(self):
        super().setUp()
        self.server_ = self.server(answering(lambda r: response(b"yes")))

    def send_to(self, *args, status=OK, **more):
        run = self.run_ringsend("send", "-c", "1", "--url", self.server_.url, *args, **more)
        self.assertEqual(run.status, status, run.err)
        return run

    def inputs(self, *args, **more):
        """What the results of a run tell, in the order of the records."""
        results = self.send_to("--echo", *args, **more).results
        for result in results:
            self.assertEqual(list(result)[-1], "input")
        return [r["input"] for r in sorted(results, key=lambda r: (r.get("file"), r["line"]))]


class Rows(Echo):
    def test_columns_that_are_named_and_all_of_them(self):
        path = self.file("x.csv", table(ROWS))
        self.assertEqual(self.inputs("order,the amount", path),
                         objects(ROWS, ("order", "the amount")))
        self.assertEqual(self.inputs('id , "a,b"', path), objects(ROWS, ("id", "a,b")))
        self.assertEqual(self.inputs("all", path), objects(ROWS))
        order = self.send_to("--echo", "id,order", path).out.splitlines()[0]
        self.assertTrue(order.endswith(b',"input":{"id":"x","order":"A-1"}}'), order)

    def test_a_column_whose_name_is_all(self):
        path = self.file("x.csv", b"all,b\n1,2\n")
        self.assertEqual(self.inputs('"all"', path), [{"all": "1"}])

    def test_whatever_the_table_is_written_in(self):
        self.assertEqual(self.inputs("all", self.file("x.tsv", table(ROWS, delimiter="\t"))),
                         objects(ROWS))
        latin = self.file("l.csv", "n\u00e4me;b\n\u00f6;1\n".encode("latin-1"))
        self.assertEqual(self.inputs("all", "--encoding", "latin-1", "--delimiter", ";", latin),
                         [{"n\u00e4me": "\u00f6", "b": "1"}])
        copied = self.file("c", b"a\tb\n\\N\tx\\ty\n")
        self.assertEqual(self.inputs("all", "--format", "copy", copied), [{"a": "", "b": "x\ty"}])
        self.assertEqual(self.inputs("all", self.file("x.txt", b"one\r\ntw\"o\n")),
                         [{"line": "one"}, {"line": 'tw"o'}])
        bad = self.file("bad.csv", b"a,b\n1,\xff\n")
        self.assertEqual(self.inputs("b", "--data", "{{a}}", bad), [{"b": "\ufffd"}])

    def test_of_what_could_not_be_read_what_is_known(self):
        path = self.file("x.csv", b'a,b,c\n1,2\n1,"2"x,3\n1,2,3,4\n' + b"1,%s,3\n" % (b"x" * 2**24))
        self.assertEqual(self.inputs("a,c", path, status=NOT_ALL_OK),
                         [{"a": "1"}, {}, {"a": "1", "c": "3"}, {}])

    def test_values_of_secrets_stand_as_they_are(self):
        path = self.file("x.csv", b"token,a\ns3cret,1\n")
        self.assertEqual(self.inputs("token", "--data", "{{a}}", "-H", "Authorization: {{token}}",
                                     path), [{"token": "s3cret"}])

    def test_a_column_that_is_not_there_stops_before_anything_is_sent(self):
        path = self.file("x.csv", table(ROWS))
        for args in (["--echo", "ordr"], ["--echo", "order,ordr", "--csv"],
                     ["--echo", "all", "-w", "%input{ordr}"], ["--echo", "ordr", "--dry-run"]):
            run = self.send_to(*args, path, status=INPUT)
            self.assertIn('no column "ordr", only: order, the amount, a,b, id', run.err)
        run = self.send_to("--echo", "all", self.file("y.csv", b"a,b,a\n1,2,3\n"), "--data",
                           "{{b}}", status=INPUT)
        self.assertIn('"a" more than once', run.err)
        for args in (["--echo", "a,a"], ["--echo", "a,"], ["--echo", ""], ["-w", "%{input}"],
                     ["--echo", "order", "-w", "%csv{input:id}"]):
            self.send_to(*args, path, status=USAGE)
        self.assertEqual(self.server_.requests, [])


class Records(Echo):
    RECORDS = [{"id": 1, "data": {"user": {"x": [1, "\u00e9"]}}}, {"id": 2, "data": 5},
               b'{"id":3, "data": {"user": nothing}}']

    def test_values_at_paths_and_the_whole_record(self):
        path = self.file("x.jsonl", self.RECORDS)
        self.assertEqual(self.inputs(".data.user.x[1],.id", path, status=NOT_ALL_OK),
                         [{"data.user.x[1]": "\u00e9", "id": 1}, {"id": 2}, {"id": 3}])
        self.assertEqual(self.inputs("all", path, status=NOT_ALL_OK), [*self.RECORDS[:2], None])

    def test_of_bodies_and_of_an_array_over_several_lines(self):
        path = self.file("x.json", b'[{"id":\n7, "s": "a\\nb"},\n {"id": null}]\n')
        self.assertEqual(self.inputs('.id,."s"', "--as-body", path),
                         [{"id": 7, '"s"': "a\nb"}, {"id": None}])
        run = self.send_to("--echo", "all", "--as-body", path)
        self.assertEqual([r["input"] for r in run.results], [{"id": 7, "s": "a\nb"}, {"id": None}])
        self.assertEqual(run.out.count(b"\n"), 2)

    def test_what_is_no_path_is_refused(self):
        path = self.file("x.jsonl", self.RECORDS)
        run = self.send_to("--echo", "id", path, status=USAGE)
        self.assertIn("a path begins with a dot", run.err)
        self.send_to("--echo", "all", "-w", "%input{id}", path, status=USAGE)


class Forms(Echo):
    def rows(self, *args, status=OK):
        run = self.send_to("--csv", "--echo", *args, status=status)
        rows = list(csv.DictReader(io.StringIO(run.out.decode(), newline="")))
        return sorted(rows, key=lambda row: int(row["line"]))

    def test_a_table_has_a_column_for_each(self):
        path = self.file("x.csv", table(ROWS))
        rows = self.rows("all", path)
        self.assertEqual(list(rows[0])[-5:], ["trace", *("input." + name for name in ROWS[0])])
        self.assertEqual([[row["input." + name] for name in ROWS[0]] for row in rows], ROWS[1:])
        records = self.file("x.jsonl", Records.RECORDS)
        rows = self.rows(".data,.id", records, status=NOT_ALL_OK)
        self.assertEqual([(row["input.data"], row["input.id"]) for row in rows],
                         [('{"user": {"x": [1, "\\u00e9"]}}', "1"), ("5", "2"), ("", "3")])
        rows = self.rows("all", records, status=NOT_ALL_OK)
        self.assertEqual([row["input"] and json.loads(row["input"]) for row in rows],
                         [*Records.RECORDS[:2], ""])

    def test_a_table_without_rows_has_its_head(self):
        run = self.send_to("--csv", "--echo", "all", self.file("x.csv", table(ROWS[:1])))
        self.assertTrue(run.out.endswith(b',trace,input.order,input.the amount,"input.a,b",'
                                         b"input.id\r\n"), run.out)
        run = self.send_to("--csv", "--echo", "all", self.file("x.csv", b""))
        self.assertTrue(run.out.endswith(b",trace\r\n"), run.out)

    def test_all_of_files_with_different_columns_go_into_no_table(self):
        one, two = self.file("a.csv", b"a,b\n1,2\n"), self.file("b.csv", b"a,c\n3,4\n")
        self.assertEqual(self.inputs("all", one, two), [{"a": "1", "b": "2"}, {"a": "3", "c": "4"}])
        self.assertEqual([row["input.a"] for row in self.rows("a", one, two)], ["1", "3"])
        run = self.send_to("--csv", "--echo", "all", one, two, status=INPUT)
        self.assertIn("is not that of the first file", run.err)
        self.assertEqual(run.out.count(b"\r\n"), 2)

    def test_formats_of_ones_own(self):
        path = self.file("x.csv", table(ROWS))
        run = self.send_to("--echo", "all", path, "-w",
                           r"%{http_code},%csv{input:a,b},%csv{input},%input{order}\n")
        rows = list(csv.reader(io.StringIO(run.out.decode(), newline="")))
        self.assertEqual([[r[0], r[1], json.loads(r[2]), r[3]] for r in rows],
                         [["200", o["a,b"], o, o["order"]] for o in objects(ROWS)])
        run = self.send_to("--echo", "line", self.file("x.txt", b"one\n"), "-w", "%input{line}")
        self.assertEqual(run.out, b"one")


class Runs(Echo):
    def test_failed_ones_resumed_ones_and_in_order_on_threads(self):
        rows = [["n", "text"], *([str(n), "t%d" % n] for n in range(300))]
        path, out, failed = self.file("x.csv", table(rows)), self.path("out"), self.path("failed")
        reached, go = threading.Event(), threading.Event()

        def answer(request):
            number = int(json.loads(request.body)["n"])
            if number == 200:
                reached.set()
                go.wait()
            return response(status="400 Bad" if number == 7 else "200 OK")
        url = self.server(answering(answer)).url
        args = ["send", "-c", "8", "-t", "2", "--ordered", "--url", url, "--echo", "n,text", "-o",
                out, "--failed", failed, path]
        run = self.start(*args)
        self.assertTrue(reached.wait(BOUND_S))
        run.kill()
        go.set()
        run = self.run_ringsend(*args, "--resume")
        self.assertEqual(run.status, NOT_ALL_OK, run.err)
        results = json_lines(self.read("out"))
        self.assertEqual([r["input"] for r in results], objects(rows))
        other = args[:args.index("--echo")] + args[args.index("-o"):]
        self.assertEqual(self.run_ringsend(*other, "--force").status, NOT_ALL_OK)
        self.assertNotIn("input", json_lines(self.read("out"))[0])

    def test_resume_wants_the_same(self):
        path = self.file("x.csv", table([["order"]] + [["A"]] * 300))
        server = self.server(answering(lambda r: response(status="400 Bad"))).url
        args = ["--url", server, "-c", "1", "--max-failures", "1", "-o", self.path("out"), path]
        self.run_ringsend("send", "--echo", "order", *args)
        run = self.run_ringsend("send", "--resume", "--echo", "all", *args)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("--echo is not as in the run to go on with, and results would tell", run.err)

    def test_the_hint_for_failed_ones_has_it(self):
        server = self.server(answering(lambda r: response(status="400 Bad"))).url
        run = self.run_ringsend("send", "--url", server, "--echo", "order", "-o", self.path("out"),
                                "--failed", self.path("failed.csv"),
                                self.file("x.csv", table(ROWS)))
        self.assertRegex(run.err, r"ringsend send -o \S+ --failed \S+ .*--echo order")


if __name__ == "__main__":
    main()

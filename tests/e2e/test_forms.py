"""Forms of results: headers, bodies left out, CSV, and --write-out."""

import csv
import io
import json
import os
import subprocess

from harness import (Case, NOT_ALL_OK, OK, OUTPUT, USAGE, answering, json_lines, main, response)

COLUMNS = (
    "id line file ok status attempts error detail ambiguous retry_after encoding body body_base64 "
    "body_file queue_us dns_us connect_us tls_us first_byte_us total_us headers trace").split()


class Forms(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda r: response(
            r.body, "404 Not Found" if r.body.startswith(b"bad") else "200 OK",
            ["Content-Type: text/plain; charset=x", "Set-Cookie: a=1", "SET-COOKIE: b=2"])))
        self.out = self.path("out")

    def send_to(self, *options, records, **more):
        return self.run_ringsend("send", "--url", self.echo.url, *options,
                                 self.file("in", records), **more)


class Json(Forms):
    def test_headers_are_told_when_asked_for(self):
        run = self.send_to("--headers", records=[{"data": "x"}])
        self.assertEqual(
            run.results[0]["headers"], {
                "content-type": "text/plain; charset=x", "content-length": "1",
                "set-cookie": ["a=1", "b=2"]
            })
        self.assertNotIn("headers", self.send_to(records=[{"data": "x"}]).results[0])

    def test_a_result_without_response_has_no_headers(self):
        run = self.send_to("--headers", records=[b"{"])
        self.assertNotIn("headers", run.results[0])

    def test_bodies_can_be_left_out(self):
        run = self.send_to("--body", "none", records=[{"data": "x"}])
        self.assertNotIn("body", run.results[0])
        self.assertEqual(
            self.send_to("--body", "inline", records=[{"data": "x"}]).results[0]["body"], "x")
        self.assertEqual(self.send_to("--body", "all", records=[{"data": "x"}]).status, USAGE)

    def test_each_attempt_is_told_when_asked_for(self):
        trace = self.send_to("--trace", records=[{"data": "x"}]).results[0]["trace"]
        self.assertEqual([(a["status"], a["error"], a["reused"]) for a in trace],
                         [(200, None, False)])


class Csv(Forms):
    def rows(self, text):
        self.assertTrue(text.endswith(b"\r\n") or not text)
        reader = csv.DictReader(io.StringIO(text.decode(), newline=""), strict=True)
        rows = list(reader)
        self.assertEqual(reader.fieldnames, COLUMNS)
        return {row["id"]: row for row in rows}

    def test_rows_hold_what_lines_hold(self):
        texts = {
            "plain": "x", "comma": "a,b", "quote": 'say "x"', "lines": "one\r\ntwo\n\n",
            "space": " x ", "empty": "", "umlaut": "h\u00e9"
        }
        run = self.send_to("--csv", "--headers", "--trace", "-o", self.out,
                           records=[{"id": name, "data": text} for name, text in texts.items()])
        self.assertEqual((run.status, run.out), (OK, b""), run.err)
        rows = self.rows(self.read("out"))
        self.assertEqual({name: row["body"] for name, row in rows.items()}, texts)
        row = rows["plain"]
        self.assertEqual((row["line"], row["ok"], row["status"], row["attempts"], row["error"],
                          row["ambiguous"]), ("1", "true", "200", "1", "", "false"))
        self.assertEqual(json.loads(row["headers"])["set-cookie"], ["a=1", "b=2"])
        self.assertEqual(json.loads(row["trace"])[0]["status"], 200)
        self.assertGreater(int(row["total_us"]), 0)

    def test_errors_have_rows(self):
        run = self.send_to("--csv", "-o", self.out, records=[b"{"])
        self.assertEqual(run.status, NOT_ALL_OK)
        row = self.rows(self.read("out"))["1"]
        self.assertEqual((row["status"], row["error"], row["ok"]), ("", "bad_record", "false"))

    def test_a_table_is_added_to_without_a_second_header(self):
        for n in range(2):
            with open(self.out, "ab") as file:
                self.send_to("--csv", records=[{"id": "r%d" % n, "data": "x\ny"}], stdout=file)
        self.assertEqual(sorted(self.rows(self.read("out"))), ["r0", "r1"])

    def test_an_empty_input_makes_an_empty_table(self):
        self.send_to("--csv", "-o", self.out, records=b"")
        self.assertEqual(self.rows(self.read("out")), {})

    def test_a_full_disk_leaves_whole_rows_only(self):
        os.mkdir(self.path("disk"))
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.path("disk")],
            capture_output=True, check=False).returncode == 0
        if not mounted:
            self.skipTest("a small tmpfs needs root and the right to mount")
        self.addCleanup(subprocess.run, ["umount", self.path("disk")], check=True)
        body = "line\n\"quoted\"\n" * 9
        run = self.send_to("--csv", "-o", self.path("disk/out"), records=[{"data": body}] * 3000)
        self.assertEqual(run.status, OUTPUT, run.err)
        rows = self.rows(self.read("disk/out"))
        self.assertGreater(len(rows), 10)
        self.assertEqual({row["body"] for row in rows.values()}, {body})


class WriteOut(Forms):
    def test_it_takes_the_place_of_the_results_on_standard_output(self):
        run = self.send_to(
            "-w", r"%{http_code} %{id} %{content_type} %header{Set-Cookie} %{size_download}\n",
            records=[{"id": "a", "data": "four"}])
        self.assertEqual((run.status, run.out), (OK, b"200 a text/plain; charset=x a=1 4\n"),
                         run.err)

    def test_fields_of_csv_are_quoted_where_they_have_to_be(self):
        ids = ["plain", 'a "q"', "c,d", "line\nend", "", " space ", {"x": 1}]
        form = r"%csv{id},%csv{body},%csv{header:Set-Cookie},%csv{line}\n"
        records = [{"id": value, "data": "x,%d" % n} for n, value in enumerate(ids)]
        run = self.send_to("-c", "1", "-w", form, records=records)
        self.assertEqual(run.status, OK, run.err)
        rows = list(csv.reader(io.StringIO(run.out.decode(), newline="")))
        self.assertEqual([row[0] for row in rows], ids[:-1] + ['{"x": 1}'])
        self.assertEqual([row[1:] for row in rows],
                         [["x,%d" % n, "a=1", str(n + 1)] for n in range(len(ids))])
        for form in ("%csv{nothing}", "%csv{id"):
            self.assertEqual(self.send_to("-w", form, records=[{}]).status, USAGE)

    def test_a_format_of_which_nothing_comes_loses_nothing(self):
        run = self.send_to("-w", "%{error}", records=[{"data": "x"}] * 3)
        self.assertEqual((run.status, run.out), (OK, b""), run.err)
        run = self.send_to("-w", "%{error}", "--failed", self.path("failed"),
                           records=[{"data": "x"}, b"{", {"data": "y"}])
        self.assertEqual((run.status, run.out), (NOT_ALL_OK, b"bad_record"), run.err)

    def test_results_still_go_to_a_file(self):
        run = self.send_to("-o", self.out, "-w", r"%{http_code}\n", records=[{"data": "x"},
                                                                             {"data": "bad"}])
        self.assertEqual(sorted(run.out.split()), [b"200", b"404"])
        self.assertEqual(sorted(r["status"] for r in json_lines(self.read("out"))), [200, 404])

    def test_the_same_as_from_curl(self):
        form = r"%{http_code} %{url} %{method} %{content_type} " \
               r"%{size_download} %{size_upload} %{num_headers}%%\t\n"
        url = self.echo.url + "/p?q"
        curl = subprocess.run(
            ["curl", "-s", "-o",
             self.path("body"), "-w", form, "-d", "data", url], stdout=subprocess.PIPE,
            check=True).stdout
        run = self.run_ringsend("send", "-w", form, self.file("in", [{"url": url, "data": "data"}]))
        self.assertEqual(run.out, curl)

    def test_times_are_like_those_of_curl(self):
        names = "namelookup connect pretransfer starttransfer total".split()
        form = " ".join("%%{time_%s}" % name for name in names)
        run = self.send_to("-w", form, records=[{"data": "x"}])
        times = [float(t) for t in run.out.split()]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[-1], 0)

    def test_the_format_may_come_from_a_file(self):
        self.file("format", b"%{http_code}!")
        run = self.send_to("-w", "@" + self.path("format"), records=[{"data": "x"}])
        self.assertEqual(run.out, b"200!")
        run = self.send_to("-w", "@" + self.path("none"), records=[{"data": "x"}])
        self.assertEqual(run.status, USAGE)

    def test_an_unknown_variable_is_refused(self):
        run = self.send_to("-w", "%{http_cod}", records=[{"data": "x"}])
        self.assertEqual((run.status, run.out), (USAGE, b""))
        self.assertIn('"http_cod"', run.err)
        self.assertEqual(self.echo.requests, [])

    def test_two_forms_on_one_standard_output_are_refused(self):
        run = self.send_to("-w", "x", "--csv", records=[{"data": "x"}])
        self.assertEqual(run.status, USAGE)
        self.assertIn("-o", run.err)

    def test_a_reader_that_went_away_is_named(self):
        reader, writer = os.pipe()
        os.close(reader)
        run = self.send_to("-o", self.out, "-w", "x", records=[{"data": "x"}] * 10, stdout=writer)
        os.close(writer)
        self.assertEqual(run.status, OUTPUT)
        self.assertIn("cannot write standard output", run.err)


if __name__ == "__main__":
    main()

"""What people really have in their files. A bad record gets its error; the others go on."""

import os
import subprocess

from harness import (Case, INPUT, NOT_ALL_OK, OK, answering, json_line, json_lines, main, response)


class Lines(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))

    def results(self, content, *options, expect=OK):
        """Results by line number; each line has at most one."""
        run = self.send("--url", self.echo.url, "-c", "4", *options, records=content, expect=expect)
        by_line = {r["line"]: r for r in run.results}
        self.assertEqual(len(by_line), len(run.results))
        for result in run.results:
            self.assert_result_shape(result)
        return by_line

    def refused(self, line, *words):
        """The line gets bad_record, says why, and nothing is sent; its neighbours are."""
        self.echo.requests.clear()
        results = self.results(b'{"data":"before"}\n' + line + b'\n{"data":"after"}\n',
                               expect=NOT_ALL_OK)
        self.assertEqual(sorted(results), [1, 2, 3])
        self.assert_error(results[2], "bad_record", *words)
        self.assertEqual((results[2]["attempts"], results[2]["us"]["connect"]), (0, 0))
        self.assertEqual({r.body for r in self.echo.requests}, {b"before", b"after"})
        self.assert_ok(results[1], "before")
        self.assert_ok(results[3], "after")

    def test_broken_json_in_the_middle_is_one_bad_record(self):
        for line in (b"{", b'{"data":}', b"nonsense", b'{"data":"a"', b'{"data":"a"} x', b'{"a",1}',
                     b'{"data":01}', b'{"data":1.}', b'{"data":+1}', b'{"data":.5}', b'{"data":1e}',
                     b'{"data":tru}', b'{"data":[1,]}', b'{"data":"a",}', b"{'data':'a'}",
                     b'{"data":NaN}', b'{"data":"a" "b"}', b'{"data":"\\x"}', b'{"data":"\there"}',
                     b'{"data":"\\u12g4"}', b'{"data":nul}', b'{"data":"nul\0"}', b'{data:1}'):
            with self.subTest(line=line):
                self.refused(line)

    def test_lines_without_a_known_key_are_bodies_when_there_is_a_url(self):
        lines = [b"[1, 2]", b'"text"', b"1.50", b"true", b"{}", b'{"name":  "x"}']
        results = self.results(b"\n".join(lines))
        self.assertEqual([results[n + 1]["body"].encode() for n in range(len(lines))],
                         [b"[1, 2]", b"text", b"1.50", b"true", b"{}", b'{"name":  "x"}'])

    def test_lines_without_a_known_key_are_bad_records_without_a_url(self):
        for line in (b"[]", b'"text"', b"1", b"null", b"{}", b'{"name":"x"}'):
            with self.subTest(line=line):
                result = self.send("-X", "POST", records=[line], expect=NOT_ALL_OK).results[0]
                self.assert_error(result, "bad_record")

    def test_invalid_utf8_and_lone_surrogates_are_bad_records(self):
        for text in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82",
                     b"\\ud800", b"\\udc00x", b"\\ud800\\u0041"):
            with self.subTest(text=text):
                self.refused(b'{"data":"' + text + b'"}')

    def test_a_duplicate_key_is_refused_by_name(self):
        self.refused(b'{"data":"a","data":"b"}', "data")
        self.refused(b'{"id":1,"data":"a","i\\u0064":2}', "id")

    def test_an_unknown_key_is_refused_by_name(self):
        self.refused(b'{"data":"a","methdo":"PUT"}', "methdo")

    def test_a_key_of_the_wrong_kind_is_refused_by_name(self):
        for line, key in ((b'{"method":1}', "method"), (b'{"url":[]}', "url"),
                          (b'{"headers":[]}', "headers"), (b'{"headers":{"a":1}}', "header"),
                          (b'{"headers":{"a":[1]}}', "header"),
                          (b'{"data_base64":1}', "data_base64"),
                          (b'{"data_file":{}}', "data_file"), (b'{"tries":"many"}', "tries"),
                          (b'{"timeout":true}', "timeout")):
            with self.subTest(line=line):
                self.refused(line, key)

    def test_values_out_of_range_are_refused_by_name(self):
        for line, key in ((b'{"tries":0}', "tries"), (b'{"tries":101}', "tries"),
                          (b'{"tries":1.5}', "tries"), (b'{"timeout":-1}', "timeout"),
                          (b'{"timeout":"fast"}', "timeout")):
            with self.subTest(line=line):
                self.refused(line, key)

    def test_nesting_of_64_is_read_and_of_65_refused(self):
        def nested(depth):  # the record itself is the first level
            return b'{"data":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        self.assert_ok(self.results(nested(64))[1], "[" * 63 + "]" * 63)
        self.refused(nested(65), "64")

    def test_very_deep_nesting_does_no_harm(self):
        self.refused(b'{"data":' + b"[" * 1000000)

    def test_a_line_of_17_mib_is_skipped_and_the_next_one_works(self):
        long = b'{"data":"' + b"x" * (17 << 20) + b'"}\n'
        results = self.results(b'{"data":"1"}\n' + long + b'{"data":"3"}\n', expect=NOT_ALL_OK)
        self.assertEqual(sorted(results), [1, 2, 3])
        self.assert_error(results[2], "record_too_long")
        self.assert_ok(results[1], "1")
        self.assert_ok(results[3], "3")

    def test_a_line_just_below_16_mib_is_sent(self):
        body = b"y" * ((16 << 20) - 64)
        results = self.results(b'{"data":"' + body + b'"}\n{"data":"2"}')
        self.assert_ok(results[1], body.decode())
        self.assert_ok(results[2], "2")

    def test_a_17_mib_line_at_the_end_without_newline_is_reported_once(self):
        results = self.results(b'{"data":"1"}\n' + b"x" * (17 << 20), expect=NOT_ALL_OK)
        self.assert_error(results[2], "record_too_long")

    def test_crlf_line_ends_are_fine(self):
        results = self.results(b'{"data":"1"}\r\n{"data":"2"}\r\n')
        self.assertEqual([results[n]["body"] for n in (1, 2)], ["1", "2"])

    def test_a_missing_last_newline_is_fine(self):
        results = self.results(b'{"data":"1"}\n{"data":"2"}')
        self.assertEqual([results[n]["body"] for n in (1, 2)], ["1", "2"])

    def test_a_byte_order_mark_at_the_start_is_fine(self):
        self.assert_ok(self.results(b'\xef\xbb\xbf{"data":"1"}\n')[1], "1")

    def test_an_empty_file_is_no_records_and_no_failure(self):
        self.assertEqual(self.results(b""), {})

    def test_empty_lines_are_passed_over_and_counted(self):
        results = self.results(b'\n\n{"data":"3"}\n  \t\r\n{"data":"5"}\n\n')
        self.assertEqual({line: r["body"] for line, r in results.items()}, {3: "3", 5: "5"})

    def test_white_space_around_a_record_is_fine(self):
        self.assert_ok(self.results(b' \t{ "data" : "1" } \t\n')[1], "1")

    def test_escapes_are_decoded_in_data(self):
        self.assert_ok(self.results(rb'{"data":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\u0000"}')[1],
                       "\"\\/\b\f\n\r\t\u00e9\U0001f600\0")

    def test_an_escaped_key_is_the_same_key(self):
        self.assert_ok(self.results(rb'{"d\u0061ta":"1"}')[1], "1")

    def test_lines_of_every_length_around_the_read_size_arrive_whole(self):
        lengths = [at + by for at in (4096, 65536, 1 << 18) for by in range(-14, 4)]
        results = self.results([{"data": "x" * n} for n in lengths])
        self.assertEqual([len(results[n + 1]["body"]) for n in range(len(lengths))], lengths)


class Files(Case):
    def setUp(self):
        super().setUp()
        self.echo = self.server(answering(lambda request: response(request.body)))

    def test_a_missing_file_exits_2_and_is_named(self):
        run = self.run_ringsend("send", "--url", self.echo.url, self.path("nope.jsonl"))
        self.assertEqual((run.status, run.out), (INPUT, b""))
        self.assertIn(self.path("nope.jsonl"), run.err)
        self.assertIn("No such file", run.err)

    def test_standard_input_is_called_by_its_name(self):
        with open(self.path("out"), "wb") as unreadable:
            run = self.run_ringsend("send", "--url", self.echo.url, "-", stdin=unreadable)
        self.assertEqual(run.status, INPUT, run.err)
        self.assertIn("cannot read standard input: ", run.err)
        directory = os.open(self.dir, os.O_RDONLY)
        self.addCleanup(os.close, directory)
        run = self.run_ringsend("send", "--url", self.echo.url, "-", stdin=directory)
        self.assertEqual(run.status, INPUT, run.err)
        self.assertIn("cannot read standard input: ", run.err)

    def test_a_directory_as_input_exits_2_and_is_named(self):
        run = self.run_ringsend("send", "--url", self.echo.url, self.dir)
        self.assertEqual((run.status, run.out), (INPUT, b""))
        self.assertIn(self.dir, run.err)

    def test_nothing_is_sent_when_the_second_file_is_missing(self):
        first = self.file("one.jsonl", [{"data": "1"}])
        run = self.run_ringsend("send", "--url", self.echo.url, first, self.path("nope"))
        self.assertEqual(run.status, INPUT)
        self.assertEqual(self.echo.requests, [])

    def test_a_file_whose_name_starts_with_a_dash_is_sent_after_two_dashes(self):
        self.file("-dash", [{"data": "1"}])
        run = self.run_ringsend("send", "--url", self.echo.url, "--", "-dash", cwd=self.dir)
        self.assertEqual((run.status, len(run.results)), (OK, 1), run.err)

    def test_stdin_is_sent(self):
        program = self.start("send", "--url", self.echo.url, "-", stdin=subprocess.PIPE)
        program.process.stdin.write(b'{"data":"1"}\n{"data":"2"}\n')
        program.process.stdin.close()
        run = program.finish()
        self.assertEqual((run.status, sorted(r["body"] for r in run.results)), (OK, ["1", "2"]))

    def test_a_slow_producer_gets_each_result_before_it_goes_on(self):
        program = self.start("send", "--url", self.echo.url, "-", stdin=subprocess.PIPE)
        for n in range(1, 6):
            program.process.stdin.write(b'{"data":"%d"}\n' % n)
            program.process.stdin.flush()
            program.wait_for(lambda out, err: out.count(b"\n") == n)  # stdin is still open
            self.assertIsNone(program.process.poll())
        program.process.stdin.close()
        run = program.finish()
        self.assertEqual((run.status, [r["body"] for r in run.results]), (OK, list("12345")))

    def test_half_a_line_waits_for_its_other_half(self):
        program = self.start("send", "--url", self.echo.url, "-", stdin=subprocess.PIPE)
        program.process.stdin.write(b'{"data":"1"}\n{"da')
        program.process.stdin.flush()
        program.wait_for(lambda out, err: out.count(b"\n") == 1)
        program.process.stdin.write(b'ta":"2"}')
        program.process.stdin.close()
        run = program.finish()
        self.assertEqual((run.status, [r["body"] for r in run.results]), (OK, ["1", "2"]))

    def test_an_input_much_larger_than_the_pool_is_sent_completely(self):
        lines = b"".join(b'{"id":%d,"data":{"n":%d}}\n' % (n, n) for n in range(5000))
        serve = self.serve("--echo")
        run = self.send("--url", serve.url, records=lines, expect=OK)
        self.assertEqual(sorted((r["id"], json_line(r["body"])["n"]) for r in run.results),
                         [(n, n) for n in range(5000)])

    def test_a_file_that_is_read_and_not_seekable_is_sent(self):
        producer = subprocess.Popen(["cat", self.file("r", [{"data": "1"}])],
                                    stdout=subprocess.PIPE)
        run = self.run_ringsend("send", "--url", self.echo.url, "/dev/stdin", stdin=producer.stdout)
        producer.stdout.close()
        producer.wait()
        self.assertEqual((run.status, len(json_lines(run.out))), (OK, 1), run.err)


if __name__ == "__main__":
    main()

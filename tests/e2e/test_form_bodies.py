"""Bodies that forms need: "form" and "multipart" of records, byte for byte what curl's -F sends but
for the boundary."""

import base64
import json
import re
import subprocess
import urllib.parse

from harness import Case, INPUT, NOT_ALL_OK, OK, answering, header, main, response

BOUNDARY = re.compile(r'^multipart/form-data; boundary="?([^"]+)"?$')


class FormBodies(Case):
    def setUp(self):
        super().setUp()
        self.platform = self.server(answering(lambda request: response(b"{}")))

    def one(self, record, *options):
        """The request that a record becomes."""
        self.platform.requests.clear()
        run = self.send("--url", self.platform.url, *options, records=[record], expect=OK)
        self.assertEqual(len(self.platform.requests), 1, run.err)
        return self.platform.requests[0]

    def parted(self, request):
        """The body of a multipart request, its boundary as BOUNDARY."""
        boundary = BOUNDARY.match(header(request, "content-type")[0]).group(1)
        body = request.body.replace(b"--" + boundary.encode(), b"--BOUNDARY")
        self.assertNotIn(boundary.encode(), body)
        return body

    def curl(self, *options):
        self.platform.requests.clear()
        subprocess.run(["curl", "-sS", "-H", "Expect:", *options, self.platform.url], check=True,
                       stdout=subprocess.DEVNULL)
        return self.platform.requests[0]

    def test_forms(self):
        values = {"a b": "x&y=z+~*", "n": "\u00e9\n", "empty": ""}
        request = self.one({"form": {**values, "many": ["1", 2, True]}})
        self.assertEqual(request.method, "POST")
        self.assertEqual(header(request, "content-type"), ["application/x-www-form-urlencoded"])
        pairs = [*values.items(), ("many", "1"), ("many", "2"), ("many", "true")]
        self.assertEqual(request.body.decode(), urllib.parse.urlencode(pairs).replace("~", "%7E")
                         .replace("%2A", "*"))
        curl = self.curl(*(word for name, value in pairs for word in
                           ("--data-urlencode", urllib.parse.quote(name) + "=" + value)))
        self.assertEqual(urllib.parse.parse_qsl(curl.body.decode(), keep_blank_values=True),
                         urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
        self.assertEqual(self.one({"form": {}}).body, b"")
        # The option's type is of other bodies, the record's own is meant.
        request = self.one({"form": {"a": 1}}, "-H", "Content-Type: application/json")
        self.assertEqual(header(request, "content-type"), ["application/x-www-form-urlencoded"])
        own = {"form": {"a": 1}, "headers": {"content-type": "x/y"}}
        self.assertEqual(header(self.one(own), "content-type"), ["x/y"])

    def test_parts_are_curls(self):
        text = self.file("text.TXT", b"of a file\r\n--\x00\xff")
        empty = self.file('e "q".bin', b"")
        request = self.one({"multipart": [
            {"name": 'a"b\n', "value": "x y"},
            {"name": "j", "value": {"x": [1]}},
            {"name": "t", "value": "p>", "type": "text/html"},
            {"name": "f", "file": text},
            {"file": empty, "name": "g", "type": "x/y"},
            {"name": "h", "file": text, "filename": 'z"\u00e9.png'},
        ]})
        curl = self.curl("-F", 'a"b\n=x y', "-F", 'j={"x": [1]};type=application/json', "-F",
                         "t=p>;type=text/html", "-F", "f=@" + text, "-F",
                         'g=@"%s";type=x/y' % empty.replace('"', '\\"'), "-F",
                         'h=@%s;filename="z\\"\u00e9.png"' % text)
        self.assertEqual(self.parted(request), self.parted(curl))
        self.assertEqual(header(request, "content-length"), [str(len(request.body))])
        data = bytes(range(256))
        request = self.one({"multipart": [
            {"name": "b", "value_base64": base64.b64encode(data).decode(), "filename": "b.gif"}]})
        self.assertIn(b'filename="b.gif"\r\nContent-Type: image/gif\r\n\r\n' + data + b"\r\n",
                      request.body)

    def test_the_body_is_the_same_in_every_run(self):
        path = self.file("content", b"x" * 70000)
        record = {"id": 1, "multipart": [{"name": "a", "value": "1"}, {"name": "f", "file": path}]}
        first, second = (self.one(record, "--idempotency-key") for _ in range(2))
        self.assertEqual(first.body, second.body)
        self.assertEqual(header(first, "idempotency-key"), header(second, "idempotency-key"))
        other = self.one({**record, "multipart": [{"name": "f", "file": path}]},
                         "--idempotency-key")
        self.assertNotEqual(header(first, "idempotency-key"), header(other, "idempotency-key"))

    def test_many_with_files_on_threads(self):
        """Some hundred of them, more than there may be files open at once."""
        paths = [self.file("f%d" % i, b"%d:" % i * (1 + 3000 * (i % 7))) for i in range(20)]
        records = [{"id": i, "multipart": [
            {"name": "i", "value": i}, {"name": "f", "file": paths[i % 20]},
            {"name": "g", "file": paths[(i + 1) % 20]}]} for i in range(300)]
        self.send("--url", self.platform.url, "-t", "2", records=records, expect=OK)
        self.assertEqual(len(self.platform.requests), 300)
        for request in self.platform.requests:
            body = self.parted(request)
            i = int(re.search(rb'name="i"\r\n\r\n(\d+)', body).group(1))
            for name, at in (("f", i), ("g", i + 1)):
                self.assertIn(b'name="%s"; filename="f%d"\r\nContent-Type: application/octet-stream'
                              b"\r\n\r\n%s\r\n--" % (name.encode(), at % 20,
                                                     self.read("f%d" % (at % 20))), body)

    def test_bench_check_and_dry_run_make_the_same(self):
        path = self.file("content", b"plain")
        records = self.file("in", [{"url": self.platform.url, "multipart": [
            {"name": "f", "file": path}, {"name": "g", "file": path}]}])
        self.assertEqual(self.run_ringsend("check", records).status, OK)
        run = self.run_ringsend("bench", "-n1", "-c1", records)
        self.assertEqual(run.status, OK, run.err)
        dry = self.run_ringsend("send", "--dry-run", records).out
        self.assertIn(self.platform.requests[0].body, dry)
        self.platform.requests.clear()
        curl = dry.decode().splitlines()
        at = next(i for i, line in enumerate(curl) if line.startswith("curl "))
        subprocess.run(["sh", "-c", "\r\n".join(curl[at:]).replace("\r\r", "\r")], check=True,
                       stdout=subprocess.DEVNULL)

    def test_bad_ones_are_errors_of_their_records(self):
        here = self.file("here", b"x")
        bad = (
            ({"form": []}, "bad_record", '"form": it must be an object'),
            ({"form": {"a": None}}, "bad_record", '"form": "a": the value must be'),
            ({"form": {"a": [{}]}}, "bad_record", '"form": "a": the value must be'),
            ({"form": {}, "data": "x"}, "bad_record", "give only one of"),
            ({"multipart": {}}, "bad_record", '"multipart": it must be a list'),
            ({"multipart": []}, "bad_record", "at least one part"),
            ({"multipart": ["x"]}, "bad_record", "part 1: it must be an object"),
            ({"multipart": [{"value": "x"}]}, "bad_record", 'part 1: it has no "name"'),
            ({"multipart": [{"name": "a", "value": "x"}, {"name": "photo"}]}, "bad_record",
             'part 2 ("photo"): it must have one of'),
            ({"multipart": [{"name": "a", "value": "x", "file": here}]}, "bad_record",
             'part 1 ("a"): it must have one of'),
            ({"multipart": [{"name": "a", "value_base64": "?"}]}, "bad_record", "is not base64"),
            ({"multipart": [{"name": "a", "vlaue": "x"}]}, "bad_record", 'unknown key "vlaue"'),
            ({"multipart": [{"name": "a", "value": "x", "type": "a\r\nb: c"}]}, "bad_record",
             'part 1 ("a"): "type" holds a control'),
            ({"multipart": [{"name": "a\0", "value": "x"}]}, "bad_record", "holds a control"),
            ({"multipart": [{"name": "a", "file": here}, {"name": "b", "file": here + "2"}]},
             "data_file", 'part 2 ("b"): No such file or directory: ' + here[:20]),
            ({"multipart": [{"name": "a", "value": "x"}], "headers": {"Content-Type": "x/y"}},
             "bad_record", "names the boundary"),
        )
        good = {"multipart": [{"name": "a", "file": here}]}
        records = [each[0] for each in bad] + [good]
        path = self.file("in", records)
        run = self.run_ringsend("send", "--url", self.platform.url, path)
        self.assertEqual(run.status, NOT_ALL_OK)
        by_line = {result["line"]: result for result in run.results}
        for i, (record, error, detail) in enumerate(bad):
            result = by_line[i + 1]
            self.assertEqual(result["error"], error, (record, result))
            self.assertIn(detail, result["detail"])
        self.assertTrue(by_line[len(records)]["ok"])
        self.assertEqual(len(self.platform.requests), 1)
        check = self.run_ringsend("check", "--url", self.platform.url, path)
        self.assertEqual(check.status, INPUT)
        self.assertIn("%d cannot be sent" % len(bad), check.err)

    def test_a_boundary_stands_in_no_part(self):
        """Not even in one that holds the body of an earlier run, boundary and all."""
        record = {"multipart": [{"name": "a", "value": "x"}]}
        for _ in range(3):
            body = self.one(record).body
            record = {"multipart": [{"name": "a", "value": body.decode()}]}
        self.parted(self.one(record))

    def test_one_id_for_different_forms_is_told(self):
        records = [{"id": 1, "multipart": [{"name": "a", "file": self.file("x", b"x")}]},
                   {"id": 1, "multipart": [{"name": "b", "file": self.path("x")}]}]
        run = self.send("--url", self.platform.url, "--idempotency-key", records=records,
                        expect=OK)
        self.assertEqual(len(run.results), 2, json.dumps(run.results))


if __name__ == "__main__":
    main()

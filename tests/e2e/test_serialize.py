"""--serialize: records with the same value of a path one after another, the others side by side."""

import json
import threading

from harness import Case, OK, USAGE, NOT_ALL_OK, json_lines, main, response


class Serialize(Case):
    USERS = 7

    def setUp(self):
        super().setUp()
        self.lock = threading.Lock()
        self.active, self.seen, self.overlaps = {}, {}, []
        self.peak = 0
        self.refusals = {}

        def script(peer):
            while True:
                request = peer.request()
                if not request:
                    return
                body = json.loads(request.body)
                user = json.dumps(body.get("user"))
                with self.lock:
                    if body.get("user") is not None and self.active.get(user):
                        self.overlaps.append(body)
                    self.active[user] = self.active.get(user, 0) + 1
                    self.peak = max(self.peak, sum(self.active.values()))
                    self.seen.setdefault(user, []).append(body["n"])
                    refused = self.refusals.get(body["n"], 0) > 0
                    if refused:
                        self.refusals[body["n"]] -= 1
                threading.Event().wait(0.001)  # others get their chance to overlap
                with self.lock:
                    self.active[user] -= 1
                peer.send(response(b"", "503 Busy" if refused else "200 OK"))
        self.platform = self.server(script)

    def records(self, count, user=lambda n: n % Serialize.USERS):
        return [{"id": n, "url": self.platform.url, "data": {"n": n, "user": user(n)}}
                for n in range(count)]

    def assert_in_order(self):
        self.assertEqual(self.overlaps, [])
        for numbers in self.seen.values():
            self.assertEqual(numbers, sorted(numbers))

    def test_one_after_another_in_order(self):
        self.send("--serialize", ".user", "-c", "20", records=self.records(400), expect=OK)
        self.assert_in_order()
        self.assertLessEqual(self.peak, self.USERS)
        self.assertGreater(self.peak, 2)  # different ones are sent side by side

    def test_over_retries(self):
        self.refusals = {0: 2, 8: 1, 30: 1}
        self.send("--serialize", ".user", "-c", "20", "--retry-delay", "5ms",
                  records=self.records(200), expect=OK)
        self.assert_in_order()
        self.assertEqual(self.seen["0"][:3], [0, 0, 0])

    def test_who_has_no_value_waits_for_nobody(self):
        self.send("--serialize", ".user", "-c", "20", records=self.records(200, lambda n: None),
                  expect=OK)
        self.assertGreater(self.peak, self.USERS)

    def test_with_order_and_journal_and_bad_records(self):
        records = [b"bad" if n % 40 == 9 else r for n, r in enumerate(self.records(300))]
        self.send("--serialize", ".user", "--ordered", "-o", self.path("out"), records=records,
                  expect=NOT_ALL_OK)
        self.assert_in_order()
        self.assertEqual([r["line"] for r in json_lines(self.read("out"))], list(range(1, 301)))

    def test_data_files_keep_their_place(self):
        records = self.records(100, lambda n: 1)
        for n in range(0, 100, 3):
            del records[n]["data"]
            records[n]["data_file"] = self.file("body%d" % n,
                                                json.dumps({"n": n, "user": 1}).encode())
        self.send("--serialize", ".user", "-c", "8", records=records, expect=OK)
        self.assert_in_order()
        self.assertEqual(len(self.seen["1"]), 100)

    def test_many_of_one_value(self):
        self.send("--serialize", ".user", "-c", "30", records=self.records(600, lambda n: "one"),
                  expect=OK)
        self.assert_in_order()
        self.assertEqual(self.peak, 1)

    def test_a_path_that_makes_no_sense(self):
        run = self.send("--serialize", "user", records=[])
        self.assertEqual(run.status, USAGE)
        self.assertIn("--serialize: column 1: a path begins with a dot", run.err)


if __name__ == "__main__":
    main()

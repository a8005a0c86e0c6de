"""The scenario everything began with: a thousand records, a pool of forty, a slow platform."""

import collections

from harness import Case, OK, json_lines, main


class Article(Case):
    def test_a_thousand_records_over_forty_connections(self):
        serve = self.serve("--latency", "20ms", "--max-connections", "40", "--id-header", "x-id",
                           "--log", self.path("log"))
        records = self.file("records.jsonl", [
            {"id": "record-%d" % n, "url": serve.url, "headers": {"x-id": "record-%d" % n},
             "data": {"n": n, "text": "some text"}} for n in range(1000)])
        run = self.run_ringsend("send", "-c", "40", "-o", self.path("results.jsonl"), records)
        self.assertEqual(run.status, OK, run.err)
        stats = serve.stats()
        serve.stop()

        results = json_lines(self.read("results.jsonl"))
        self.assertEqual(len(results), 1000)
        self.assertEqual({r["id"] for r in results}, {"record-%d" % n for n in range(1000)})
        for result in results:
            self.assert_ok(result)
            self.assert_result_shape(result)
            self.assertEqual(result["attempts"], 1)

        delivered = collections.Counter(
            line.split("\t")[3] for line in self.read("log").decode().splitlines()
            if "\t/-/stats\t" not in line)
        self.assertEqual(set(delivered.values()), {1})
        self.assertEqual(len(delivered), 1000)
        self.assertLessEqual(stats["connections_peak"], 40)
        self.assertEqual((stats["refused"], stats["requests"]), (0, 1000))


if __name__ == "__main__":
    main()

"""--shard auto: the share of a task, as the engine that runs it says."""

import os

from harness import USAGE, SIGTERM_EXIT, Case, main

VARIABLES = [
    "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP",
    "SLURM_ARRAY_TASK_COUNT", "JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX",
    "AWS_BATCH_JOB_ARRAY_SIZE", "PARALLEL_SEQ"
]


def slurm(number, first, count, step=1):
    return {"SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_TASK_MIN": first,
            "SLURM_ARRAY_TASK_COUNT": count, "SLURM_ARRAY_TASK_STEP": step}


class Shards(Case):
    def task(self, environment, *options, shard="auto", count=20, command="send"):
        clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        records = self.file("records", [{"id": n, "url": "http://127.0.0.1:1/"}
                                        for n in range(count)])
        return self.run_ringsend(
            command, "--shard", shard, *options, records,
            env={**clean, **{name: str(value) for name, value in environment.items()}})

    def ids(self, environment, shard="auto"):
        run = self.task(environment, "--tries", "1", shard=shard)
        return sorted(result["id"] for result in run.results), run.err

    def test_all_tasks_together_have_each_record_once(self):
        for shard, tasks in (("auto", [slurm(n, 5, 4, 5) for n in (5, 10, 15, 20)]),
                             ("auto/4", [slurm(n, 0, 4) for n in range(4)]),
                             ("auto/3", [{"JOB_COMPLETION_INDEX": n} for n in range(3)]),
                             ("auto/3", [{"PARALLEL_SEQ": n} for n in (1, 2, 3)]),
                             ("auto", [{"AWS_BATCH_JOB_ARRAY_INDEX": n,
                                        "AWS_BATCH_JOB_ARRAY_SIZE": 2} for n in range(2)]),
                             ("auto", [{**slurm(n, 1, 2), "AWS_BATCH_JOB_ARRAY_INDEX": n - 1,
                                        "AWS_BATCH_JOB_ARRAY_SIZE": 2} for n in (1, 2)])):
            shares = [self.ids(task, shard)[0] for task in tasks]
            self.assertEqual(sorted(sum(shares, [])), list(range(20)), tasks)
            self.assertEqual(shares[1][0], 1)
        self.assertIn("ringsend send: --shard 1/2, by SLURM_ARRAY_TASK_ID=2\n",
                      self.ids(slurm(2, 1, 2))[1])

    def test_what_is_not_clear_is_refused(self):
        for environment, shard, told in (
            ({}, "auto", "none of SLURM_ARRAY_TASK_ID"),
            ({"PARALLEL_SEQ": ""}, "auto/2", "none of SLURM"),
            ({"JOB_COMPLETION_INDEX": 0}, "auto", "JOB_COMPLETION_INDEX says which share this is, "
             "and nothing of how many: --shard auto/N"),
            (slurm(1, 1, 2), "auto/3", "SLURM_ARRAY_TASK_COUNT says 2"),
            (slurm(7, 1, 2), "auto", "SLURM_ARRAY_TASK_ID=7 is none of 2 shares from 1 on"),
            (slurm(4, 1, 5, 2), "auto", "is none of 5 shares"),
            (slurm(4, 1, 5, 0), "auto", "is none of 5 shares"),
            (slurm("x", 1, 5), "auto", "SLURM_ARRAY_TASK_ID must be"),
            ({"PARALLEL_SEQ": 0}, "auto/2", "PARALLEL_SEQ=0 is none of 2 shares from 1 on"),
            ({"PARALLEL_SEQ": 3}, "auto/2", "PARALLEL_SEQ=3 is none of 2 shares"),
            ({**slurm(1, 1, 2), "PARALLEL_SEQ": 2}, "auto/2",
             "by SLURM_ARRAY_TASK_ID this is 0/2, by PARALLEL_SEQ 1/2: say which"),
            ({}, "auto/0", "--shard I/N: N"), ({}, "autos", "or auto, not \"autos\"")):
            for command in ("send", "check"):
                run = self.task(environment, shard=shard, command=command)
                self.assertEqual((run.status, run.out), (USAGE, b""), (environment, shard))
                self.assertIn(told, run.err)

    def test_whoever_goes_on_means_the_same_share(self):
        clean = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        serve = self.serve("--latency", "10s")
        records = self.file("records", [{"id": n, "url": serve.url} for n in range(60)])
        run = self.start("send", "-o", self.path("out"), "--shard", "auto/3", records,
                         env={**clean, "PARALLEL_SEQ": "2"})
        while not serve.stats()["connections"]:
            self.assertIsNone(run.process.poll())
        run.signal(15)
        run.signal_again(15)
        ended = run.finish()
        self.assertEqual(ended.status, SIGTERM_EXIT)
        self.assertIn("--resume -o %s --shard 1/3 " % self.path("out"), ended.err)
        serve.stop()
        quiet = self.task({"PARALLEL_SEQ": "1"}, "-q", "--tries", "1", shard="auto/20")
        self.assertEqual((quiet.err, [r["id"] for r in quiet.results]), ("", [0]))


if __name__ == "__main__":
    main()

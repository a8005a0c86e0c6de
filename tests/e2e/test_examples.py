"""The examples, each against `ringsend serve`, as they were built with the tree (and its sanitizers)."""

import os

from harness import Case, Program, main

# Where the build put them: EXAMPLES/example_NAME. One whose library is not on this machine is not there.
EXAMPLES = os.environ.get("EXAMPLES", "")
ARGUMENTS_URL_AND_COUNT = ["blocking", "cplusplus", "epoll", "libuv", "sd_event", "threads"]


class Examples(Case):
    def program(self, name):
        path = os.path.join(EXAMPLES, "example_" + name)
        if not os.path.exists(path):
            self.skipTest("%s was not built: its library is not here" % name)
        return path

    def run_example(self, name, *args, **more):
        program = Program([self.program(name), *args], **more)
        self.addCleanup(program.close)
        return program.finish()

    def count(self, name):
        """COUNT requests to the URL, all answered, all counted."""
        serve = self.serve("--latency", "1ms", "--max-connections", "40")
        run = self.run_example(name, serve.url + "orders", "300")
        self.assertEqual((run.status, run.out), (0, b"300 of 300 ok\n"), run.err)
        self.assertEqual(serve.stats()["statuses"], {"200": 300})

    def count_failures(self, name):
        """A server that refuses is told of, and the exit status says so."""
        serve = self.serve("--status", "400:100%")
        run = self.run_example(name, serve.url, "20")
        self.assertEqual((run.status, run.out), (1, b"0 of 20 ok\n"), run.err)

    def test_origins_each_get_their_share(self):
        serves = [self.serve("--latency", "1ms", "--max-connections", "4") for _ in range(3)]
        urls = [serve.url + "x" for serve in serves]
        run = self.run_example("origins", "50", *urls)
        self.assertEqual((run.status, run.out.decode()), (0, "".join("%s: 50 of 50 ok\n" % url for url in urls)))
        for serve in serves:
            stats = serve.stats()
            self.assertEqual((stats["statuses"], stats["refused"]), ({"200": 50}, 0))


def add_tests(name):
    setattr(Examples, "test_%s_sends_all" % name, lambda self: self.count(name))
    setattr(Examples, "test_%s_tells_failures" % name, lambda self: self.count_failures(name))


for each in ARGUMENTS_URL_AND_COUNT:
    add_tests(each)

if __name__ == "__main__":
    main()

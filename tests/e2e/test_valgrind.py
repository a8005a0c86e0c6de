"""`send` under valgrind's memcheck: nothing is read that was not written, neither by us nor by the
kernel for us, and all memory is given back before the end.

WATCHED is the program linked with tests/unit/ring_watched.c; VALGRIND the command before it, which
prints only what is wrong, and then ends with its own status."""

import gzip
import json
import os
import ssl
import unittest
import zlib

from harness import (Authority, BOUND_S, Case, OK, NOT_ALL_OK, Program, STOPPED, answering, main,
                     response)

VALGRIND = os.environ.get("VALGRIND", "").split()
WATCHED = os.environ.get("WATCHED", "")


@unittest.skipUnless(VALGRIND and WATCHED, "runs from the build directory's tests")
class Valgrind(Case):
    def watched(self, *options, records=None, expect=OK):
        files = [self.file("records.jsonl", records)] if records else []
        program = Program([*VALGRIND, WATCHED, "send", "-q", *options, *files], bound_s=4 * BOUND_S)
        self.addCleanup(program.close)
        run = program.finish()
        self.assertEqual(run.status, expect, run.err)
        return run

    def records(self, url, count, **more):
        return [{"id": n, "url": url, "data": {"n": n}, **more} for n in range(count)]

    def test_records_by_a_looked_up_name(self):
        serve = self.serve("--echo", "--close", "5%", "--status", "503:5%", "--seed", "3")
        run = self.watched("--retry-delay", "1ms", "--ok-if", "status == 200 && .n >= 0",
                           "--headers", "--trace", "--at-least-once",
                           records=self.records("http://localhost:%d/" % serve.port, 200))
        self.assertEqual(sorted(r["id"] for r in run.results), list(range(200)))

    def test_threads_write_one_file(self):
        serve = self.serve("--echo")
        self.watched("-t", "3", "-o", self.path("out"), "--failed", self.path("failed"),
                     "--serialize", ".n", records=self.records(serve.url, 200) + [b"broken"],
                     expect=NOT_ALL_OK)
        self.assertEqual(len(self.read("out").splitlines()), 201)

    def test_a_journal_is_gone_on_with(self):
        serve = self.serve("--status", "404:20%", "--seed", "2")
        records = self.file("records.jsonl", self.records(serve.url, 30))
        self.watched("--max-failures", "1", "-c", "1", "-o", self.path("out"), records,
                     expect=STOPPED)
        self.watched("--resume", "-o", self.path("out"), records, expect=NOT_ALL_OK)
        self.assertEqual(sorted(json.loads(line)["id"] for line in self.read("out").splitlines()),
                         list(range(30)))

    def test_tls_with_a_certificate_of_its_own(self):
        authority = Authority(self.dir)
        server, own = authority.certificate(), authority.certificate(names="",
                                                                     extensions=Authority.CLIENT)

        def script(peer):
            while peer.request():
                peer.send(response(b"x" * 20000))

        def prepare(context):
            context.load_verify_locations(authority.pem)
            context.verify_mode = ssl.CERT_REQUIRED
        url = self.tls_server(server, script, prepare).url
        self.watched("-c", "2", "--cacert", authority.pem, "--cert", own.chain, "--key", own.key,
                     records=self.records(url, 6))

    def test_unpacked_bodies(self):
        text = b"as long as it takes, " * 5000
        packed = {"/gzip": gzip.compress(text), "/deflate": zlib.compress(text)}

        def answer(request):
            return response(packed[request.target],
                            headers=["Content-Encoding: " + request.target[1:]])
        server = self.server(answering(answer))
        run = self.watched("--compressed",
                           records=[{"url": server.url + name[1:]} for name in packed])
        self.assertEqual([r["body"] for r in run.results], [text.decode()] * 2)

    def test_nobody_listens_and_no_name(self):
        run = self.watched("--tries", "1", records=[{"url": "http://127.0.0.1:1/"},
                                                    {"url": "http://x.invalid/"}],
                           expect=NOT_ALL_OK)
        self.assertEqual(len(run.results), 2)


if __name__ == "__main__":
    main()

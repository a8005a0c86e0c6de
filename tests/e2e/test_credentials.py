"""Who asks: -u, --netrc, --bearer, -b. curl (7.88) says what they mean; and nothing of them stands
where others could read it."""

import base64
import os
import random
import subprocess

from harness import (
    Case, NOT_ALL_OK, OK, Program, RINGSEND, USAGE, answering, header, main, response
)

PASSWORD = "ope:n s3same"


def basic(pair):
    return "Basic " + base64.b64encode(pair.encode()).decode()


class Credentials(Case):
    def setUp(self):
        super().setUp()
        self.server_ = self.server(answering(lambda request: response(b"{}")))
        self.url = self.server_.url

    def authorizations(self, *args, command="send", status=OK, env=None):
        """The Authorization headers of a run's requests, in the order of their targets."""
        self.server_.requests.clear()
        run = self.run_ringsend(command, *args, env=env)
        self.assertEqual(run.status, status, run.err)
        requests = sorted(self.server_.requests, key=lambda request: request.target)
        return [header(request, "authorization") for request in requests]

    def test_user(self):
        records = self.file("in", [{"url": self.url + "a"},
                                   {"url": self.url + "b", "headers": {"authorization": "own"}},
                                   {"url": self.url + "c", "headers": {"Authorization": []}}])
        pair = "me:" + PASSWORD
        held = self.file("pair", pair.encode() + b"\n")
        want = [[basic(pair)], ["own"], []]
        self.assertEqual(self.authorizations("-u", pair, records), want)
        self.assertEqual(self.authorizations("--user", "@" + held, records), want)
        self.assertEqual(self.authorizations("--user=:", records)[0], [basic(":")])
        config = self.file("config", b'user = "me:%s"\n' % PASSWORD.encode())
        self.assertEqual(self.authorizations("-K", config, records), want)
        # As with curl, a header that says it wins.
        self.assertEqual(self.authorizations("-u", pair, "-H", "Authorization: x", records)[0],
                         ["x"])
        for command in ("bench", "probe"):
            more = ["-n1", "-c1"] if command == "bench" else ["-q", "-c1", "--step", "100ms"]
            got = self.authorizations(*more, "-u", pair, self.url, command=command)
            self.assertEqual(got[0], [basic(pair)])

    def test_a_byte_order_mark_is_no_part_of_it(self):
        records = self.file("in", [{"url": self.url}])
        mark = b"\xef\xbb\xbf"
        pair, token = self.file("pair", mark + b"me:x\r\n"), self.file("token", mark + b"t0ken")
        self.assertEqual(self.authorizations("-u", "@" + pair, records)[0], [basic("me:x")])
        self.assertEqual(self.authorizations("--bearer", "@" + token, records)[0],
                         ["Bearer t0ken"])
        run = self.run_ringsend("send", "-u", "@" + self.file("empty", mark + b"\n"), records)
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("it is empty", run.err)

    def test_fifos(self):
        """One with a writer is read, whenever that comes; one without does not hold us up for
        ever."""
        records = self.file("in", [{"url": self.url}])
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        for command in ("exec 3>%s; sleep 0.1; echo default login a password b >&3",
                        "sleep 0.1; echo default login a password b >%s"):
            writer = subprocess.Popen(["sh", "-c", command % fifo])
            self.assertEqual(self.authorizations("--netrc-file", fifo, records)[0],
                             [basic("a:b")])
            writer.wait()

    def test_the_hint_of_a_refusal_knows_what_was_given(self):
        self.server_.script = answering(lambda request: response(b"", "401 No"))
        records = self.file("in", [{"url": self.url}])
        run = self.run_ringsend("send", records)
        self.assertIn("--oauth2, --token-command, --aws-sigv4", run.err)
        run = self.run_ringsend("send", "-u", "a:b", records)
        self.assertIn("does not take what --user gives", run.err)

    def test_mistakes_are_told_before_anything_is_sent(self):
        records = self.file("in", [{"url": self.url}])
        empty = self.file("empty", b"\n")
        for options, told in (
            (["-u", PASSWORD.replace(":", "")], "--user must be NAME:PASSWORD"),
            (["-u", "@" + self.path("none")], "No such file"),
            (["-u", "@" + empty], "it is empty"),
            (["--bearer", "s3same"], "@FILE or env:VARIABLE"),
            (["--bearer", "env:NOT_SET_AT_ALL"], "is not set"),
            (["--bearer", "@" + self.file("two", b"s3same s3same")], "is no token"),
            (["--bearer", "@" + empty, "-u", "a:b"], "give only one of"),
            (["-b", "s3same"], "there is no jar"),
            (["--netrc-file", self.path("none")], "No such file"),
            (["--netrc-file", self.file("nul", b"default login a\0b")], "NUL"),
            (["--cookie", "s3same"], "there is no jar"),
            (["--netrc-file", self.file("bad", b'machine h\nlogin "s3same\n')], "line 2: a quote"),
        ):
            for command in ("send", "check", "bench", "probe"):
                run = self.run_ringsend(command, *options, records)
                self.assertEqual(run.status, USAGE, (options, run.err))
                self.assertIn(told, run.err)
                self.assertNotIn("s3same", run.err)
        self.assertEqual(self.server_.connections, 0)

    def test_bearer(self):
        records = self.file("in", [{"url": self.url}])
        held = self.file("token", b"abc.DEF-123==\n")
        want = [["Bearer abc.DEF-123=="]]
        self.assertEqual(self.authorizations("--bearer", "@" + held, records), want)
        self.assertEqual(self.authorizations("--bearer", "env:TOKEN", records,
                                             env={"TOKEN": "abc.DEF-123=="}), want)

    def test_cookies(self):
        records = self.file("in", [{"url": self.url + "a"},
                                   {"url": self.url + "b", "headers": {"cookie": "own=1"}}])
        self.run_ringsend("send", "-b", "n=v", "--cookie", "m={{{{", "-b", "o=", records)
        got = sorted((request.target, header(request, "cookie"))
                     for request in self.server_.requests)
        self.assertEqual(got, [("/a", ["n=v; m={{; o="]), ("/b", ["own=1"])])
        curl = subprocess.run(["curl", "-sS", "-b", "n=v", self.url], check=True,
                              stdout=subprocess.DEVNULL)
        self.assertEqual(curl.returncode, OK)
        self.assertEqual(header(self.server_.requests[-1], "cookie"), ["n=v"])

    def test_netrc_is_of_the_home_directory(self):
        home = self.path("home")
        os.mkdir(home)
        with open(os.path.join(home, ".netrc"), "w", encoding="ascii") as file:
            file.write("machine 127.0.0.1 login me password %s\n" % PASSWORD.split()[0])
        os.chmod(file.name, 0o644)
        records = self.file("in", [{"url": self.url}])
        want = [[basic("me:" + PASSWORD.split()[0])]]
        run = self.run_ringsend("send", "--netrc", records, env={"HOME": home})
        self.assertIn("everybody on this machine can read the passwords in %s" % file.name, run.err)
        os.chmod(file.name, 0o600)
        self.assertEqual(self.authorizations("--netrc", records, env={"HOME": home}), want)
        self.assertEqual(self.authorizations("-n1", "-c1", "--netrc", self.url, command="bench",
                                             env={"HOME": home}), want)
        self.assertEqual(self.authorizations("--netrc", "-u", "a:b", records, env={"HOME": home}),
                         [[basic("a:b")]])
        rows = self.file("rows.csv", b"id,t\n1,x\n")
        self.assertEqual(self.authorizations("--netrc", "--url", self.url + "{{t}}", "-X", "GET",
                                             "-H", "x-id: {{id}}", rows, env={"HOME": home}), want)

    def words(self, random_):
        """A netrc of some entries, with what curl's reader is known to be odd about. An entry that
        lacks name or password is the last one: curl then looks on, and sends what it finds."""
        hosts = ["h1.example", "h2.example", "H3.Example"] * 4 + ["other", "login"]
        values = ["me", "you", '"a b"', '"q\\"u\\\\o"', "pass#word", '"#x"', "machine", "password",
                  '""', '"x"y']
        lines, count = [], random_.randrange(1, 6)
        for i in range(count):
            words = random_.choice([["machine", random_.choice(hosts)]] * 7 + [
                ["default"], ["MACHINE", random_.choice(hosts)], ["machine"],
                ["# machine h1.example"], ["macdef"]])
            if words[0] == "macdef":
                lines.append("macdef init\n" + random_.choice([
                    " machine h1.example login no password x\n\n", " cd \"x \n \n\n"]))
                continue
            keys = random_.sample(["login", "password"], 2)
            if i + 1 == count:
                keys = random_.sample(keys, random_.randrange(0, 3))
            for key in keys:
                words += [random_.choice([key, key, key.upper()]), random_.choice(values)]
            words += random_.choice([[]] * 4 + [["#x y"], ["account", "some"]])
            text = words[0]
            for word in words[1:]:
                text += random_.choice([" "] * 9 + ["\t", "  ", "\n", "\n  "]) + word
            lines.append(text + random_.choice(["\n"] * 4 + ["\r\n", "\n\n", ""]))
        return "".join(line if line.endswith("\n") else line + "\n" for line in lines).encode()

    def test_netrc_means_what_it_means_to_curl(self):
        """Random files; the answer to each of three hosts."""
        random_ = random.Random(7)
        hosts = ["h1.example", "h2.example", "h3.example"]
        port = self.server_.port
        files = [self.file("netrc%d" % i, self.words(random_)) for i in range(60)]
        curl = ["curl", "-sS"]
        for i, path in enumerate(files):
            curl += (["--next"] if i else []) + ["-sS", "--netrc-file", path]
            for host in hosts:
                curl += ["--resolve", "%s:%d:127.0.0.1" % (host, port),
                         "http://%s:%d/%d/%s" % (host, port, i, host)]
        subprocess.run(curl, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        want = {request.target: header(request, "authorization")
                for request in self.server_.requests}
        self.assertGreater(len(want), len(files) * len(hosts) * 0.9)
        self.assertGreater(sum(1 for each in want.values() if each), len(want) // 4)
        self.server_.requests.clear()
        for i, path in enumerate(files):
            records = self.file("in", [{"url": "http://%s:%d/%d/%s" % (host, port, i, host)}
                                       for host in hosts])
            run = self.run_ringsend("send", "-q", "--netrc-file", path, "--resolve",
                                    "*:*:127.0.0.1", records)
            if run.status == USAGE:  # of the whole file, where curl fails for some hosts
                for host in hosts:
                    want.pop("/%d/%s" % (i, host), None)
        got = {request.target: header(request, "authorization")
               for request in self.server_.requests}
        for target in want.keys() | got.keys():  # where curl fails, no request comes from here
            text = self.read("netrc" + target.split("/")[1])
            self.assertEqual(got.get(target), want.get(target), (target, text))

    def test_netrc_behind_a_byte_order_mark(self):
        records = self.file("in", [{"url": self.url}])
        marked = self.file("marked", b"\xef\xbb\xbfmachine 127.0.0.1 login a password b\n")
        self.assertEqual(self.authorizations("-q", "--netrc-file", marked, records),
                         [["Basic YTpi"]])

    def test_netrc_that_says_no_more_than_it_can(self):
        """A quote without its end behind the entry, and what no password may hold (RFC 7617 2), are
        errors of their records."""
        records = self.file("in", [{"url": self.url}])
        for text, told in ((b'machine 127.0.0.1 login a macdef x\n cd "\n', "does not end"),
                           (b'default login a password "b\\tc"\n', "control character")):
            netrc = self.file("netrc", text)
            run = self.run_ringsend("send", "--netrc-file", netrc, records)
            self.assertEqual(run.status, NOT_ALL_OK, run.err)
            self.assertEqual(run.results[0]["error"], "bad_header")
            self.assertIn(told, run.results[0]["detail"])
        self.assertEqual(self.server_.requests, [])

    def test_secrets_stand_nowhere(self):
        """Not among what is printed, in files that are written, nor in the command line of the
        process while it runs."""
        dead = self.server(answering(lambda request: response(b"no", "500 No")))
        records = self.file("in", [{"id": 1, "url": dead.url}])
        config = self.file("config", b'user = "me:%s"\n' % PASSWORD.encode())
        netrc = self.file("netrc", b'default login me password "%s"\n' % PASSWORD.encode())
        os.chmod(netrc, 0o600)
        token = self.file("token", PASSWORD.split()[1].encode())
        for options in (["-u", "me:" + PASSWORD], ["--user=me:" + PASSWORD], ["-K", config, "-v"],
                        ["--netrc-file", netrc], ["--bearer", "@" + token],
                        ["-bn=" + PASSWORD], ["-H", "Authorization: Basic " + PASSWORD]):
            out, failed = self.path("out"), self.path("failed")
            run = self.run_ringsend("send", "-v", "--force", "--tries", "1", "-o", out, "--failed",
                                    failed, *options, records)
            self.assertEqual(run.status, NOT_ALL_OK, run.err)
            dry = self.run_ringsend("send", "--dry-run", *options, records)
            self.assertEqual(dry.status, OK, dry.err)
            self.assertIn("***", dry.out.decode())
            text = run.err + dry.err + dry.out.decode() + self.read("out").decode()
            self.assertNotIn("s3same", text)
            self.assertNotIn(base64.b64encode(PASSWORD.encode()).decode()[4:-4], text)

    def test_a_running_command_line_shows_no_secret(self):
        silent = self.server(lambda peer: (peer.request(), peer.hold()))
        records = self.file("in", [{"id": 1, "url": silent.url}])
        program = self.start_program([RINGSEND, "send", "-ume:" + PASSWORD, "--cookie",
                                      "n=" + PASSWORD, "-H", "X-Api-Key: " + PASSWORD,
                                      "-H", "x-kept: seen", records])
        silent.wait_for(lambda server: server.requests)
        with open("/proc/%d/cmdline" % program.process.pid, "rb") as file:
            line = file.read()
        self.assertNotIn(b"s3same", line)
        self.assertIn(b"x-kept: seen", line)
        request = silent.requests[0]
        self.assertEqual(header(request, "authorization"), [basic("me:" + PASSWORD)])
        self.assertEqual(header(request, "cookie"), ["n=" + PASSWORD])

    def start_program(self, args):
        program = Program(args)
        self.addCleanup(program.close)
        return program

    def test_many_headers_and_one_more(self):
        """Own ones and those of options fill the room for them."""
        records = self.file("in", [{"url": self.url,
                                    "headers": {"x-%d" % i: "own" for i in range(10)}}])
        netrc = self.file("netrc", b"default login me password p\n")
        options = [word for i in range(6) for word in ("-H", "y-%d: option" % i)]
        got = self.authorizations("-q", "--netrc-file", netrc, "--idempotency-key", *options,
                                  records)
        self.assertEqual(got, [[basic("me:p")]])
        request = self.server_.requests[0]
        self.assertEqual([header(request, "y-%d" % i) for i in range(6)], [["option"]] * 6)
        self.assertEqual(len(header(request, "idempotency-key")), 1)


if __name__ == "__main__":
    main()

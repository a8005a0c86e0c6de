"""--aws-sigv4: what is received is verified as AWS does it, and the header is curl's, but where
curl (7.88) signs otherwise: queries in the order in which they stand, paths encoded once."""

import hashlib
import hmac
import os
import random
import subprocess
import time
import urllib.parse

from harness import Case, OK, USAGE, answering, header, in_turn, main, response

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SCOPE = "aws:amz:eu-central-1:execute-api"
SAFE = "-._~"


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def authorization(request, names, scope=SCOPE):
    """What AWS computes of a request that it has received (IAM User Guide, "Create a signed
    request")."""
    _, _, region, service = scope.split(":")
    date = header(request, "x-amz-date")[0]
    path, _, query = request.target.partition("?")
    if service != "s3":
        path = urllib.parse.quote(path, safe="/" + SAFE)
    pairs = sorted((urllib.parse.quote(urllib.parse.unquote(name), safe=SAFE),
                    urllib.parse.quote(urllib.parse.unquote(value), safe=SAFE))
                   for name, _, value in (pair.partition("=") for pair in query.split("&") if pair))
    lines = [name + ":" + ",".join(" ".join(value.split(" ")).strip()
                                   for value in header(request, name)) for name in names]
    canonical = "\n".join([
        request.method, path, "&".join("%s=%s" % pair for pair in pairs), *lines, "",
        ";".join(names), hashlib.sha256(request.body).hexdigest()])
    where = "%s/%s/%s/aws4_request" % (date[:8], region, service)
    key = ("AWS4" + SECRET).encode()
    for part in where.split("/"):
        key = mac(key, part)
    text = "\n".join(["AWS4-HMAC-SHA256", date, where,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    return ("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
            % (KEY, where, ";".join(names), mac(key, text).hex()))


class Sigv4(Case):
    def setUp(self):
        super().setUp()
        self.place = self.server(answering(lambda request: response(b"{}")))

    def verified(self, request, scope=SCOPE):
        """The header, which is what it must be, and the names in it."""
        got = header(request, "authorization")[0]
        names = got.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        self.assertEqual(got, authorization(request, names, scope), request.head)
        return got, names

    def sent(self, records, *options, scope=SCOPE, env=None):
        self.place.requests.clear()
        path = self.file("in", records)
        run = self.run_ringsend("send", "-c", "1", "--aws-sigv4", scope, *options, path, env=env)
        self.assertEqual(run.status, OK, run.err)
        return self.place.requests[:]

    def random_record(self, random_):
        letters = "abcXYZ019-._~"
        def word():
            return "".join(random_.choice(letters) for _ in range(random_.randrange(1, 9)))
        names = sorted({word() for _ in range(random_.randrange(0, 4))})
        query = "&".join("%s=%s" % (name, word()) for name in names)
        path = "/".join(word().replace(".", "d") for _ in range(random_.randrange(1, 4)))
        record = {"url": self.place.url + path + ("?" + query if query else ""),
                  "method": random_.choice(["GET", "POST", "PUT", "DELETE", "PATCH"]),
                  "headers": {"x-h%d" % i: random_.choice([word(), word() + " " + word()])
                              for i in range(random_.randrange(0, 4))}}
        if record["method"] in ("POST", "PUT", "PATCH"):
            record["data"] = word() * random_.randrange(1, 700)
            record["headers"]["content-type"] = random_.choice(["text/plain", "x/y; z=1"])
        return record

    def test_fifty_random_requests_as_curl_signs_them(self):
        random_ = random.Random(11)
        records = [self.random_record(random_) for _ in range(50)]
        mine = self.sent(records, "-u", KEY + ":" + SECRET)
        self.place.requests.clear()
        curl = ["curl"]
        for i, record in enumerate(records):
            curl += (["--next"] if i else []) + [
                "-sS", "--aws-sigv4", SCOPE, "-u", KEY + ":" + SECRET, "-X", record["method"],
                record["url"]]
            for name, value in record["headers"].items():
                curl += ["-H", "%s: %s" % (name, value)]
            if "data" in record:
                curl += ["--data-raw", record["data"]]
        subprocess.run(curl, check=True, stdout=subprocess.DEVNULL)
        theirs = self.place.requests
        self.assertEqual((len(mine), len(theirs)), (50, 50))
        for one, other in zip(mine, theirs):
            self.assertEqual((one.method, one.target, one.body),
                             (other.method, other.target, other.body))
            own, names = self.verified(one)
            curls, curl_names = self.verified(other)
            self.assertEqual(curl_names, names)
            if header(one, "x-amz-date") == header(other, "x-amz-date"):
                self.assertEqual(curls, own)

    def test_where_aws_and_curl_differ_aws_is_right(self):
        for request in self.sent([
                {"url": self.place.url + "b%2fc/%7Ed?z=1&a=2&a=1&q=%20x&e"},
                {"url": self.place.url + "p", "headers": {"x-b": "2", "x-a": ["1", " 3"]}},
                {"url": self.place.url, "form": {"a": "1 2"}}], "-u", KEY + ":" + SECRET):
            self.verified(request)
        for request in self.sent([{"url": self.place.url + "a%2Fb//c?list-type=2&acl"}], "-u",
                                 KEY + ":" + SECRET, scope="aws:amz:us-east-1:s3"):
            _, names = self.verified(request, "aws:amz:us-east-1:s3")
            self.assertEqual(names, ["host", "x-amz-content-sha256", "x-amz-date"])

    def test_keys_of_the_environment(self):
        env = dict(os.environ, AWS_ACCESS_KEY_ID=KEY, AWS_SECRET_ACCESS_KEY=SECRET,
                   AWS_SESSION_TOKEN="session/of=me")
        request = self.sent([{"url": self.place.url}], env=env)[0]
        _, names = self.verified(request)
        self.assertEqual(names, ["host", "x-amz-date", "x-amz-security-token"])
        self.assertEqual(header(request, "x-amz-security-token"), ["session/of=me"])
        # Another key's session it is not.
        request = self.sent([{"url": self.place.url}], "-u", "OTHER:x", env=env)[0]
        self.assertEqual(header(request, "x-amz-security-token"), [])
        # A record that signs itself is left alone.
        own = {"url": self.place.url, "headers": {"authorization": "mine"}}
        request = self.sent([own], env=env)[0]
        self.assertEqual((header(request, "authorization"), header(request, "x-amz-date")),
                         (["mine"], []))

    def test_each_try_is_signed_when_it_begins(self):
        self.place.script = in_turn(response(b"", "503 Busy", ["Retry-After: 1"]), response(b""))
        run = self.run_ringsend("send", "--aws-sigv4", SCOPE, "-u", KEY + ":" + SECRET,
                                self.file("in", [{"url": self.place.url}]))
        self.assertEqual(run.status, OK, run.err)
        dates = [header(request, "x-amz-date")[0] for request in self.place.requests]
        self.assertEqual(len(dates), 2)
        self.assertLess(dates[0], dates[1])
        for request in self.place.requests:
            self.verified(request)
        age_s = time.time() - time.mktime(time.strptime(dates[1], "%Y%m%dT%H%M%SZ")) + time.timezone
        self.assertLess(abs(age_s), 60)

    def test_mistakes_and_secrets(self):
        records = self.file("in", [{"url": self.place.url}])
        pair = KEY + ":" + SECRET
        for options, told in (
            (["--aws-sigv4", "aws:amz:x"], "must be aws:amz:REGION:SERVICE"),
            (["--aws-sigv4", "goog:goog:x:y", "-u", pair], "must be aws:amz:REGION:SERVICE"),
            (["--aws-sigv4", SCOPE], "goes with a key"),
            (["--aws-sigv4", SCOPE, "--token-command", "x"], "give only one of"),
            (["--aws-sigv4", SCOPE, "-u", pair, "-H", "Authorization: x"], "--header gives"),
        ):
            for command in ("send", "check"):
                run = self.run_ringsend(command, *options, records)
                self.assertEqual(run.status, USAGE, run.err)
                self.assertIn(told, run.err)
                self.assertNotIn(SECRET, run.err)
        # What would end its header's line, or does not stand in one.
        good = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "t"}
        for name in good:
            for end in ("\n", "\r\nX-Other: y", " ", "\u00e9"):
                run = self.run_ringsend("send", "--aws-sigv4", SCOPE, records,
                                        env={**os.environ, **good, name: KEY + end})
                self.assertEqual(run.status, USAGE, run.err)
                self.assertIn("holds white space, a line end", run.err)
        dry = self.run_ringsend("send", "--dry-run", "--aws-sigv4", SCOPE, "-u", pair, records)
        self.assertEqual(dry.status, OK, dry.err)
        self.assertIn("Authorization: ***", dry.out.decode())
        self.assertNotIn(SECRET, dry.out.decode())


if __name__ == "__main__":
    main()

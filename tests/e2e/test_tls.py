"""https: who is trusted and who is not, handshakes and their resumption, what travels inside.

The certificates come from openssl(1), all from authorities made for this run. Which certificate
has which fault is tested in full on the library (tests/tls); here it is that the program asks,
says what it found, and sends nothing before."""

import os
import re
import shutil
import signal
import ssl
import tempfile
import threading
import unittest

from certificates import Authority, Certificate, openssl
from harness import (BOUND_S, NOT_ALL_OK, OK, SIGINT_EXIT, USAGE, Case, answering, header, in_turn,
                     ipv6_on_loopback, main, over_tls, refused_port, response)

MIB = 1 << 20
HELLO = answering(lambda request: response(b"hello"))
ECHO = answering(lambda request: response(request.body))


def setUpModule():
    """Keys and certificates that no test changes."""
    directory = tempfile.mkdtemp(prefix="ringsend-e2e-ca-")
    unittest.addModuleCleanup(shutil.rmtree, directory)
    Tls.ca, Tls.other_ca = Authority(directory), Authority(directory, "other")
    Tls.good = Tls.ca.certificate()
    Tls.rsa_key = Tls.ca.new_key("RSA", "rsa_keygen_bits:2048")


class Tls(Case):
    ca = other_ca = good = rsa_key = None

    def trust(self):
        return ["--cacert", self.ca.pem]

    def get(self, url, *options, trust=None):
        """The result of one GET, one try, trusting the authority of the tests or as told."""
        return self.send_one({"url": url}, "--tries", "1", *(trust or self.trust()), *options)

    def handshakes(self, run):
        """(full, resumed, connections) of the summary."""
        tls = re.search(r"TLS +(\d+) full handshakes?, (\d+) resumed", run.err)
        opened = re.search(r"(\d+) connections? opened", run.err)
        self.assertTrue(tls and opened, run.err)
        return int(tls.group(1)), int(tls.group(2)), int(opened.group(1))

    def assert_no_request(self, server):
        self.assertEqual(server.requests, [])

    def tls_nginx(self, *lines, certificate=None, **more):
        certificate = certificate or self.good
        return self.nginx(tls="\n".join((
            "ssl_certificate %s;" % certificate.chain, "ssl_certificate_key %s;" % certificate.key,
            *(lines or ("ssl_protocols TLSv1.2;",)))), **more)


class Accepted(Tls):
    def accepts(self, certificate, host="127.0.0.1", prepare=None, trust=None):
        server = self.tls_server(certificate, HELLO, prepare)
        result = self.get("https://%s:%d/" % (host, server.port), trust=trust)
        self.assert_ok(result, "hello")
        self.assert_result_shape(result)
        self.assertGreater(result["us"]["tls"], 0)
        self.assertEqual(header(server.requests[0], "host"), ["%s:%d" % (host, server.port)])

    def test_a_host_by_its_name_and_by_its_address(self):
        for host in ("127.0.0.1", "localhost", "LocalHost"):
            with self.subTest(host=host):
                self.accepts(self.good, host)

    @unittest.skipUnless(ipv6_on_loopback(), "no IPv6 on loopback")
    def test_a_host_by_its_ipv6_address(self):
        server = self.tls_server(self.ca.certificate("IP:::1"), HELLO, host="::1")
        self.assert_ok(self.get(server.url), "hello")

    def test_keys_of_every_kind_that_is_known(self):
        keys = [self.rsa_key] + [self.ca.new_key("EC", "ec_paramgen_curve:" + curve)
                                 for curve in ("P-384", "P-521")]
        for key in keys:
            with self.subTest(key=key):
                self.accepts(self.ca.certificate(key=key))

    def test_every_cipher_that_is_known(self):
        for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                       "ECDHE-ECDSA-CHACHA20-POLY1305"):
            with self.subTest(cipher=cipher):
                self.accepts(self.good, prepare=lambda context, c=cipher: context.set_ciphers(c))

    def test_an_intermediate_authority(self):
        middle = self.ca.certificate("", cn="middle", extensions=Authority.AUTHORITY)
        leaf = self.ca.certificate(issuer=middle)
        self.accepts(leaf)
        alone = self.file("alone.pem", self.first_block(leaf.chain))
        server = self.tls_server(Certificate(alone, leaf.key), HELLO)
        self.assert_error(self.get(server.url), "tls_unknown_ca", "whole chain")

    @staticmethod
    def first_block(path):
        end = b"-----END CERTIFICATE-----\n"
        with open(path, "rb") as file:
            return file.read().partition(end)[0] + end

    def test_a_self_signed_certificate_that_is_trusted_by_itself(self):
        certificate = self_signed(self)
        self.accepts(certificate, trust=["--cacert", certificate.chain])

    def test_a_server_that_picks_another_protocol_by_alpn_or_none(self):
        for names in (["http/1.1"], ["h2", "http/1.1"]):
            with self.subTest(names=names):
                self.accepts(self.good,
                             prepare=lambda context, n=names: context.set_alpn_protocols(n))


def self_signed(case):
    """Made by req alone: no authority had a part in it."""
    key, pem = case.ca.new_key(), case.path("self.pem")
    openssl("req", "-x509", "-config", case.ca.config, "-key", key, "-days", "30", "-subj",
            "/CN=self", "-extensions", "leaf_extensions", "-addext", "subjectAltName=IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE", "-out", pem)
    return Certificate(pem, key)


class Refused(Tls):
    def refuses(self, certificate, error, *words, host="127.0.0.1", trust=None, prepare=None):
        """By default, with that error and no second try; accepted with -k, loudly."""
        server = self.tls_server(certificate, HELLO, prepare)
        record = {"url": "https://%s:%d/" % (host, server.port), "method": "POST", "data": "secret"}
        result = self.send_one(record, *(trust or self.trust()))
        self.assert_error(result, error, *words)
        self.assertEqual((result["attempts"], result["status"], server.connections), (1, None, 1))
        self.assertNotIn("ambiguous", result)
        self.assert_result_shape(result)
        self.assert_no_request(server)
        for options in (["-k"], ["--insecure", "-q"]):
            run = self.send(*options, records=[record], expect=OK)
            self.assertIn("WARNING", run.err)
            self.assertIn("not verified", run.err)
            self.assert_ok(run.results[0], "hello")
        self.assert_error(self.send_one(record, *(trust or self.trust())), error)

    def test_a_certificate_for_another_host(self):
        self.refuses(self.ca.certificate("DNS:example.com,IP:127.0.0.2"), "tls_wrong_host", "host")

    def test_an_address_that_only_stands_as_a_name(self):
        self.refuses(self.ca.certificate("DNS:localhost"), "tls_wrong_host")
        self.refuses(self.ca.certificate("DNS:127.0.0.1,DNS:localhost"), "tls_wrong_host")

    def test_a_name_that_only_has_its_address_in_the_certificate(self):
        self.refuses(self.ca.certificate("IP:127.0.0.1"), "tls_wrong_host", host="localhost")

    def test_a_name_that_stands_as_common_name_only(self):
        for host in ("localhost", "127.0.0.1"):
            self.refuses(self.ca.certificate("", cn=host), "tls_wrong_host", host=host)

    def test_an_expired_certificate(self):
        self.refuses(self.ca.certificate(end="20210101000000Z"), "tls_expired", "expired")

    def test_a_certificate_that_is_not_valid_yet(self):
        self.refuses(self.ca.certificate(start="20900101000000Z"), "tls_not_yet_valid", "clock")

    def test_an_authority_that_is_not_trusted(self):
        self.refuses(self.other_ca.certificate(), "tls_unknown_ca", "CA")

    def test_a_self_signed_certificate(self):
        self.refuses(self_signed(self), "tls_unknown_ca")

    def test_the_server_hears_why_it_is_refused(self):
        heard = []

        def listen(peer):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(*self.other_ca.certificate())
            try:
                context.wrap_socket(peer.sock, server_side=True)
            except ssl.SSLError as error:
                heard.append(error.reason)

        server = self.server(listen)
        self.assert_error(self.get("https://%s/" % server.authority), "tls_unknown_ca")
        server.close()
        self.assertEqual(heard, ["TLSV1_ALERT_UNKNOWN_CA"])

    def test_a_weak_key(self):
        key = self.ca.new_key("RSA", "rsa_keygen_bits:1024")
        self.refuses(self.ca.certificate(key=key), "tls_weak_key", "2048")

    def test_a_signature_with_sha_1(self):
        self.refuses(self.ca.certificate(md="sha1"), "tls_weak_signature", "SHA-1")

    def test_a_certificate_for_clients(self):
        self.refuses(self.ca.certificate(extensions=Authority.CLIENT), "tls_usage", "serverAuth")

    def test_a_server_certificate_that_signs_others(self):
        self.refuses(self.ca.certificate(issuer=self.good), "tls_bad_chain")

    def test_every_record_to_a_refused_server_has_its_result(self):
        server = self.tls_server(self.other_ca.certificate(), HELLO)
        records = [{"id": n, "url": server.url, "data": "x"} for n in range(30)]
        run = self.send("-c", "8", *self.trust(), records=records, expect=NOT_ALL_OK)
        self.assertEqual(sorted(r["id"] for r in run.results), list(range(30)))
        self.assertEqual({r["error"] for r in run.results}, {"tls_unknown_ca"})
        self.assertIn("tls_unknown_ca", run.err)
        self.assert_no_request(server)


def handshake_types(data):
    """The TLS records in data: [(record type, handshake type or None)]."""
    found = []
    while len(data) >= 5:
        length = int.from_bytes(data[3:5], "big")
        found.append((data[0], data[5] if data[0] == 22 else None))
        data = data[5 + length:]
    return found


class NothingLeavesBefore(Tls):
    """What the wire itself shows, seen by a server that keeps every byte it received."""

    CLIENT_HELLO, ALERT, APPLICATION_DATA = (22, 1), (21, None), (23, None)

    def wire(self, certificate, *options):
        """(the result, all bytes that the client sent) of one request."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*certificate)
        seen = bytearray()

        def script(peer):
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_side=True)
            answered = False
            while True:
                data = peer.sock.recv(1 << 16)
                seen.extend(data)
                if not data:
                    return
                incoming.write(data)
                try:
                    tls.do_handshake()
                    if not answered and tls.read(1 << 16):
                        answered = True
                        tls.write(response(b"hello"))
                except ssl.SSLError:
                    pass  # wants more, or was refused: the client closes then
                peer.sock.sendall(outgoing.read())
        server = self.server(script)
        result = self.send_one({"url": "https://%s/secret-path" % server.authority,
                                "headers": {"Authorization": "secret-header"},
                                "data": "secret-body"}, "--tries", "1", *options)
        server.close()
        return result, bytes(seen)

    def test_a_request_to_a_server_that_is_not_trusted_does_not_leave(self):
        for certificate in (self.other_ca.certificate(), self.ca.certificate("DNS:example.com"),
                            self.ca.certificate(end="20210101000000Z")):
            result, seen = self.wire(certificate, *self.trust())
            self.assertFalse(result["ok"])
            kinds = handshake_types(seen)
            self.assertEqual(kinds[0], self.CLIENT_HELLO)
            self.assertLessEqual(set(kinds[1:]), {self.ALERT}, kinds)
            self.assertNotIn(b"secret", seen)

    def test_a_request_to_a_trusted_server_leaves_encrypted(self):
        result, seen = self.wire(self.good, *self.trust())
        self.assert_ok(result, "hello")
        self.assertIn(self.APPLICATION_DATA, handshake_types(seen))
        self.assertNotIn(b"secret", seen)

    def test_the_name_of_the_url_counts_whatever_its_address_is(self):
        """--resolve takes the lookup's place, and nothing else's."""
        server = self.tls_server(self.ca.certificate("DNS:platform.test"), HELLO)
        address = "platform.test:%d:127.0.0.1" % server.port
        url = "https://platform.test:%d/" % server.port
        self.assert_ok(self.get(url, "--resolve", address), "hello")
        self.assertEqual(header(server.requests[0], "host"), ["platform.test:%d" % server.port])
        self.assert_ok(
            self.get(url, "--resolve", "other.test:1:127.0.0.9", "--resolve", "*:*:127.0.0.1"),
            "hello")
        other = "https://other.test:%d/" % server.port
        self.assert_error(self.get(other, "--resolve", "*:*:127.0.0.1"), "tls_wrong_host")

    def test_the_server_name_is_told_for_names_only(self):
        for host, told in (("localhost", ["localhost"]), ("127.0.0.1", [None])):
            names = []

            def prepare(context, names=names):
                context.sni_callback = lambda sock, name, context: names.append(name)
            server = self.tls_server(self.good, HELLO, prepare)
            self.assert_ok(self.get("https://%s:%d/" % (host, server.port)))
            self.assertEqual(names, told)


class TrustFiles(Tls):
    def test_cacert_takes_the_place_of_ssl_cert_file(self):
        server = self.tls_server(self.good, HELLO)
        with_good = dict(os.environ, SSL_CERT_FILE=self.ca.pem)
        with_other = dict(os.environ, SSL_CERT_FILE=self.other_ca.pem)
        record = [{"url": server.url}]
        self.send(records=record, env=with_good, expect=OK)
        run = self.send(records=record, env=with_other, expect=NOT_ALL_OK)
        self.assert_error(run.results[0], "tls_unknown_ca")
        run = self.send("--cacert", self.other_ca.pem, records=record, env=with_good,
                        expect=NOT_ALL_OK)
        self.assert_error(run.results[0], "tls_unknown_ca")
        self.send("--cacert", self.ca.pem, records=record, env=with_other, expect=OK)

    def test_the_systems_store_does_not_know_us(self):
        server = self.tls_server(self.good, HELLO)
        clean = {k: v for k, v in os.environ.items() if k != "SSL_CERT_FILE"}
        run = self.send(records=[{"url": server.url}], env=clean, expect=NOT_ALL_OK)
        self.assertIn(run.results[0]["error"], ("tls_unknown_ca", "tls_config"))  # without a store
        self.assert_no_request(server)

    def test_a_bundle_as_people_write_them(self):
        with open(self.ca.pem, "rb") as one, open(self.other_ca.pem, "rb") as two:
            text = b"# comment\n" + two.read() + b"\nmore words\n" + one.read()
        server = self.tls_server(self.good, HELLO)
        for name, content in (("crlf", text.replace(b"\n", b"\r\n")), ("cut", text.rstrip(b"\n"))):
            with self.subTest(name=name):
                self.assert_ok(self.get(server.url, trust=["--cacert", self.file(name, content)]))

    def test_a_bundle_that_cannot_be_used_ends_the_run_before_it_begins(self):
        server = self.server(HELLO)
        for name, content, words in (("missing.pem", None, "No such file"),
                                     ("empty.pem", b"", "empty"),
                                     ("garbage.pem", b"\x00\xff garbage\n" * 100, "no certificate"),
                                     ("key.pem", self.read_file(self.good.key), "no certificate")):
            path = self.path(name) if content is None else self.file(name, content)
            with self.subTest(name=name):
                run = self.send("--cacert", path, records=[{"url": server.url}], expect=USAGE)
                self.assertIn(path, run.err)
                self.assertIn(words, run.err)
                self.assertEqual(run.out, b"")
        self.assertEqual(server.connections, 0)

    @staticmethod
    def read_file(path):
        with open(path, "rb") as file:
            return file.read()

    def test_a_bad_ssl_cert_file_stops_at_the_first_https_record(self):
        secure, plain = self.tls_server(self.good, HELLO), self.server(HELLO)
        path = self.path("nowhere.pem")
        run = self.send(records=[{"id": 0, "url": plain.url}, {"id": 1, "url": secure.url}],
                        env=dict(os.environ, SSL_CERT_FILE=path), expect=USAGE)
        results = sorted(run.results, key=lambda result: result["id"])
        self.assert_ok(results[0], "hello")
        self.assert_error(results[1], "tls_config", path)
        self.assertEqual(secure.connections, 0)


class ClientCertificates(Tls):
    def wanting(self, script=HELLO):
        """A server that takes only those whose certificate is from the other authority."""
        def prepare(context):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.other_ca.pem)
        return self.tls_server(self.good, script, prepare)

    def client(self, **more):
        return self.other_ca.certificate("", extensions=Authority.CLIENT, **more)

    def test_a_server_that_wants_one_is_told_who_we_are(self):
        certificates = []

        def script(peer):
            certificates.append(peer.sock.getpeercert())
            HELLO(peer)
        server = self.wanting(script)
        for key in (None, self.rsa_key):
            certificate = self.client(key=key, cn="the client")
            self.assert_ok(self.get(server.url, "--cert", certificate.chain,
                                    "--key", certificate.key), "hello")
        self.assertEqual([c["subject"] for c in certificates],
                         [((("commonName", "the client"),),)] * 2)

    def test_the_key_may_stand_in_the_file_of_the_certificate(self):
        certificate = self.client()
        with open(certificate.key, "rb") as key, open(certificate.chain, "rb") as chain:
            text = key.read(), chain.read()
        for name, content in (("before", text[0] + text[1]), ("behind", text[1] + text[0])):
            with self.subTest(name=name):
                self.assert_ok(self.get(self.wanting().url, "--cert", self.file(name, content)))

    def test_keys_in_their_older_forms(self):
        for number, key in enumerate((self.other_ca.new_key(), self.rsa_key)):
            certificate = self.client(key=key)
            old = self.path("old-%d" % number)
            openssl("pkey", "-in", key, "-traditional", "-out", old)
            self.assert_ok(self.get(self.wanting().url, "--cert", certificate.chain, "--key", old))

    def test_without_one_the_error_says_so(self):
        server = self.wanting()
        result = self.send_one({"url": server.url}, *self.trust())
        self.assert_error(result, "tls_client_certificate", "client certificate")
        self.assertEqual(result["attempts"], 1)
        self.assert_no_request(server)

    def test_one_that_the_server_does_not_trust(self):
        server = self.wanting()
        certificate = self.ca.certificate("", extensions=Authority.CLIENT)
        result = self.get(server.url, "--cert", certificate.chain, "--key", certificate.key)
        self.assert_error(result, "tls_client_certificate")
        self.assert_no_request(server)

    def test_nginx(self):
        nginx = self.tls_nginx("ssl_protocols TLSv1.2;", "ssl_verify_client on;",
                               "ssl_client_certificate %s;" % self.other_ca.pem)
        without = self.get(nginx.url)  # nginx makes the connection, and then says no in HTTP
        self.assertEqual((without["ok"], without["status"]), (False, 400), without)
        self.assertIn("No required SSL certificate", without["body"])
        certificate = self.client()
        self.assert_ok(self.get(nginx.url, "--cert", certificate.chain, "--key", certificate.key))

    def test_what_cannot_be_used_ends_the_run_and_is_explained(self):
        good, other = self.client(), self.client()
        encrypted, old_encrypted = self.path("encrypted"), self.path("old-encrypted")
        openssl("pkey", "-in", good.key, "-aes128", "-passout", "pass:secret", "-out", encrypted)
        openssl("ec", "-in", good.key, "-aes128", "-passout", "pass:secret", "-out", old_encrypted)
        strange = self.other_ca.new_key("ED25519", None)
        garbage, missing = self.file("garbage", b"garbage\n"), self.path("missing")
        server = self.server(HELLO)
        for chain, key, blamed, words in (
                (good.chain, encrypted, encrypted, "encrypted: decrypt it"),
                (good.chain, old_encrypted, old_encrypted, "encrypted: decrypt it"),
                (good.chain, other.key, other.key, "does not belong"),
                (good.chain, self.rsa_key, self.rsa_key, "does not belong"),
                (good.chain, strange, strange, "cannot be used"),
                (good.chain, garbage, garbage, "no private key"),
                (good.chain, missing, missing, "No such file"),
                (good.chain, self.dir, self.dir, "is a directory"),
                (good.chain, None, good.chain, "no private key"),
                (garbage, good.key, garbage, "no certificate"),
                (missing, good.key, missing, "No such file")):
            with self.subTest(chain=chain, key=key):
                options = ["--cert", chain, *(["--key", key] if key else [])]
                run = self.send(*options, records=[{"url": server.url}], expect=USAGE)
                self.assertIn(blamed, run.err)
                self.assertIn(words, run.err)
                self.assertNotIn("PRIVATE KEY-----", run.err)
                self.assertEqual(run.out, b"")
        run = self.send("--key", good.key, records=[{"url": server.url}], expect=USAGE)
        self.assertIn("--cert", run.err)
        self.assertEqual(server.connections, 0)


class Exchanges(Tls):
    def test_200_records_over_40_connections_arrive_once_each(self):
        server = self.tls_server(self.good, ECHO)
        records = [{"id": n, "url": server.url, "data": "number %d" % n} for n in range(200)]
        run = self.send("-c", "40", *self.trust(), records=records, expect=OK)
        self.assertEqual({r["id"]: r["body"] for r in run.results},
                         {n: "number %d" % n for n in range(200)})
        self.assertEqual(sorted(request.body for request in server.requests),
                         sorted(b"number %d" % n for n in range(200)))
        full, resumed, opened = self.handshakes(run)
        self.assertEqual((full, full + resumed), (1, opened))

    def test_http_and_https_in_one_file(self):
        plain, secure = self.server(ECHO), self.tls_server(self.good, ECHO)
        records = [{"id": n, "url": (secure if n % 2 else plain).url, "data": str(n)}
                   for n in range(100)]
        run = self.send("-c", "10", *self.trust(), records=records, expect=OK)
        for result in run.results:
            self.assertEqual(result["body"], str(result["id"]))
            self.assertEqual(result["us"]["tls"] == 0, result["id"] % 2 == 0 or
                             result["us"]["connect"] == 0, result)
        self.assertEqual([len(server.requests) for server in (plain, secure)], [50, 50])
        self.assertTrue(all(int(request.body) % 2 for request in secure.requests))

    def test_an_http_run_says_nothing_of_tls(self):
        run = self.send(*self.trust(), records=[{"url": self.server(HELLO).url}], expect=OK)
        self.assertNotIn("TLS", run.err)
        self.assertNotIn("WARNING", run.err)

    def test_5_mb_there_and_back(self):
        server = self.tls_server(self.good, ECHO)
        body = "".join("%07d\n" % n for n in range(5 * MIB // 8))
        for options in ([], ["-c", "1001"]):  # a buffer for each direction, and one for both
            with self.subTest(options=options):
                result = self.send_one({"url": server.url, "data": body}, *self.trust(), *options)
                self.assert_ok(result, body)

    def test_a_response_before_the_request_has_all_been_sent(self):
        def script(peer):
            while b"\r\n\r\n" not in peer.held:
                peer.held += peer.sock.recv(1 << 14)
            peer.send(response(b"too large", "413 Content Too Large", ["Connection: close"]))
            peer.wait_close()
        server = self.tls_server(self.good, script)
        for options in ([], ["-c", "1001"]):
            with self.subTest(options=options):
                result = self.send_one({"url": server.url, "data": "x" * (5 * MIB)}, "--tries", "1",
                                       *self.trust(), *options)
                self.assertEqual((result["status"], result["body"]), (413, "too large"), result)

    def test_head_has_no_body(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"
        server = self.tls_server(self.good, in_turn(head))
        run = self.send("-c", "1", "-X", "HEAD", *self.trust(), records=[{"url": server.url}] * 2,
                        expect=OK)
        self.assertEqual([r.get("body", "") for r in run.results], ["", ""])
        self.assertEqual(server.connections, 1)

    def test_chunks_and_single_bytes(self):
        chunked = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n")

        def script(peer):
            for _ in range(2):
                peer.request()
                peer.send_split(chunked)  # each byte in a TLS record of its own
            peer.wait_close()
        server = self.tls_server(self.good, script)
        run = self.send("-c", "1", *self.trust(), records=[{"url": server.url}] * 2, expect=OK)
        self.assertEqual([r["body"] for r in run.results], ["hello world"] * 2)

    def ends(self, data, farewell):
        """The result of a response after which the server goes, with close_notify or without."""
        def script(peer):
            peer.request()
            peer.send(data)
            if farewell:
                peer.sock.unwrap()
            else:
                peer.end()
        return self.get(self.tls_server(self.good, script).url)

    def test_a_body_that_ends_with_the_connection_needs_a_farewell(self):
        until_close = b"HTTP/1.1 200 OK\r\n\r\nall of it"
        self.assert_ok(self.ends(until_close, True), "all of it")
        self.assert_error(self.ends(until_close, False), "truncated_body")

    def test_a_body_with_its_own_end_needs_none(self):
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        for farewell in (True, False):
            self.assert_ok(self.ends(response(b"framed"), farewell), "framed")
            self.assert_ok(self.ends(chunked, farewell), "x")

    def test_a_body_cut_off_is_never_ok(self):
        for farewell in (True, False):
            self.assert_error(self.ends(response(b"whole")[:-1], farewell), "truncated_body")
            self.assert_error(self.ends(response(b"whole")[:20], farewell), "truncated_head")
            self.assert_error(self.ends(b"", farewell), "closed_no_response")

    def test_a_connection_that_the_server_closes_after_each_answer(self):
        for farewell in (True, False):
            def script(peer, farewell=farewell):
                request = peer.request()
                if request:
                    peer.send(response(request.body))
                    if farewell:
                        peer.sock.unwrap()
            server = self.tls_server(self.good, script)
            records = [{"method": "PUT", "url": server.url, "data": str(n)} for n in range(20)]
            run = self.send("-c", "1", *self.trust(), records=records, expect=OK)
            self.assertEqual(sorted(int(r["body"]) for r in run.results), list(range(20)))
            if farewell:  # OpenSSL forgets the sessions of those that go without
                self.assertEqual(self.handshakes(run)[0], 1)

    def test_a_stale_connection_does_not_cost_a_try(self):
        """The server takes the second request of its first connection and breaks it."""
        def script(peer):
            while True:
                request = peer.request()
                if not request or (peer.number == 0 and request.target == "/2"):
                    return
                peer.send(response(b"hello"))
        server = self.tls_server(self.good, script)
        run = self.send("-c", "1", "--tries", "1", *self.trust(),
                        records=[{"url": server.url + str(n)} for n in (1, 2)], expect=OK)
        self.assertEqual(server.connections, 2)
        self.assertEqual([r["body"] for r in run.results], ["hello"] * 2)


class Failures(Tls):
    def test_https_to_a_plain_http_port(self):
        def script(peer):
            peer.sock.recv(1 << 14)
            peer.send(response(b"Bad Request", "400 Bad Request"))
            peer.end()
        server = self.server(script)
        result = self.get("https://%s/" % server.authority)
        self.assert_error(result, "tls_protocol", "the server speaks plain HTTP here: use http:")

    def test_plain_http_to_a_port_that_speaks_tls(self):
        server = self.tls_server(self.good, HELLO)
        result = self.get("http://%s/" % server.authority)
        self.assertIn(result["error"], ("bad_response", "reset_no_response", "closed_no_response"))

    def test_a_silent_server_is_given_up_after_the_handshake_timeout(self):
        server = self.server(lambda peer: peer.hold())
        result = self.get("https://%s/" % server.authority, "--handshake-timeout", "200ms")
        self.assert_error(result, "timeout_handshake")
        self.assertNotIn("ambiguous", result)
        self.assertGreaterEqual(result["us"]["total"], 200000)

    def test_a_server_that_stops_in_the_middle_of_its_flight(self):
        def script(peer):
            peer.sock.recv(1 << 14)
            peer.send(b"\x16\x03\x03\x10\x00\x02")
            peer.hold()
        server = self.server(script)
        result = self.get("https://%s/" % server.authority, "--handshake-timeout", "200ms")
        self.assert_error(result, "timeout_handshake")

    def test_the_handshake_timeout_does_not_bound_the_response(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def script(peer):
            peer.request()
            release.wait(BOUND_S)
            peer.send(response(b"late"))
            peer.wait_close()
        server = self.tls_server(self.good, script)
        program = self.start("send", "--handshake-timeout", "2s", "--tries", "1", *self.trust(),
                             self.file("records.jsonl", [{"url": server.url}]))
        server.wait_for(lambda s: s.requests)
        timer = threading.Timer(2.2, release.set)  # longer than the timeout: that is the point
        timer.start()
        self.addCleanup(timer.cancel)
        self.assert_ok(program.finish().results[0], "late")

    def test_a_server_that_closes_in_the_handshake_is_tried_again(self):
        def closing(peer, good=None):
            if peer.number < 2:
                peer.sock.recv(1 << 14)
                return
            good(peer)
        behind = over_tls(self.good, HELLO)
        server = self.server(lambda peer: closing(peer, behind))
        result = self.send_one({"url": "https://%s/" % server.authority, "data": "x"},
                               *self.trust())
        self.assert_ok(result, "hello")
        self.assertEqual((result["attempts"], len(server.requests)), (3, 1))

    def test_a_server_that_always_closes_in_the_handshake(self):
        server = self.server(lambda peer: peer.sock.recv(1 << 14))
        result = self.get("https://%s/" % server.authority)
        self.assert_error(result, "tls_closed", "closed the connection during the TLS handshake")
        self.assertNotIn("ambiguous", result)

    def test_nobody_listens(self):
        sock, port = refused_port()
        self.addCleanup(sock.close)
        self.assert_error(self.get("https://127.0.0.1:%d/" % port), "connect_refused")

    def test_two_signals_end_a_run_in_a_handshake(self):
        server = self.server(lambda peer: peer.hold())
        program = self.start("send", *self.trust(), self.file("records.jsonl", [
            {"url": "https://%s/" % server.authority, "data": "x"}]))
        server.wait_for(lambda s: s.connections)
        program.signal(signal.SIGINT)
        program.wait_for(lambda out, err: b"stopping" in err)
        program.signal_again(signal.SIGINT)
        run = program.finish()
        self.assertEqual(run.status, SIGINT_EXIT, run.err)
        self.assertEqual(run.results[0]["error"], "cancelled")
        self.assertNotIn("ambiguous", run.results[0])


if __name__ == "__main__":
    main()

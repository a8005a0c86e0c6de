"""Files of certificates and keys as people have them: bundles put together by hand, pipes that can
be read once, other forms than PEM, stores in directories."""

import os
import re
import shutil
import ssl
import subprocess
import tempfile
import unittest

from certificates import Authority, Certificate, openssl
from harness import OK, USAGE, Case, answering, main, response

HELLO = answering(lambda request: response(b"hello"))


def setUpModule():
    """Keys and certificates that no test changes."""
    directory = tempfile.mkdtemp(prefix="ringsend-e2e-ca-")
    unittest.addModuleCleanup(shutil.rmtree, directory)
    Files.ca, Files.other_ca = Authority(directory), Authority(directory, "other")
    Files.good = Files.ca.certificate()
    Files.client = Files.other_ca.certificate("", extensions=Authority.CLIENT)


def text_of(path):
    with open(path, "rb") as file:
        return file.read()


class Files(Case):
    ca = other_ca = good = client = None

    def wanting(self):
        """A server that takes only those whose certificate is from the other authority."""
        def prepare(context):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.other_ca.pem)
        return self.tls_server(self.good, HELLO, prepare)

    def once(self, path):
        """A pipe with the content of a file, to be read once: for stdin."""
        end, other = os.pipe()
        os.write(other, text_of(path))
        os.close(other)
        self.addCleanup(os.close, end)
        return end

    def gets(self, server, *options, **more):
        run = self.send(*options, records=[{"url": server.url}], expect=OK, **more)
        self.assert_ok(run.results[0], "hello")
        return run


class Pipes(Files):
    def test_each_file_may_be_a_pipe(self):
        client, server = self.client, self.wanting()
        own = ["--cert", client.chain, "--key", client.key]
        for options, content in ((["--cacert", "/dev/stdin", *own], self.ca.pem),
                                 (["--cacert", self.ca.pem, "--cert", client.chain, "--key",
                                   "/dev/fd/0"], client.key),
                                 (["--cacert", self.ca.pem, "--cert", "/dev/stdin", "--key",
                                   client.key], client.chain)):
            with self.subTest(options=options):
                run = self.gets(server, *options, stdin=self.once(content))
                self.assertNotIn("WARNING", run.err)

    def test_one_pipe_for_both(self):
        both = self.file("both.pem", text_of(self.client.chain) + text_of(self.client.key))
        self.gets(self.wanting(), "--cacert", self.ca.pem, "--cert", "/dev/stdin",
                  stdin=self.once(both))
        self.gets(self.wanting(), "--cacert", self.ca.pem, "--cert", "/dev/stdin", "--key",
                  "/dev/stdin", stdin=self.once(both))

    def test_all_engines_of_a_command_share_what_was_read_once(self):
        server = self.wanting()
        options = ["--cacert", self.ca.pem, "--cert", self.client.chain, "--key", "/dev/stdin"]
        self.gets(server, *options, "--threads", "2", stdin=self.once(self.client.key))
        run = self.run_ringsend("bench", server.url, *options, "-n", "4", "-c", "2", "-t", "2",
                                "--repeat", "2", stdin=self.once(self.client.key))
        self.assertEqual(run.status, OK, run.err)
        run = self.run_ringsend("probe", server.url, *options, "-c", "2", "--step", "100ms",
                                stdin=self.once(self.client.key))
        self.assertEqual(run.status, OK, run.err)

    def test_standard_input_has_one_reader(self):
        options = ["--cacert", "/dev/stdin", "--no-journal", "--dry-run"]
        run = self.run_ringsend("send", "-", *options, stdin=self.once(self.ca.pem))
        self.assertEqual(run.status, USAGE, run.err)
        self.assertIn("- and /dev/stdin are both standard input", run.err)

    def test_a_pipe_without_anything_is_empty(self):
        run = self.send("--cacert", "/dev/stdin", records=[{"url": "https://127.0.0.1:1/"}],
                        expect=USAGE, stdin=self.once(os.devnull))
        self.assertIn("/dev/stdin is empty", run.err)


class Told(Files):
    def test_a_bundle_beside_a_damaged_certificate_is_used_and_it_is_counted(self):
        pem, other = text_of(self.ca.pem), text_of(self.other_ca.pem)
        server = self.tls_server(self.good, HELLO)
        for name, text, count in (("cut", other[:300] + b"\n" + pem, "1 of 2 certificates"),
                                  ("cut-joined", other[:300] + pem, "1 of 2 certificates"),
                                  ("end-cut", pem + other[:300], "1 of 2 certificates"),
                                  ("joined", other.rstrip() + pem, None),
                                  ("bom", b"\xef\xbb\xbf" + pem, None)):
            with self.subTest(name=name):
                run = self.gets(server, "--cacert", self.file(name, text))
                if count:
                    self.assertRegex(run.err, "WARNING: %s in .*%s was passed over: 1 cut off"
                                     % (count, name))
                else:
                    self.assertNotIn("WARNING", run.err)

    def test_a_key_that_others_can_read_is_told_once(self):
        key = self.file("open.key", text_of(self.client.key))
        os.chmod(key, 0o640)
        run = self.gets(self.wanting(), "--cacert", self.ca.pem, "--cert", self.client.chain,
                        "--key", key, "--threads", "2")
        self.assertEqual(run.err.count("WARNING"), 1)
        self.assertIn("others can read the key in %s (mode 0640): chmod 600 %s" % (key, key),
                      run.err)
        os.chmod(key, 0o600)
        run = self.gets(self.wanting(), "--cacert", self.ca.pem, "--cert", self.client.chain,
                        "--key", key)
        self.assertNotIn("WARNING", run.err)

    def test_the_command_that_is_told_converts_the_file(self):
        """It is run as it stands in the message."""
        der = self.path("it's the ca.der")
        openssl("x509", "-in", self.ca.pem, "-outform", "DER", "-out", der)
        plain = self.converted("--cacert", der)
        self.gets(self.tls_server(self.good, HELLO), "--cacert", plain)
        key, encrypted = self.path("key.der"), self.path("encrypted")
        openssl("pkey", "-in", self.client.key, "-outform", "DER", "-out", key)
        openssl("pkey", "-in", self.client.key, "-aes128", "-passout", "pass:secret", "-out",
                encrypted)
        for path in (key, encrypted):
            plain = self.converted("--cert", self.client.chain, "--key", path)
            self.gets(self.wanting(), "--cacert", self.ca.pem, "--cert", self.client.chain,
                      "--key", plain)
        bundle = self.path("bundle.p12")
        openssl("pkcs12", "-export", "-in", self.client.chain, "-inkey", self.client.key,
                "-passout", "pass:secret", "-out", bundle)
        plain = self.converted("--cert", bundle)
        self.gets(self.wanting(), "--cacert", self.ca.pem, "--cert", plain)

    def converted(self, *options):
        run = self.send(*options, records=[{"url": "https://127.0.0.1:1/"}], expect=USAGE)
        command = re.search(r"with (openssl .* -out )PLAIN", run.err)
        self.assertTrue(command, run.err)
        plain = self.path("plain-%d" % len(os.listdir(self.dir)))
        asks = "-passin pass:secret" if re.search("pkcs12|encrypted", command.group(1)) else ""
        subprocess.run(["sh", "-c", "umask 077; %s%s %s" % (command.group(1), plain, asks)],
                       check=True, capture_output=True, timeout=60)
        return plain


class Stores(Files):
    def test_directories_of_ssl_cert_dir(self):
        one, two = self.path("one"), self.path("two")
        os.mkdir(one)
        os.mkdir(two)
        shutil.copy(self.other_ca.pem, os.path.join(one, "other.pem"))
        shutil.copy(self.ca.pem, os.path.join(two, "3f2a1b0c.0"))
        with open(os.path.join(two, "README"), "w", encoding="ascii") as file:
            file.write("not a certificate\n")
        clean = {k: v for k, v in os.environ.items() if k != "SSL_CERT_FILE"}
        server = self.tls_server(self.good, HELLO)
        self.gets(server, env=dict(clean, SSL_CERT_DIR="%s:%s" % (one, two)))
        run = self.send("--tries", "1", records=[{"url": server.url}],
                        env=dict(clean, SSL_CERT_DIR=one))
        self.assert_error(run.results[0], "tls_unknown_ca")
        self.gets(server, env=dict(clean, SSL_CERT_DIR=one, SSL_CERT_FILE=self.ca.pem))

    def test_a_chain_with_forty_certificates_too_many(self):
        middle = self.ca.certificate("", cn="middle", extensions=Authority.AUTHORITY)
        leaf = self.ca.certificate(issuer=middle)
        first, middle_pem = self.blocks(text_of(leaf.chain))
        text = first + 40 * text_of(self.other_ca.pem) + middle_pem
        server = self.tls_server(Certificate(self.file("long.pem", text), leaf.key), HELLO)
        self.gets(server, "--cacert", self.ca.pem)
        text = first + 63 * text_of(self.other_ca.pem) + middle_pem
        server = self.tls_server(Certificate(self.file("longer.pem", text), leaf.key), HELLO)
        run = self.send("--tries", "1", "--cacert", self.ca.pem, records=[{"url": server.url}])
        self.assert_error(run.results[0], "tls_bad_chain", "64")

    @staticmethod
    def blocks(text):
        end = b"-----END CERTIFICATE-----\n"
        return [block + end for block in text.split(end)[:2]]


if __name__ == "__main__":
    main()

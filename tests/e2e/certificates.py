"""Throw-away certificate authorities, and what they sign."""

import collections
import os
import shutil
import subprocess
import unittest

BOUND_S = 120  # ends an openssl(1) that hangs

Certificate = collections.namedtuple("Certificate", "chain key")  # two PEM files


class Authority:
    """A throw-away certificate authority, made by openssl(1); clients trust `pem`."""

    CONFIG = """
[ca]
default_ca=authority
[authority]
database={dir}/index
new_certs_dir={dir}
unique_subject=no
rand_serial=yes
policy=policy
[policy]
commonName=supplied
[req]
distinguished_name=name
x509_extensions=authority_extensions
prompt=no
[name]
CN=Test CA {name}
[authority_extensions]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign
subjectKeyIdentifier=hash
[leaf_extensions]
subjectKeyIdentifier=hash
"""
    AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
    SERVER = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth"
    CLIENT = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth"
    LOCAL = "DNS:localhost,IP:127.0.0.1"

    def __init__(self, directory, name="ca"):
        self.dir = os.path.join(directory, name)
        os.makedirs(self.dir)
        self.made = 0
        self._write("index", "")
        self.config = self._write("config", self.CONFIG.format(dir=self.dir, name=name))
        self.key = self.new_key()
        self.pem = os.path.join(self.dir, "ca.pem")
        self.by = Certificate(self.pem, self.key)
        openssl("req", "-x509", "-config", self.config, "-key", self.key, "-days", "30",
                "-out", self.pem)

    def _write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def new_key(self, algorithm="EC", option="ec_paramgen_curve:P-256"):
        self.made += 1
        path = os.path.join(self.dir, "%d.key" % self.made)
        openssl("genpkey", "-algorithm", algorithm, *(("-pkeyopt", option) if option else ()),
                "-out", path)
        return path

    def certificate(self, names=LOCAL, key=None, cn="a test", extensions=SERVER, start=None,
                    end="20991231235959Z", md="sha256", issuer=None):
        """names: subjectAltName, "" for none; key: a file, or none for a new one on P-256; start,
        end: YYYYMMDDHHMMSSZ; issuer: a Certificate, whose chain is then sent along."""
        key = key or self.new_key()
        self.made += 1
        base = os.path.join(self.dir, str(self.made))
        if names:
            extensions += "\nsubjectAltName=" + names
        self._write("%d.ext" % self.made, extensions + "\n")
        openssl("req", "-new", "-config", self.config, "-key", key, "-subj", "/CN=" + cn,
                "-out", base + ".csr")
        signer = issuer or self.by
        openssl("ca", "-batch", "-notext", "-config", self.config, "-cert", signer.chain,
                "-keyfile", signer.key, "-in", base + ".csr", "-extfile", base + ".ext", "-md", md,
                "-startdate", start or "20200101000000Z", "-enddate", end, "-out", base + ".pem")
        if issuer:
            with open(base + ".pem", "a", encoding="ascii") as chain, \
                    open(issuer.chain, encoding="ascii") as more:
                chain.write(more.read())
        return Certificate(base + ".pem", key)


def openssl(*args):
    program = shutil.which("openssl")
    if not program:
        raise unittest.SkipTest("openssl is not installed: apt-get install openssl")
    done = subprocess.run([program, *args], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=BOUND_S, check=False)
    if done.returncode != 0:
        raise AssertionError("openssl %s:\n%s" % (" ".join(args), done.stderr.decode()))

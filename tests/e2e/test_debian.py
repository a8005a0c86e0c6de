"""The Debian packages: built from what is under version control, clean for lintian, and what is
in which."""

import glob
import os
import shutil
import subprocess
import tarfile

from harness import ROOT, Case, main

TOOLS = ["dpkg-buildpackage", "dh", "lintian", "git"]
EXPECTED = {
    "ringsend": [
        "./usr/bin/ringsend", "./usr/share/man/man1/ringsend-send.1.gz",
        "./usr/share/ringsend/seccomp.json", "./lib/systemd/system/ringsend@.service",
        "./usr/share/bash-completion/completions/ringsend"
    ],
    "libringsend0": ["/libringsend.so.0"],
    "libringsend-dev": [
        "./usr/include/ringsend.h", "/libringsend.a", "/libringsend.so", "/pkgconfig/ringsend.pc",
        "./usr/share/man/man3/ringsend.3.gz", "./usr/share/man/man3/ringsend_new.3.gz"
    ],
}


class Debian(Case):
    def test_the_packages_are_built_and_clean(self):
        missing = [tool for tool in TOOLS if not shutil.which(tool)]
        if missing:
            self.skipTest("not here: " + ", ".join(missing))
        tree = self.path("ringsend-0.1.0")
        archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], capture_output=True)
        if archive.returncode:
            self.skipTest("not a repository")
        with open(self.path("tar"), "wb") as file:
            file.write(archive.stdout)
        with tarfile.open(self.path("tar")) as tar:
            tar.extractall(tree)
        build = subprocess.run(["dpkg-buildpackage", "-b", "-us", "-uc"], cwd=tree,
                               capture_output=True, text=True,
                               env={**os.environ, "DEB_BUILD_OPTIONS": "nocheck parallel=2"})
        if "Unmet build dependencies" in build.stderr:
            self.skipTest(build.stderr.strip())
        self.assertEqual(build.returncode, 0, build.stdout[-3000:] + build.stderr[-3000:])
        changes = glob.glob(self.path("*.changes"))
        lintian = subprocess.run(
            ["lintian", "--profile", "debian", "--fail-on", "error,warning", *changes],
            capture_output=True, text=True)
        self.assertEqual((lintian.returncode, lintian.stdout), (0, ""), lintian.stderr)
        for package, names in EXPECTED.items():
            deb, = glob.glob(self.path(package + "_*.deb"))
            files = subprocess.run(["dpkg", "-c", deb], check=True, capture_output=True,
                                   text=True).stdout.split()
            for name in names:
                self.assertTrue(any(each.endswith(name) for each in files), (package, name))


if __name__ == "__main__":
    main()

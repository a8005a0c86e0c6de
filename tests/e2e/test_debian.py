"""The Debian packages: that they ask for what the build uses; built from what is under version
control, clean for lintian, and what is in which.

Environment: BUILD, the build directory whose objects are looked at."""

import glob
import os
import re
import shutil
import subprocess
import tarfile

from harness import ROOT, Case, main

BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
TOOLS = ["dpkg-buildpackage", "dh", "lintian", "git"]
EXPECTED = {
    "ringsend": [
        "./usr/bin/ringsend", "./usr/share/man/man1/ringsend-send.1.gz",
        "./usr/share/ringsend/seccomp.json", "./lib/systemd/system/ringsend@.service",
        "./usr/share/bash-completion/completions/ringsend",
        "./usr/share/zsh/vendor-completions/_ringsend",
        "./usr/share/fish/vendor_completions.d/ringsend.fish"
    ],
    "libringsend0": ["/libringsend.so.0"],
    "libringsend-dev": [
        "./usr/include/ringsend.h", "/libringsend.a", "/libringsend.so", "/pkgconfig/ringsend.pc",
        "./usr/share/man/man3/ringsend.3.gz", "./usr/share/man/man3/ringsend_new.3.gz",
        "./usr/share/doc/libringsend-dev/examples/one.c"
    ],
    "python3-ringsend": [
        "./usr/lib/python3/dist-packages/ringsend/__init__.py",
        "./usr/lib/python3/dist-packages/ringsend/_engine.abi3.so",
        "./usr/lib/python3/dist-packages/ringsend/py.typed"
    ],
}


# With any compiler; and what is taken up only where it is there, by tests alone.
ALWAYS_HERE = r"libc6-dev|linux-libc-dev|libgcc-\d+-dev|libstdc\+\+-\d+-dev|libclang-\S*"
IF_HERE = {"valgrind"}


def control(package, field):
    """Names in a list of packages, each with those that may stand for it."""
    with open(os.path.join(ROOT, "debian", "control"), encoding="utf-8") as file:
        parts = file.read().split("\n\n")
    part, = [each for each in parts if each.startswith(package + "\n")]
    text = re.search(r"^%s:(.*(?:\n[ \t].*)*)" % field, part, re.MULTILINE).group(1)
    return [{name.split()[0].split(":")[0] for name in one.split("|")}
            for one in text.split(",") if "$" not in one]


def owners(paths):
    """The packages that these files are of."""
    run = subprocess.run(["dpkg", "-S", *paths], capture_output=True, text=True)
    return {line.split(":")[0] for line in run.stdout.splitlines()}


class Dependencies(Case):
    def setUp(self):
        super().setUp()
        if not shutil.which("dpkg"):
            self.skipTest("dpkg is not here")
        self.asked = control("Source: ringsend", "Build-Depends")

    def used(self):
        """The packages whose headers the compilers read, but for examples and measurements: those
        whose libraries are not there are not built."""
        text = subprocess.run(["ninja", "-C", BUILD, "-t", "deps"], check=True,
                              capture_output=True, text=True).stdout
        objects = re.findall(r"^(\S+): #deps.*\(VALID\)\n((?:    .*\n)*)", text, re.MULTILINE)
        headers = {path for target, paths in objects
                   if not target.startswith(("examples/", "perf/"))
                   for path in paths.split() if path.startswith("/usr/")}
        found = {re.sub(r"^libpython3\.\d+-", "libpython3-", name)
                 for name in owners(sorted(headers)) if not re.fullmatch(ALWAYS_HERE, name)}
        self.assertIn("liburing-dev", found)
        return found - IF_HERE

    def test_what_is_built_with_is_asked_for_and_no_other_library(self):
        used = self.used()
        self.assertEqual({name for name in used if not any(name in each for each in self.asked)},
                         set())
        libraries = [each for each in self.asked
                     if any(name.startswith("lib") or name == "zlib1g-dev" for name in each)]
        self.assertEqual([each for each in libraries if not each & used], [])

    def test_so_is_each_program_of_the_build(self):
        wanted = set()
        for path in glob.glob(ROOT + "/**/meson.build", recursive=True):
            with open(path, encoding="utf-8") as file:
                wanted |= set(re.findall(r"find_program\('([^']+)'\)", file.read()))
        self.assertIn("objcopy", wanted)
        for name in wanted:
            path = os.path.join("/usr/bin", os.path.basename(name))
            for package in owners([os.path.realpath(path)]):
                if not re.match("binutils", package):  # comes with any compiler
                    package = re.sub(r"(\.\d+)?-minimal$", "", package)
                    self.assertTrue(any(package in each for each in self.asked), (name, package))

    def test_run_installs_the_same_libraries(self):
        with open(os.path.join(ROOT, "run"), encoding="utf-8") as file:
            installed = re.search(r"^BUILD_PACKAGES='(.*)'", file.read(), re.MULTILINE).group(1)
        asked = {name for each in self.asked if len(each) == 1 for name in each
                 if name.endswith("-dev")}
        self.assertEqual({name for name in installed.split() if name.endswith("-dev")} -
                         {"libc6-dev"}, asked)

    def test_the_library_asks_for_what_its_pkg_config_file_names(self):
        with open(os.path.join(BUILD, "meson-private", "ringsend.pc"), encoding="utf-8") as file:
            text = file.read()
        modules = re.search(r"^Requires.private: (.*)$", text, re.MULTILINE).group(1).split(", ")
        depends = control("Package: libringsend-dev", "Depends")
        for module in modules:
            where = subprocess.run(["pkg-config", "--variable=pcfiledir", module.split()[0]],
                                   check=True, capture_output=True, text=True).stdout.strip()
            package = owners([os.path.join(where, module.split()[0] + ".pc")])
            self.assertTrue(any(package & each for each in depends), (module, package))
        for library in re.findall(r" -l(?!ringsend)(\w+)", text):
            self.assertTrue(any("lib%s-dev" % library in each for each in depends), library)


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

"""An installed copy: what lies where, and that programs outside the tree build against it with
nothing but pkg-config, in C and C++, static and shared.

Environment: BUILD, the build directory to install from."""

import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import test_examples
import test_guide
from harness import ROOT, Authority, Case, main

BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
# Stripped, without BearSSL and liburing; 18 KB of it are HTTP/2, 22 KB proxies.
LIBRARY_BYTES_MAX = 470_000
TOOLS = ["cc", "c++", "pkg-config", "meson", "strip"]
WARNINGS = ["-pthread", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def call(*command, **more):
    run = subprocess.run(command, capture_output=True, text=True, **more)
    if run.returncode:
        raise AssertionError("%s:\n%s%s" % (" ".join(command), run.stdout, run.stderr))
    return run.stdout


class Copy:
    """The installed copy all tests look at."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="ringsend-install-")
        unittest.addModuleCleanup(shutil.rmtree, self.root)
        call("meson", "install", "-C", BUILD, "--no-rebuild",
             env={**os.environ, "DESTDIR": self.root})
        self.pkgconfig = os.path.dirname(self.find("ringsend.pc"))
        self.libraries = os.path.dirname(self.pkgconfig)
        self.prefix = os.path.commonpath([self.libraries, self.find("ringsend.h")])
        # Whatever is found, is found in the copy.
        self.environment = {
            **os.environ, "PKG_CONFIG_PATH": self.pkgconfig, "LD_LIBRARY_PATH": self.libraries
        }

    def find(self, name):
        found = glob.glob("%s/**/%s" % (self.root, name), recursive=True)
        if len(found) != 1:
            raise AssertionError("%s: %s" % (name, found))
        return found[0]

    def path(self, name):
        return os.path.join(self.prefix, name)

    def library(self, name):
        return os.path.join(self.libraries, name)


def setUpModule():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise unittest.SkipTest("not here: " + ", ".join(missing))
    global copy
    copy = Copy()


class Shared(test_examples.Examples):
    """The examples, built as their readers build them."""

    compiling, linking = [], ["--libs"]

    def build(self, source):
        """Compiles a source file elsewhere; returns the program."""
        with open(os.path.join(ROOT, source), encoding="utf-8") as file:
            text = file.read()
        # The first lines of an example say how: that is what is tried.
        modules = re.search(r"pkg-config --cflags --libs ([\w -]+)\)", text)
        modules = modules.group(1).split() if modules else ["ringsend"]
        if subprocess.run(["pkg-config", "--exists", *modules], env=copy.environment).returncode:
            self.skipTest("not here: one of " + " ".join(modules))
        elsewhere = shutil.copy(os.path.join(ROOT, source), self.dir)
        program = os.path.splitext(elsewhere)[0]
        compiler = ["cc", "-std=gnu11"] if source.endswith(".c") else ["c++", "-std=c++17"]
        flags = [call("pkg-config", *options, *modules, env=copy.environment).split()
                 for options in (["--cflags"], self.linking)]
        call(*compiler, *WARNINGS, *self.compiling, *flags[0], "-o", program, elsewhere, *flags[1],
             env=copy.environment, cwd=self.dir)
        return program

    def program(self, name):
        return self.build(os.path.relpath(glob.glob("%s/examples/%s.c*" % (ROOT, name))[0], ROOT))

    def start_example(self, name, *args, **more):
        return super().start_example(name, *args, env=copy.environment, **more)

    def python(self, script, *args):
        return super().python(
            script, *args,
            env={
                **copy.environment, "LIBRINGSEND": copy.library("libringsend.so.0"),
                "PYTHONPATH": os.path.join(BUILD, "python")
            })

    def plugin(self, *link):
        program = self.path("plugin.so")
        flags = call("pkg-config", "--cflags", "ringsend", env=copy.environment).split()
        call("cc", "-std=gnu11", *WARNINGS, *flags, "-shared", "-fPIC", "-o", program,
             os.path.join(ROOT, "tests/install/plugin.c"), *link)
        return program

    def unloads(self, plugin):
        program = self.path("unload")
        call("cc", "-std=gnu11", *WARNINGS, "-o", program,
             os.path.join(ROOT, "tests/install/unload.c"))
        certificate = Authority(self.dir).certificate()
        tls = self.serve("--tls", "--cert", certificate.chain, "--key", certificate.key)
        call(program, plugin,
             self.serve().url, tls.url, tls.url, "http://name.test/", "http://other.test/",
             env=copy.environment)

    def test_it_can_be_unloaded(self):
        libs = call("pkg-config", "--libs", "ringsend", env=copy.environment).split()
        self.unloads(self.plugin(*libs))


class Static(Shared):
    compiling, linking = ["-static"], ["--static", "--libs"]
    STATIC = ["blocking", "cplusplus", "epoll", "one", "origins",
              "threads"]  # others need libraries that are only shared

    def test_it_can_be_unloaded(self):
        """In a plugin of a host's that knows nothing of it."""
        libs = call("pkg-config", "--static", "--libs", "ringsend", env=copy.environment).split()
        self.unloads(
            self.plugin(
                *[copy.library("libringsend.a") if lib == "-lringsend" else lib for lib in libs]))

    def python(self, script, *args):
        self.skipTest("Python loads the shared one")

    def program(self, name):
        if name not in self.STATIC:
            self.skipTest("not a static program")
        return super().program(name)

    def test_names_of_a_host_program_stay_its_own(self):
        call(self.build("tests/install/host_names.c"), self.serve().url)

    def test_the_archive_defines_nothing_but_the_public_names(self):
        text = call("nm", "--defined-only", "--extern-only", copy.library("libringsend.a"))
        names = re.findall(r" [A-Z] (\w+)$", text, re.MULTILINE)
        self.assertIn("ringsend_new", names)
        self.assertEqual([name for name in names if not name.startswith("ringsend_")], [])


class Readme(Case):
    def test_its_program_is_built_with_what_pkg_config_says_and_runs(self):
        serve = self.serve()
        (text,) = [text for language, text in test_guide.blocks("README.md") if language == "c"]
        source, program = self.path("readme.c"), self.path("readme")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <ringsend.h>\n#include <stdio.h>\nint main(void)\n{\n%s"
                       "ringsend_free(engine);\nreturn error;\n}\n"
                       % text.replace("http://127.0.0.1:8080/", serve.url))
        flags = call("pkg-config", "--cflags", "--libs", "ringsend", env=copy.environment).split()
        call("cc", *WARNINGS, source, *flags, "-o", program)
        self.assertEqual(call(program, env=copy.environment), "200\n")
        self.assertEqual(serve.stats()["requests"], 1)


class Header(Case):
    LANGUAGES = [("cc", "c", ["c90", "c99", "c11", "c17"]),
                 ("c++", "cc", ["c++11", "c++14", "c++17", "c++20"])]

    def test_it_is_clean_in_every_language(self):
        for compiler, suffix, standards in self.LANGUAGES:
            source = self.path("header." + suffix)
            with open(source, "w", encoding="ascii") as file:
                file.write("#include <ringsend.h>\nstruct ringsend_stats stats %s;\n"
                           "int main(void)\n{\n    ringsend_stats(0, &stats);\n    return 0;\n}\n"
                           % ("{}" if suffix == "cc" else "= {0}"))
            for standard in standards:
                with self.subTest(standard=standard):
                    call(compiler, "-std=" + standard, "-Wall", "-Wextra", "-Wshadow", "-Wpedantic",
                         "-Werror", "-I", copy.path("include"), "-fsyntax-only", source)


class Files(Case):
    def test_they_are_where_they_belong(self):
        for path in (copy.path("share/bash-completion/completions/ringsend"),
                     copy.path("share/zsh/site-functions/_ringsend"),
                     copy.path("share/fish/vendor_completions.d/ringsend.fish"),
                     copy.path("lib/systemd/system/ringsend@.service"),
                     copy.path("share/ringsend/seccomp.json"), copy.path("bin/ringsend"),
                     copy.path("include/ringsend.h"), copy.library("libringsend.a"),
                     copy.library("libringsend.so"), copy.library("libringsend.so.0")):
            self.assertTrue(os.path.exists(path), path)

    def test_each_function_has_its_manual_page(self):
        pages = os.path.dirname(copy.find("ringsend.3"))
        with open(os.path.join(ROOT, "src", "ringsend.map"), encoding="utf-8") as file:
            functions = re.findall(r"^\s+(ringsend_\w+);", file.read(), re.MULTILINE)
        self.assertIn("ringsend_new", functions)
        self.assertEqual(set(os.listdir(pages)),
                         {"ringsend.3", *(name + ".3" for name in functions)})
        for name in functions:
            self.assertEqual(os.path.realpath(os.path.join(pages, name + ".3")),
                             os.path.realpath(os.path.join(pages, "ringsend.3")))
        for name in ("ringsend.1", "ringsend-records.5", "ringsend-send.1"):
            with open(copy.find(name), encoding="utf-8") as file:
                self.assertRegex(file.readline(), r'^\.TH \S+ \d "" "ringsend \d+\.\d+\.\d+"')

    def test_the_soname_is_that_of_the_abi(self):
        self.assertRegex(call("readelf", "-d", copy.library("libringsend.so")),
                         r"SONAME.*\[libringsend\.so\.0\]")

    def test_the_version_is_one(self):
        version = call("pkg-config", "--modversion", "ringsend", env=copy.environment).strip()
        told = call(copy.path("bin/ringsend"), "--version").splitlines()
        self.assertEqual(told[0], "ringsend %s" % version)

    def test_the_shared_library_is_small(self):
        call("strip", "-o", self.path("stripped"), copy.library("libringsend.so"))
        self.assertLessEqual(os.path.getsize(self.path("stripped")), LIBRARY_BYTES_MAX)


if __name__ == "__main__":
    main()

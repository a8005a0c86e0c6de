"""README.md and docs/guide.md: their commands run, their files come out as shown, their C compiles.

A command is what stands behind "$" in a fenced block. `cat FILE` shows what a file holds, with
"..." for anything; one that is not there yet is made of what is shown. 127.0.0.1:8080 is a
server that was started for the block; an exit status of 5 says that a threshold was missed,
which is the machine's affair."""

import os
import re
import subprocess
import unittest

from harness import OK, RINGSEND, ROOT, Case, main

PAGES = ("README.md", os.path.join("docs", "guide.md"))
MISSED = 5


def blocks(page):
    """(language, text) of each fenced block."""
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return re.findall(r"^```(\w*)\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)


def commands(text):
    """(command, what is shown below it), with continued lines joined."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.replace("\\\n", " ").splitlines()
        yield lines[0], lines[1:]


class Guide(Case):
    def look(self, path, shown):
        """Lines may come in any order: results do."""
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(shown) + "\n")
        with open(path, encoding="utf-8") as file:
            lines = sorted(file.read().splitlines())
        self.assertEqual(len(lines), len(shown), path)
        for line, wanted in zip(lines, sorted(shown)):
            self.assertRegex(line, "^" + ".*".join(map(re.escape, wanted.split("..."))) + "$")

    def follow(self, page):
        found = 0
        serve = self.serve()
        address = re.sub(r"^http://|/$", "", serve.url)
        environment = {**os.environ, "PATH": os.path.dirname(RINGSEND) + ":" + os.environ["PATH"]}
        for _, text in blocks(page):
            for command, shown in commands(text.replace("127.0.0.1:8080", address)):
                found += 1
                if command.startswith("cat "):
                    self.look(os.path.join(self.dir, command[4:]), shown)
                    continue
                run = subprocess.run(["bash", "-c", command], cwd=self.dir, env=environment,
                                     capture_output=True, text=True)
                wanted = (OK, MISSED) if "--fail-if" in command else (OK,)
                self.assertIn(run.returncode, wanted, command + "\n" + run.stderr)
        self.assertGreater(found, 0)

    def test_the_commands_of_the_readme_run(self):
        self.follow("README.md")

    def test_the_commands_of_the_guide_run(self):
        self.follow(os.path.join("docs", "guide.md"))

    def test_their_c_compiles(self):
        programs = [text for page in PAGES for language, text in blocks(page) if language == "c"]
        self.assertGreater(len(programs), 0)
        for text in programs:
            source = self.path("block.c")
            with open(source, "w", encoding="utf-8") as file:
                file.write("#include <ringsend.h>\n#include <stdio.h>\n"
                           "int main(void)\n{\n%s}\n" % text)
            run = subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                                  "-I", os.path.join(ROOT, "src"), source],
                                 capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stderr), (0, ""))


if __name__ == "__main__":
    main()

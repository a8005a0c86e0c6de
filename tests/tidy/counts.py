#!/usr/bin/python3
"""Counts of the code's form: counts.py SOURCE_ROOT BUILD_ROOT

Prints, for each room and for the whole program, its functions, the checks in them and how many of
these a function has; then the files whose functions are steps of machines, one by one; and how many
circles of files there are, functions and files that are too long, and lines that are too wide.
Exit status 1 when one of these is over its bound in rules.py, or the machines' files have too few
checks.

A check is what stops the program when we have made a mistake: CHECK, UNREACHABLE, or at compile
time _Static_assert. Those in a macro count where the macro is written, and once."""

import os
import re
import sys

import rules
import tidy

CHECK = re.compile(r"\b(?:CHECK|UNREACHABLE|_Static_assert)\s*\(")


def counts_of(root, path):
    """(functions, checks) of a file."""
    text = tidy.read(root, path)
    code = tidy.without_preprocessor(tidy.blank(text))
    return len(tidy.functions(text) or []), len(CHECK.findall(code))


def total(counts):
    counts = list(counts)
    return sum(f for f, _ in counts), sum(c for _, c in counts)


def share(functions, checks):
    return checks / functions if functions else 0.0


def step_files(counts):
    return {name: [path for path in counts if re.fullmatch(pattern, path)]
            for name, pattern in rules.STEP_FILES.items()}


def engine_circles(root, build):
    return tidy.circles(tidy.callees(tidy.objects_of(root, build)))


def check_counts(root, build):
    """Each count that is over its bound; the other checks say where."""
    counts = {path: counts_of(root, path) for path in tidy.files(root, rules.PROGRAM)}
    for name, paths in step_files(counts).items():
        found = share(*total(counts[path] for path in paths))
        if paths and found < rules.STEP_CHECKS[name]:
            yield (f"{paths[0]}:1: the files of {name} have {found:.2f} checks per function, "
                   f"at least {rules.STEP_CHECKS[name]:.2f} are wanted")
    circles = len(engine_circles(root, build))
    if circles > rules.CIRCLES:
        yield f"{circles} circles of files, at most {rules.CIRCLES}"
    for count, what in long_and_wide(root, build):
        if count:
            yield f"{count} {what}, at most 0"


def long_and_wide(root, build):
    lengths = list(tidy.check_lengths(root, build))
    yield (sum("function of" in line for line in lengths),
           f"functions over {rules.FUNCTION_LINES} lines")
    yield sum("file of" in line for line in lengths), f"files over {rules.FILE_LINES} lines"
    yield sum(1 for _ in tidy.check_width(root, build)), f"lines over {rules.COLUMNS} columns"


def line(name, functions, checks):
    return f"{name:32} {functions:9} {checks:7} {share(functions, checks):12.2f}"


def report(root, build):
    counts = {path: counts_of(root, path) for path in tidy.files(root, rules.PROGRAM)}
    print(f"{'':32} functions  checks  per function")
    print(line("all", *total(counts.values())))
    for room in sorted({tidy.room_of(path) for path in counts}):
        print(line(room, *total(n for path, n in counts.items() if tidy.room_of(path) == room)))
    for name, paths in step_files(counts).items():
        print("\n" + line("machines: " + name, *total(counts[path] for path in paths)))
        for path in paths:
            print(line("  " + path, *counts[path]))
    print(f"\n{len(engine_circles(root, build)):5} circles of files, at most {rules.CIRCLES}")
    for count, what in long_and_wide(root, build):
        print(f"{count:5} {what}")
    lines = tidy.read(root, rules.LONG_FILE).count("\n")
    print(f"{lines:5} lines of {rules.LONG_FILE}, at most {rules.LONG_FILE_LINES}")


STEP = "int seed(int a)\n{\n    %sreturn a;\n}\n"
tidy.SEEDS["counts"] = [
    {"src/batch/job_slot.c": STEP % ""},
    {"src/batch/job_slot.c": STEP % "/* CHECK(a) */"},
    {"src/batch/job_slot.c": "#define CHECK(a) check(a)\n" + STEP % ""},
    {"src/base/seed.c": tidy.LONG},
    {"src/base/seed.c": "\n" * (rules.FILE_LINES + 1)},
    {"docs/seed.md": (rules.COLUMNS + 1) * "a" + "\n"},
    {"src/base/seed.c": tidy.SEED, "src/base/other.c": tidy.OTHER,
     "src/http/seed.c": tidy.SEED.replace("seed", "third").replace("other", "fourth"),
     "src/http/other.c": tidy.OTHER.replace("seed", "third").replace("other", "fourth")},
]
tidy.CLEAN["counts"] = [{"src/batch/job_slot.c": "#define CHECK(a)\n" + STEP % "CHECK(a);\n    "}]
tidy.CHECKS["counts"] = check_counts


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: counts.py SOURCE_ROOT BUILD_ROOT")
    root, build = (os.path.realpath(path) for path in sys.argv[1:])
    tidy.prove("counts", root)
    report(root, build)
    found = list(check_counts(root, build))
    print("\n" * bool(found) + "\n".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

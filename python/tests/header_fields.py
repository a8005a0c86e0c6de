#!/usr/bin/python3
"""Each field of the header's structs has its name in Python, or a reason why not. It reads sources
alone, so that it runs wherever the library is built; test_options.py looks closer.

usage: header_fields.py RINGSEND_H PYTHON_DIRECTORY"""

import os
import re
import sys


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def missing(header, directory):
    """(what lacks, where it is to go)"""
    sys.path.insert(0, os.path.join(directory, "native"))
    import fields
    of = fields.fields_of(header)
    options = read(directory, "ringsend", "_options.py")
    rows = set(re.findall(r'Option\(\s*"\w+",\s*"(\w+)"', options))
    reasons = re.search(r"^NOT_IN_PYTHON = \{(.*?)^\}", options, re.S | re.M).group(1)
    rows |= set(re.findall(r'^    "(\w+)":', reasons, re.M))
    for field in of["options"]:
        if field not in rows:
            yield ("options." + field, "a row in python/ringsend/_options.py and a line in "
                   "Settings there, or a reason in NOT_IN_PYTHON")
    result = read(directory, "native", "result.c")
    for field in of["result"]:
        if not re.search(r"from->%s\b" % field, result) and field not in ("request", ):
            yield ("result." + field, "a member in python/native/result.c and _engine.pyi")
    classes = read(directory, "ringsend", "_result.py")
    for struct in ("times", "attempt"):
        for field in of[struct]:
            if not re.search(r"^    %s: " % field, classes, re.M):
                yield (struct + "." + field, "a line in python/ringsend/_result.py")


def main():
    found = list(missing(read(sys.argv[1]), sys.argv[2]))
    for field, cure in found:
        print("struct ringsend_%s has no name in Python: %s" % (field, cure))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

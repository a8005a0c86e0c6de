#!/usr/bin/python3
"""Writes the lists of fields of the header's structs, as macros for fields.c: the wrapper knows
each field that the header has, and none by hand.

usage: fields.py RINGSEND_H OUTPUT_H"""

import re
import sys
from typing import Dict, List

STRUCTS = ["options", "stats", "times", "attempt", "tcp_sample", "request", "result"]


def fields_of(header: str) -> Dict[str, List[str]]:
    """The names of the fields of each of STRUCTS, in the header's order."""
    code = re.sub(r"/\*.*?\*/|^#[^\n]*", " ", header, flags=re.DOTALL | re.MULTILINE)
    found = {}
    for name in STRUCTS:
        match = re.search(r"struct ringsend_%s \{([^{}]*)\}" % name, code)
        if not match:
            raise SystemExit("struct ringsend_%s is not in the header" % name)
        found[name] = [
            re.sub(r"\[.*", "",
                   one.split()[-1]).lstrip("*") for line in match.group(1).split(";")
            if line.strip() for one in line.split(",")
        ]
    return found


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        found = fields_of(file.read())
    with open(sys.argv[2], "w", encoding="ascii") as out:
        for name, fields in found.items():
            out.write("#define FIELDS_%s(X) %s\n" % (name.upper(), " ".join("X(%s)" % field
                                                                            for field in fields)))


if __name__ == "__main__":
    main()

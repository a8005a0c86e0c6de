"""Which libringsend this is: $LIBRINGSEND alone where that is set; else the one beside the package,
as a wheel brings it; else whichever the system's loader finds. Loaded once, when the package is
imported."""

import os
import re
from typing import List, Tuple

from . import _engine

NAME = "libringsend.so.0"


def places() -> List[Tuple[str, str]]:
    """(path, why there), in the order in which they are tried."""
    told = os.environ.get("LIBRINGSEND")
    if told:
        return [(told, "LIBRINGSEND says so")]
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), NAME)
    return [(beside, "as a wheel brings it"),
            (NAME, "by the system's loader: LD_LIBRARY_PATH, /etc/ld.so.cache, /usr/lib")]


def _parts(version: str) -> List[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def load() -> Tuple[str, str]:
    """(path, version). ImportError says where it was looked for, and what was wrong there."""
    tried = []
    for path, why in places():
        try:
            version = _engine.load(os.fsencode(path))
        except OSError as error:
            tried.append("%s (%s): %s" % (path, why, error))
            continue
        if _parts(version) >= _parts(_engine.HEADER_VERSION):
            return path, version
        tried.append("%s (%s): version %s, and %s is needed" %
                     (path, why, version, _engine.HEADER_VERSION))
    raise ImportError(
        "libringsend cannot be used. Looked for:\n  %s\n"
        "Debian's package libringsend0 has it, and so has the wheel that `pip install "
        "./python` makes; LIBRINGSEND=/path/to/%s names another one." % ("\n  ".join(tried), NAME),
        name="ringsend")


PATH, VERSION = load()

"""Builds wheel and sdist by the standard library alone (PEP 517): neither pip nor python3-build has
to fetch anything. meson compiles the shared library and the extension module, once for Python 3.9
and all that follow; a wheel holds both.

It works in this repository, and in what build_sdist made of it."""

import base64
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
TREE = [
    "CHANGELOG.md", "LICENSE", "README.md", "dist", "docs", "examples", "meson.build",
    "meson_options.txt", "perf", "python", "run", "src", "tests", "tls", "uring"
]
MODULE = "python/ringsend/_engine.abi3.so"
PACKAGES = "libpython3-dev and what else ./run build installs"
DATE = (1980, 1, 1, 0, 0, 0)


def _project(name):
    with open(os.path.join(HERE, "pyproject.toml"), encoding="utf-8") as file:
        return re.search(r'^%s = "(.*)"' % name, file.read(), re.MULTILINE).group(1)


LIBRARY = "src/libringsend.so." + _project("version")


def _metadata():
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as file:
        readme = file.read()
    return ("Metadata-Version: 2.1\nName: ringsend\nVersion: %s\nSummary: %s\nLicense: MIT\n"
            "Requires-Python: %s\nDescription-Content-Type: text/markdown\n\n%s" %
            (_project("version"), _project("description"), _project("requires-python"), readme))


# ---- What is compiled


def _call(*command):
    # pip's own paths would hide meson's modules from it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        run = subprocess.run(command,
                             env=environment,
                             stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT,
                             check=False)
    except FileNotFoundError:
        raise SystemExit("%s is not here. What the build needs: %s" %
                         (command[0], PACKAGES)) from None
    if run.returncode:
        sys.stderr.write(run.stdout.decode("utf-8", "replace"))
        raise SystemExit("%s failed. What the build needs: %s" % (" ".join(command[:2]), PACKAGES))


def _compile(directory):
    headers = sysconfig.get_path("include")
    if not os.path.exists(os.path.join(headers, "Python.h")):
        raise SystemExit("Python.h is not in %s. What the build needs: %s" % (headers, PACKAGES))
    if not os.path.exists(os.path.join(ROOT, "src", "ringsend.h")):
        raise SystemExit("the C sources are not beside %s: it is built in its repository, or from "
                         "an sdist (pip before 21.3 copies the directory elsewhere)" % HERE)
    _call("meson", "setup", "--buildtype=release", "-Dwerror=false", "-Dpython_include=" + headers,
          directory, ROOT)
    _call("ninja", "-C", directory, LIBRARY, MODULE)
    return _compiled(directory)


def _compiled(directory):
    return {
        "libringsend.so.0": os.path.join(directory, LIBRARY),
        "_engine.abi3.so": os.path.join(directory, MODULE)
    }


# ---- Wheel


def _package():
    directory = os.path.join(HERE, "ringsend")
    return {
        "ringsend/" + name: os.path.join(directory, name)
        for name in sorted(os.listdir(directory)) if name.endswith((".py", ".pyi", ".typed"))
    }


def _tag():
    return "cp39-abi3-" + re.sub(r"[-.]", "_", sysconfig.get_platform())


def _infos():
    """The files of dist-info but RECORD."""
    return {
        "METADATA": _metadata().encode(),
        "WHEEL": ("Wheel-Version: 1.0\nGenerator: ringsend\nRoot-Is-Purelib: false\nTag: %s\n" %
                  _tag()).encode(),
        "LICENSE": _read(os.path.join(ROOT, "LICENSE"))
    }


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    """Returns the name of the directory it has made."""
    name = "ringsend-%s.dist-info" % _project("version")
    os.mkdir(os.path.join(metadata_directory, name))
    for file, data in _infos().items():
        with open(os.path.join(metadata_directory, name, file), "wb") as out:
            out.write(data)
    return name


class _Wheel:

    def __init__(self, path):
        self.zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self.record = []

    def add(self, name, data, mode=0o644):
        info = zipfile.ZipInfo(name, DATE)
        info.external_attr = (0o100000 | mode) << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        self.zip.writestr(info, data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        self.record.append("%s,sha256=%s,%d" % (name, digest, len(data)))

    def close(self, info):
        name = info + "RECORD"
        self.zip.writestr(zipfile.ZipInfo(name, DATE),
                          "\n".join([*self.record, name + ",,"]) + "\n")
        self.zip.close()


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Returns the wheel's name. With the setting build-directory it takes what is built there."""
    version = _project("version")
    name = "ringsend-%s-%s.whl" % (version, _tag())
    info = "ringsend-%s.dist-info/" % version
    build = tempfile.mkdtemp(prefix="ringsend-wheel-")
    built = (config_settings or {}).get("build-directory")
    try:
        compiled = _compiled(built) if built else _compile(os.path.join(build, "build"))
        wheel = _Wheel(os.path.join(wheel_directory, name))
        for where, path in _package().items():
            wheel.add(where, _read(path))
        for where, path in compiled.items():
            wheel.add("ringsend/" + where, _read(path), 0o755)
    finally:
        shutil.rmtree(build)
    for file, data in _infos().items():
        wheel.add(info + file, data)
    wheel.close(info)
    return name


# ---- Sdist


def _tree():
    for name in TREE:
        path = os.path.join(ROOT, name)
        if os.path.isfile(path):
            yield name
        for where, directories, files in os.walk(path):
            directories[:] = sorted(each for each in directories
                                    if each != "__pycache__" and not each.startswith("."))
            for file in sorted(files):
                if not file.endswith((".so", ".pyc", ".whl", ".tar.gz")):
                    yield os.path.relpath(os.path.join(where, file), ROOT)


def build_sdist(sdist_directory, config_settings=None):
    """The repository, with a pyproject.toml at its top that leads here. Returns its name."""
    base = "ringsend-" + _project("version")
    name = base + ".tar.gz"
    with tarfile.open(os.path.join(sdist_directory, name), "w:gz",
                      format=tarfile.PAX_FORMAT) as tar:
        for path in _tree():
            tar.add(os.path.join(ROOT, path), base + "/" + path, recursive=False)
        pyproject = _read(os.path.join(HERE, "pyproject.toml")).decode()
        pyproject = pyproject.replace('backend-path = ["."]', 'backend-path = ["python"]')
        pyproject = pyproject.replace('readme = "README.md"', 'readme = "python/README.md"')
        for where, data in (("pyproject.toml", pyproject), ("PKG-INFO", _metadata())):
            entry = tarfile.TarInfo(base + "/" + where)
            entry.size = len(data.encode())
            tar.addfile(entry, io.BytesIO(data.encode()))
    return name

"""The package as such: what it says when the library is not there, and its form."""

import ast
import glob
import os
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
from conftest import SANITIZED, run_script

import ringsend

PYTHON = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def test_a_library_that_is_not_there_is_told_with_all_places(tmp_path):
    run = run_script("import ringsend", env={**os.environ, "LIBRINGSEND": "/nowhere/lib.so"})
    assert run.returncode == 1
    assert "ImportError: libringsend cannot be used. Looked for:\n  /nowhere/lib.so " \
        "(LIBRINGSEND says " \
        "so): /nowhere/lib.so: cannot open shared object file" in run.stderr
    assert "libringsend0" in run.stderr
    (tmp_path / "lib.so").write_bytes(b"no library")
    run = run_script("import ringsend", env={**os.environ, "LIBRINGSEND": str(tmp_path / "lib.so")})
    assert "ImportError" in run.stderr and "lib.so" in run.stderr
    library = glob.glob("/lib/*/libz.so.1")
    run = run_script("import ringsend", env={**os.environ, "LIBRINGSEND": library[0]})
    assert "it has no ringsend_new: an older library" in run.stderr


def test_versions_are_one():
    with open(os.path.join(PYTHON, "pyproject.toml"), encoding="utf-8") as file:
        assert 'version = "%s"' % ringsend.__version__ in file.read()
    assert ringsend.library_version == ringsend.__version__ == ringsend._engine.HEADER_VERSION
    assert ringsend.library_path


def test_it_is_python_3_9():
    for path in glob.glob(PYTHON + "/**/*.py", recursive=True):
        with open(path, encoding="utf-8") as file:
            ast.parse(file.read(), path, feature_version=(3, 9))


@pytest.mark.skipif(not shutil.which("mypy"), reason="mypy is not here")
def test_types(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""
import asyncio
from typing import List
import ringsend

async def main() -> None:
    async with ringsend.Session(40, tries=4, timeout_s=3, retry_on=[503, "dns_failed"]) as session:
        results: List[ringsend.Result] = await session.request([{"url": "http://a/"}])
        count: int = await session.map([], print)
        async for result in session.map([]):
            status: int = result.status
        answer: ringsend.Result = await session.post("http://a/", {}, key="k", timeout_s=3)
        async with session.stream("GET", "http://a/") as response:
            pieces: List[bytes] = [piece async for piece in response]
    many: List[ringsend.Result] = ringsend.send([{"url": "http://a/"}], pool=3, ok_if="status")

asyncio.run(main())
""")
    command = ["mypy", "--config-file", os.path.join(PYTHON, "pyproject.toml"), "--cache-dir",
               str(tmp_path / "cache"), os.path.join(PYTHON, "ringsend"), str(program)]
    environment = {**os.environ, "LD_PRELOAD": ""}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stdout + run.stderr
    program.write_text("""
import ringsend

async def main() -> None:
    async with ringsend.Session(poll=40) as session:
        await session.get("http://a/", timeout=3)
""")
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert run.stdout.count(": error: ") == 2, run.stdout


def test_everything_public_is_documented():
    for name in ringsend.__all__:
        thing = getattr(ringsend, name)
        if not callable(thing):
            continue
        assert thing.__doc__, name
        for member, value in vars(thing).items() if isinstance(thing, type) else ():
            if not member.startswith("_") and callable(value):
                assert value.__doc__, (name, member)


def test_each_file_is_built_and_installed():
    directory = os.path.join(PYTHON, "ringsend")
    with open(os.path.join(directory, "meson.build"), encoding="utf-8") as file:
        listed = set(re.findall(r"'(\w+\.pyi?|py\.typed)'", file.read()))
    assert listed == {
        name
        for name in os.listdir(directory) if name.endswith((".py", ".pyi", ".typed"))
    }


@pytest.mark.skipif("BUILD" not in os.environ or SANITIZED,
                    reason="a wheel is made of a plain build")
def test_the_wheel_holds_all(tmp_path):
    sys.path.insert(0, PYTHON)
    import backend
    sys.path.remove(PYTHON)
    wheel = str(tmp_path /
                backend.build_wheel(str(tmp_path), {"build-directory": os.environ["BUILD"]}))
    assert os.path.basename(wheel).startswith("ringsend-0.1.0-cp39-abi3-linux_")
    subprocess.run([
        sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--quiet", "--target",
        str(tmp_path / "site"), wheel
    ],
                   check=True)
    clean = {name: value for name, value in os.environ.items() if name != "LIBRINGSEND"}
    run = run_script("import ringsend; print(ringsend.library_path)",
                     env={
                         **clean, "PYTHONPATH": str(tmp_path / "site")
                     })
    assert run.stdout == str(tmp_path / "site/ringsend/libringsend.so.0") + "\n", run.stderr
    sdist = backend.build_sdist(str(tmp_path))
    with tarfile.open(tmp_path / sdist) as tar:
        names = set(tar.getnames())
    assert {
        "ringsend-0.1.0/" + name
        for name in ("pyproject.toml", "PKG-INFO", "meson.build", "src/ringsend.h",
                     "python/backend.py", "python/ringsend/__init__.py")
    } <= names

#!/usr/bin/python3
"""Checks of the code's form: tidy.py CHECK SOURCE_ROOT [BUILD_ROOT]

Before a check looks at the program it proves itself on a small tree with a seeded violation,
which it must find, and on the same tree without it, where it must find nothing. The tables are
in rules.py. Prints one line per violation; exit status 0 none, 1 some, 77 the tool for it is not
here (skip)."""

import concurrent.futures
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import rules

SKIP = 77


# ---- Reading C


def files(root, directories, suffixes=(".c", ".h")):
    """Paths below the directories, relative to root, sorted."""
    found = []
    for directory in directories:
        for where, _, names in os.walk(os.path.join(root, directory)):
            found += [
                os.path.relpath(os.path.join(where, n), root) for n in names if n.endswith(suffixes)
            ]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)


def blank(text):
    """The text with comments and literals replaced by spaces; line numbers stay."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def without_preprocessor(code):
    """Blanked text with directives and their continuations, and C++ parts, replaced by spaces."""
    code = re.sub(r"#ifdef __cplusplus\n.*?#endif", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  code, flags=re.DOTALL)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()),
                  code, flags=re.MULTILINE)


@functools.cache
def functions(text):
    """(first line, last line) of each function body with its signature; None if braces do not
    match."""
    code = without_preprocessor(blank(text))
    found, depth, start, last, is_function = [], 0, 0, "", False
    for at, char in enumerate(code):
        if char == "{":
            # At file level a brace after ')' opens a function; after '=' or a tag it opens data.
            if depth == 0:
                is_function = last == ")"
            depth += 1
        elif char == "}":
            depth -= 1
            if depth < 0:
                return None
            if depth == 0 and is_function:
                head = start + len(code[start:]) - len(code[start:].lstrip())
                found.append((code.count("\n", 0, head) + 1, code.count("\n", 0, at) + 1))
                is_function = False
        if depth == 0 and char in ";}":
            start = at + 1
        if not char.isspace():
            last = char
    return found if depth == 0 else None


# ---- Checks of the text. Each yields "path:line: what is wrong".


def room_of(path):
    directory = os.path.dirname(path)
    while directory and directory not in rules.ARROWS:
        directory = os.path.dirname(directory)
    # "src" itself holds the public header; a directory below it that is no room is not part of it.
    return directory if directory != "src" or os.path.dirname(path) == "src" else ""


def resolve(root, name):
    for base in rules.INCLUDE_ROOTS:
        path = os.path.normpath(os.path.join(base, name))
        if os.path.isfile(os.path.join(root, path)):
            return path
    return None


def check_includes(root, _build):
    for path in files(root, rules.PROGRAM):
        room = room_of(path)
        if not room:
            yield f"{path}:1: stands in no room of docs/architecture.md"
            continue
        allowed = rules.ARROWS[room] | {room}
        for number, line in enumerate(read(root, path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            kind, name = match.groups()
            for pattern, homes in rules.LIBRARIES.items():
                if re.fullmatch(pattern, name) and room not in homes:
                    yield f"{path}:{number}: {name} belongs to {', '.join(homes)} alone"
            if kind == "<":
                continue
            target = resolve(root, name)
            if target is None:
                yield f'{path}:{number}: "{name}" is written neither from src/ nor from the top'
            elif target not in allowed and room_of(target) not in allowed:
                yield f"{path}:{number}: {room} may not include {target}"


def check_lengths(root, _build):
    for path in files(root, rules.EVERYTHING + ("docs",), (".c", ".h", ".py", ".js", ".css")):
        text = read(root, path)
        lines = text.count("\n")
        most = rules.LONG_FILE_LINES if path == rules.LONG_FILE else rules.FILE_LINES
        if lines > most:
            yield f"{path}:{lines}: file of {lines} lines, at most {most}"
        if not path.endswith((".c", ".h")):
            continue
        found = functions(text)
        if found is None:
            yield f"{path}:1: braces do not match outside the preprocessor's lines"
            continue
        for first, last in found:
            if last - first + 1 > rules.FUNCTION_LINES:
                yield (f"{path}:{first}: function of {last - first + 1} lines, "
                       f"at most {rules.FUNCTION_LINES}")


def texts(root):
    """All that people write and read by lines, as paths; what is made or copied is not among it."""
    suffixes = (".c", ".h", ".py", ".js", ".css", ".md", ".1", ".5")
    paths = files(root, rules.EVERYTHING + ("docs",), suffixes)
    return paths + sorted(name for name in os.listdir(root) if name.endswith(".md"))


def check_width(root, _build):
    for path in texts(root):
        for number, line in enumerate(read(root, path).splitlines(), 1):
            if len(line) > rules.COLUMNS:
                yield f"{path}:{number}: {len(line)} columns, at most {rules.COLUMNS}"


def prose(path, text):
    """(line, text) of what is said about the code: comments, and documents as a whole."""
    if path.endswith((".md", ".1", ".5")):
        yield 1, text
    elif path.endswith((".c", ".h")):
        for match in TOKEN.finditer(text):
            if match.group().startswith("/"):
                yield text.count("\n", 0, match.start()) + 1, match.group()


FILE_NAME = re.compile(r"(?<![\w./<-])[\w./-]*\w\.(?:c|h|py|md)(?![\w/.-]*\w)")


def check_references(root, _build):
    """Files, promises and, in the architecture, functions that are spoken of are there."""
    paths = texts(root)
    known = files(root, rules.EVERYTHING + ("docs",), ("",)) + [p for p in paths if "/" not in p]
    ends = {path[at:] for path in known for at in [0] + [m.end() for m in re.finditer("/", path)]}
    promises = set(re.findall(r"^- (P\d)\.", read(root, "README.md"), re.MULTILINE))
    words = set(
        re.findall(r"\w+", " ".join(read(root, p) for p in paths if p.endswith((".c", ".h")))))
    for path in paths:
        for line, text in prose(path, read(root, path)):
            wrong = [name for name in FILE_NAME.findall(text) if name not in ends]
            wrong += [name for name in re.findall(r"\bP[1-9]\b", text) if name not in promises]
            wrong += re.findall(r"\b(?:" + "|".join(rules.ELSEWHERE) + r")\b", text)
            if path == "docs/architecture.md":
                wrong += [
                    name for name in re.findall(r"`(?:struct )?(\w+_\w+)`", text)
                    if name not in words
                ]
            for name in wrong:
                yield f"{path}:{line}: there is no {name}"


def calls(code, names):
    """(line, name) of each call; a member access (x.name, x->name) is not one."""
    for match in re.finditer(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\(", code):
        yield code.count("\n", 0, match.start()) + 1, match.group(1)


def check_calls(root, _build):
    for path in files(root, rules.EVERYTHING):
        code = blank(read(root, path))
        for names, instead in rules.BANNED.items():
            for number, name in calls(code, names):
                yield f"{path}:{number}: {name}: {instead}"
        if not path.startswith(tuple(p + "/" for p in rules.PROGRAM)):
            continue
        for names, (places, why) in rules.PLACED.items():
            if not any(path == place or path.startswith(place + "/") for place in places):
                for number, name in calls(code, names):
                    yield f"{path}:{number}: {name}: {why}"


# A name that says time, and a number that is a unit of it.
TIME_NAME = re.compile(r"\b(?:\w+_(?:[num]?s|[NUM]?S)|tv_n?sec|tv_usec|\w*SECOND\w*|DAY|HOUR)\b")
TIME_UNIT = re.compile(r"\b(?:\d+0{6}[uUlL]*|1e-?[369]|1000(?:u?l*)? ?\* ?1000\w*|3600\w*|86400)\b")
COUNT_PER_TIME = re.compile(r"\b(?!NS_|US_|MS_)\w+_(?:PER_S|per_s)\b")


def check_time(root, _build):
    for path in files(root, rules.PROGRAM):
        if path == rules.TIME:
            continue
        for number, line in enumerate(blank(read(root, path)).splitlines(), 1):
            line = COUNT_PER_TIME.sub("", line)
            if (TIME_NAME.search(line) and TIME_UNIT.search(line)
                    or re.match(r"\s*#\s*define \w*(?:NS|US|MS|S)_PER_(?:US|MS|S)\b", line)):
                yield f"{path}:{number}: a unit of time: {rules.TIME} has them"


# ---- Checks by tools


def check_symbols(root, build):
    """The shared library exports what the public header declares and the map lists: no more, no
    less."""
    declared = set(
        re.findall(r"^RINGSEND_API[^;(]*?\b(\w+)\(", read(root, rules.HEADER), re.MULTILINE))
    library = next(
        (path for name in rules.LIBRARY if os.path.exists(path := os.path.join(build, name))), None)
    if library is None:
        yield f"{build}: no libringsend.so"
        return
    # function@@node, as in the map's "node { global: function; ...".
    listed, node = set(), ""
    for line in blank(read(root, rules.MAP)).splitlines():
        if match := re.match(r"(\S+) \{", line):
            node = match.group(1)
        elif match := re.match(r"\s+(\w+);", line):
            listed.add(f"{match.group(1)}@@{node}")
    output = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                            capture_output=True, text=True)
    # The nodes themselves are absolute symbols.
    exported = {line.split()[-1] for line in output.stdout.splitlines() if line.split()[-2] != "A"}
    for name in sorted(exported - listed):
        yield f"{library}: exports {name}, which {rules.MAP} does not list"
    for name in sorted(listed - exported):
        yield f"{library}: does not export {name}, which {rules.MAP} lists"
    listed = {name.split("@")[0] for name in listed}
    for name in sorted(listed ^ declared):
        yield f"{rules.MAP}, {rules.HEADER}: {name} is only in one of them"
    for name in sorted(declared):
        if not name.startswith("ringsend_"):
            yield f"{rules.HEADER}: {name} does not start with ringsend_"


def objects_of(root, build):
    """Each source file of the program, and its object file."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    found = {}
    for e in entries:
        path = os.path.relpath(os.path.realpath(os.path.join(e["directory"], e["file"])),
                               os.path.realpath(root))
        if path.startswith(tuple(p + "/" for p in rules.PROGRAM)):
            found[path] = os.path.join(e["directory"], e["output"])
    return found


def callees(objects):
    """For each file the files whose functions or data it uses, each with one such name."""
    defined, used = {}, {path: [] for path in objects}
    paths = {name: path for path, name in objects.items()}
    output = subprocess.run(["nm", "-P", "-A", *paths], check=True, capture_output=True, text=True)
    for line in output.stdout.splitlines():
        name, symbol, kind = line.split()[:3]
        path = paths[name.removesuffix(":")]
        if kind in "TDBRV":
            defined[symbol] = path
        elif kind == "U":
            used[path].append(symbol)
    return {
        path: {defined[s]: s for s in names if defined.get(s, path) != path}
        for path, names in used.items()
    }


def circles(graph):
    """Sets of two or more files of which each reaches each: Tarjan's strongly connected
    components."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph[node]:
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in graph:
        if node not in index:
            visit(node)
    return found


def check_circles(root, build):
    graph = callees(objects_of(root, build))
    for circle in circles(graph):
        arrows = [f"{a} uses {graph[a][b]} of {b}" for a in circle for b in circle if b in graph[a]]
        yield f"{circle[0]}:1: a circle of {len(circle)} files: " + "; ".join(arrows)


def check_format(root, _build):
    version = subprocess.run(["clang-format", "--version"], check=True, capture_output=True,
                             text=True).stdout
    if not re.search(rf"version {rules.FORMAT_RELEASE}\.", version):
        print(f"clang-format {rules.FORMAT_RELEASE} is wanted, here is: {version.strip()}")
        sys.exit(SKIP)
    paths = files(root, rules.EVERYTHING)
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths], cwd=root,
                         capture_output=True, text=True)
    if run.returncode:
        yield run.stderr.strip()


def lint_one(build, path):
    run = subprocess.run(
        ["clang-tidy", "-quiet", "-p", build, "--extra-arg=-Wno-unknown-warning-option", path],
        capture_output=True, text=True)
    return run.stdout.strip() or run.stderr.strip() if run.returncode else ""


def check_lint(root, build):
    root = os.path.realpath(root)
    wanted = tuple(os.path.join(root, place) + os.sep for place in rules.EVERYTHING)
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = {os.path.realpath(os.path.join(e["directory"], e["file"])): e
                   for e in json.load(file)}
    # The longest first, so that no core ends up alone with a long one.
    paths = sorted((p for p in entries if p.startswith(wanted)), key=os.path.getsize, reverse=True)
    if not paths:
        yield "compile_commands.json names no file of the program"
    # Of a file that is in several programs the linter would look at each.
    with tempfile.TemporaryDirectory() as once:
        with open(os.path.join(once, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump([entries[path] for path in paths], file)
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            yield from filter(None, pool.map(lambda path: lint_one(once, path), paths))


def check_scripts(root, _build):
    for path in rules.SHELL_SCRIPTS:
        full = os.path.join(root, path)
        if not os.access(full, os.X_OK):
            yield f"{path}: not executable"
        if not read(root, path).startswith("#!/bin/sh\n"):
            yield f"{path}: does not start with #!/bin/sh"
        for shell in ("sh", "dash", "bash"):
            if shutil.which(shell):
                run = subprocess.run([shell, "-n", full], capture_output=True, text=True)
                if run.returncode:
                    yield f"{path}: {shell} -n: {run.stderr.strip()}"
    for path in files(root, ("tests", "perf", "docs", "examples"), (".py",)):
        text = read(root, path)
        try:
            compile(text, path, "exec")
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: {error.msg}"


# ---- Proofs: for each check a tree, the seeds that must be found in it, and how to build it


GOOD = {
    "src/ringsend.h": '#define RINGSEND_API __attribute__((visibility("default")))\n\n'
    "RINGSEND_API int ringsend_free(void);\n",
    "src/ringsend.map":
    "GOOD_1 {\n    global:\n        ringsend_free;\n    local:\n        *;\n};\n",
    "src/base/good.h": "int good_base(int a);\n",
    "src/engine/good.h": "int good_engine(int a);\n",
    "src/engine/good.c": '#include "engine/good.h"\n\n'
    '#include "base/good.h"\n#include "ringsend.h"\n\n'
    "int good_engine(int a)\n{\n    return good_base(a);\n}\n\n"
    "int ringsend_free(void)\n{\n    return good_engine(1);\n}\n",
    "src/base/good.c": '#include "base/good.h"\n\n/* printf("{") */\n'
    "int good_base(int a)\n{\n    return a + (int)sizeof(\"sprintf(}\");\n}\n",
    "run": "#!/bin/sh\necho good\n",
    ".ci/run": "#!/bin/sh\necho good\n",
    "src/make_archive.sh": "#!/bin/sh\necho good\n",
    "README.md": "- P1. Good.\n",
    "docs/architecture.md": "`good_base` in src/base/good.c holds P1, and so does good.h.\n",
}

# Two files that use each other.
HALF = "int seed(void);\nint other(void);\nint %s(void)\n{\n    return %s();\n}\n"
SEED, OTHER = HALF % ("seed", "other"), HALF % ("other", "seed")
LONG = "int seed(int a)\n{\n" + "    a++;\n" * 67 + "    return a;\n}\n"  # 71 lines
FITS = LONG.replace("    a++;\n", "", 1)

SEEDS = {
    "includes": [
        {"src/base/seed.c": '#include "engine/good.h"\n'},
        {"src/http/seed.c": '#include "engine/good.h"\n'},
        {"src/batch/seed.c": '#include "engine/good.h"\n'},
        {"src/base/seed.c": '#include "good.h"\n'},
        {"src/engine/seed.c": "#include <liburing.h>\n"},
        {"uring/seed.c": "#include <llhttp.h>\n"},
        {"src/other/seed.c": "int seed;\n"},
    ],
    "lengths": [
        {"src/base/seed.c": LONG},
        {"src/base/seed.c": FITS + "\nstatic const int x[] = {1};\n" + LONG},
        {"src/base/seed.c": "\n" * (rules.FILE_LINES + 1)},
        {"tests/seed.py": "\n" * (rules.FILE_LINES + 1)},
        {"src/base/seed.c": "int seed(void)\n{\n"},
    ],
    "circles": [
        {
            "src/base/good.c": GOOD["src/base/good.c"].replace(
                "return a +",
                "return good_engine(a) +").replace("\n\n/*", '\n#include "engine/good.h"\n\n/*', 1)
        },
        {"src/base/seed.c": SEED, "src/base/other.c": OTHER},
        {"src/engine/seed.c": SEED, "src/engine/other.c": OTHER},
    ],
    "width": [
        {"src/base/seed.c": "/* " + 97 * "a" + " */\n"},
        {"docs/seed.md": 101 * "a" + "\n"},
        {"tests/seed.py": "# " + 100 * "a" + "\n"},
    ],
    "references": [
        {"src/base/seed.c": "/* See gone.c. */\n"},
        {"src/base/seed.c": "/* See base/seed.h. */\n"},
        {"src/base/seed.c": "/* P2 holds. */\n"},
        {"tests/seed.c": "/* DESIGN section 5. */\n"},
        {"docs/architecture.md": "`good_gone` is gone.\n"},
        {"docs/seed.md": "See [there](docs/gone.md).\n"},
    ],
    "calls": [
        {"tests/seed.c": "void seed(void)\n{\n    usleep (1);\n}\n"},
        {"src/base/seed.c": 'void seed(char *a)\n{\n    strcpy(a, "b");\n}\n'},
        {"src/engine/seed.c": 'void seed(void)\n{\n    printf("a");\n}\n'},
        {"uring/seed.c": "void seed(void)\n{\n    exit(1);\n}\n"},
        {"src/cli/seed.c": "long seed(void)\n{\n    return time(0);\n}\n"},
    ],
    "time": [
        {"src/base/seed.c": "#define SEED_NS (10ull * 1000 * 1000)\n"},
        {"src/base/seed.c": "long seed_s(long a_ns)\n{\n    return a_ns / 1000000000;\n}\n"},
        {"src/cli/seed.c": "double seed(double a_ns)\n{\n    return a_ns / 1e9;\n}\n"},
        {"uring/seed.c": "#define NS_PER_S 1000000000u\n"},
        {"src/base/seed.c": "static const int DAY = 24 * 3600;\n"},
    ],
    "symbols": [
        {
            "src/engine/seed.c": 'int conn_run(void);\n'
            '__attribute__((visibility("default"))) int conn_run(void)\n'
            "{\n    return 1;\n}\n",
            "src/ringsend.map": GOOD["src/ringsend.map"].replace("free;", "free; conn_run;")
        },
        {
            "src/ringsend.map": GOOD["src/ringsend.map"].replace("free;",
                                                                 "free;\n        ringsend_gone;")
        },
        {"src/ringsend.map": GOOD["src/ringsend.map"].replace("ringsend_free;", "other;")},
        {"src/ringsend.h": GOOD["src/ringsend.h"] + "RINGSEND_API int ringsend_gone(void);\n"},
    ],
    "format": [{"src/base/seed.c": "int seed (int a) {\n  return a; }\n"}],
    "lint": [
        {
            "src/base/seed.c": "int seed(int a);\nint seed(int a)\n{\n    int *p = 0;\n"
            "    return a ? *p : a;\n}\n"
        },
        # Of headers the linter says only what .clang-tidy's filter lets through.
        *({
            "src/base/seed.c": f'#include "{place}/seed.h"\n',
            f"{place}/seed.h": "#define SEED(a) (a * 2)\n"
        } for place in rules.EVERYTHING),
    ],
    "scripts": [
        {"run": "#!/bin/sh\nif true; then\n"},
        {".ci/run": "#!/bin/bash\ntrue\n"},
        {"tests/seed.py": "def seed(:\n"},
    ],
}

# Trees that look like a violation and are none.
CLEAN = {
    "width": [{"src/base/seed.c": "/* " + 94 * "a" + " */\n"}],
    "references": [{"src/base/seed.c": "/* See seed.c, base/good.h and <good_system.h>. */\n"}],
    "time": [{
        "src/base/time.h": "#define NS_PER_S 1000000000ull\n",
        "src/base/seed.c": "#define SEED_PER_S 1000000\nlong seed_ms = 500;\nlong a = 1000000;\n"
    }],
    "circles": [{
        "src/engine/seed.c": SEED,
        "src/engine/other.c": OTHER.replace("seed()", "1")
    }],
    "lengths": [{"src/base/seed.c": FITS + "\n" * (rules.FILE_LINES - 70)}],
    "calls": [{"src/cli/seed.c": 'void seed(void)\n{\n    printf("a");\n    x->sleep(1);\n}\n'}],
}


def build_tree(root):
    """What the checks by tools need: libringsend.so, the objects and compile_commands.json."""
    sources = files(root, ("src",), (".c",))
    flags = ["-std=gnu17", "-fvisibility=hidden", "-fPIC", "-Isrc", "-I."]
    for source in sources:
        subprocess.run(["cc", *flags, "-c", source, "-o", source + ".o"], cwd=root, check=True)
    subprocess.run(["cc", "-shared", "-Wl,--version-script=" + rules.MAP, "-o", "libringsend.so",
                    *(source + ".o" for source in sources)], cwd=root, check=True)
    with open(os.path.join(root, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump([{
            "directory": root, "file": s, "arguments": ["cc", *flags, "-c", s], "output": s + ".o"
        } for s in sources], file)


def violations_of(name, repository, changes):
    """The violations that check `name` finds in the good tree with these changes."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **changes}.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(full, 0o755)
        for config in (".clang-format", ".clang-tidy"):
            shutil.copy(os.path.join(repository, config), root)
        if name in ("symbols", "lint", "circles", "counts"):
            build_tree(root)
        return list(CHECKS[name](root, root))


def prove(name, repository):
    for changes in [{}] + CLEAN.get(name, []):
        found = violations_of(name, repository, changes)
        if found:
            sys.exit(f"{name}: finds violations where there are none: {found}, in {changes}")
    for changes in SEEDS[name]:
        if not violations_of(name, repository, changes):
            sys.exit(f"{name}: does not find the violation in {changes}")


CHECKS = {
    "includes": check_includes,
    "lengths": check_lengths,
    "circles": check_circles,
    "width": check_width,
    "references": check_references,
    "calls": check_calls,
    "time": check_time,
    "symbols": check_symbols,
    "format": check_format,
    "lint": check_lint,
    "scripts": check_scripts,
}


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in CHECKS:
        sys.exit(f"usage: tidy.py {'|'.join(CHECKS)} SOURCE_ROOT [BUILD_ROOT]")
    name, root, build = (*sys.argv[1:], "")[:3]
    prove(name, root)
    found = list(CHECKS[name](root, build))
    for violation in found:
        print(violation)
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()

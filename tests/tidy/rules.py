"""What the tidy tests hold the code to: every table, nothing else."""

# Who may include whom (docs/architecture.md, Rooms). A room is a directory; a header stands for
# itself alone. Every room may include its own headers.
ARROWS = {
    "src/base": {"src/ringsend.h"},  # the error table stands in the public header
    "src/http": {"src/base", "src/ringsend.h"},
    "src/http2": {"src/base", "src/ringsend.h"},
    "uring": {"src/base"},
    # Certificates are judged without a library; each library has a room of its own.
    "tls": {"src/base", "tls/x509", "tls/bearssl", "tls/openssl"},
    "tls/x509": {"src/base", "tls"},
    "tls/bearssl": {"src/base", "tls", "tls/x509"},
    "tls/openssl": {"src/base", "tls", "tls/x509"},
    "src/engine": {
        "src/base", "src/http", "src/http2", "src/ringsend.h", "tls/tls.h", "uring/op.h",
        "uring/ring.h"
    },
    "src/records": {"src/base", "src/ringsend.h", "src/engine/file.h"},
    "src/journal": {"src/base", "src/records", "src/ringsend.h", "src/engine/file.h"},
    "src/results": {
        "src/base", "src/records", "src/journal", "src/ringsend.h", "src/engine/file.h"
    },
    "src/batch": {
        "src/base", "src/records", "src/journal", "src/results", "src/ringsend.h",
        "src/engine/file.h"
    },
    "src/bench": {"src/base", "src/ringsend.h", "src/engine/file.h"},
    "src/serve": {
        "src/base", "src/http", "src/http2", "src/ringsend.h", "tls/tls.h", "uring/ring.h"
    },
    # http for the checks alone: options that no request can have are refused at the start. tls for
    # the server's certificate, for the same reason. Both tls and the ring for the doctor, who tries
    # them.
    "src/cli": {
        "src/base", "src/records", "src/journal", "src/results", "src/batch", "src/bench",
        "src/serve", "src/ringsend.h", "src/engine/credentials.h", "src/http/head.h",
        "src/http/proxy.h",
        "src/http/sigv4.h", "src/http/url.h", "tls/tls.h", "uring/ring.h"
    },
    "src": set(),  # ringsend.h itself
}

# Files that use each other's functions in a circle cannot be understood one by one: so many circles
# there are.
CIRCLES = 0

# The files of machines, as patterns, and how many checks their functions have at least, on the
# whole: each step says what must hold when it is entered, and what it leaves.
STEP_FILES = {
    "the engine": r"src/engine/(request|attempt|origin|pool|conn|wire|writer|exchange)(_\w+)?\.c",
    "the job": r"src/batch/job_slot\.c",
    "the outputs": r"src/results/(output|sink|body_file)\.c",
}
STEP_CHECKS = {"the engine": 0.95, "the job": 1.00, "the outputs": 0.15}

# Where an #include "..." is looked up, as in meson.build.
INCLUDE_ROOTS = ("src", ".")

# A foreign library lives in one room and nowhere else; xxhash is a header of plain functions that
# several hash with.
LIBRARIES = {
    r"liburing(/.*)?\.h": ("uring",),
    r"llhttp\.h": ("src/http",),
    r"nghttp2/.*\.h": ("src/http2",),
    r"bearssl.*\.h": ("tls/bearssl",),
    r"openssl/.*\.h": ("tls/openssl",),
    r"csv\.h": ("src/records",),
    r"xxhash\.h": ("src/records", "src/journal", "src/batch"),
    r"zstd.*\.h": ("src/base",),
    r"brotli/.*\.h": ("src/base",),
}

# Calls that have no place in any C file, with what to take instead.
BANNED = {
    "strcpy strcat strncat stpcpy": "unbounded: memcpy with a length, snprintf",
    "sprintf vsprintf": "unbounded: snprintf",
    "gets scanf sscanf fscanf": "no bounds, no errors",
    "atoi atol atoll atof": "no errors: strtoull and a check, or src/cli/options/values.h",
    "strtok": "hidden state",
    "gettimeofday": "wall clock: ring_now_ns, base/time.h",
    "sleep usleep": "blocks the loop; in tests it makes them flaky",
    "rand srand random": "poor and global: a seeded generator of one's own",
    "ctime asctime gmtime localtime": "static buffers: the _r forms",
    "system popen": "a shell, with its quoting",
    "tmpnam mktemp tempnam": "races",
    "alloca": "unbounded stack",
}

# Calls that belong to certain places.
PLACED = {
    "printf fprintf vprintf vfprintf puts fputs putchar putc fputc perror dprintf vdprintf": (
        ("src/cli", "src/base/check.c"),
        "only the command line prints",
    ),
    "exit _exit abort quick_exit": (
        ("src/cli", "src/base/check.c"),
        "a library does not end its host",
    ),
    "sigaction sigprocmask": (("src/cli",), "signals belong to the host program"),
    "signal": ((), "portable semantics only with sigaction"),
    "strcasecmp strncasecmp strcasestr tolower toupper isalpha isdigit isalnum isspace isprint "
    "isupper islower isxdigit ispunct iscntrl isgraph strptime": (
        ("src/cli", "src/records"),
        "depends on the host program's locale: base/ascii.h, base/text.h",
    ),
    "clock_gettime timespec_get time clock": (
        ("src/base/time.h",),
        "clocks are read by base/time.h alone; in the engine by ring_now_ns",
    ),
}

# Units of time are written there and nowhere else.
TIME = "src/base/time.h"

# Rooms of the program; tests and perf are held to everything but ARROWS, LIBRARIES and PLACED.
PROGRAM = ("src", "uring", "tls")
EVERYTHING = PROGRAM + ("tests", "perf", "examples", "python")

# Words for what is not in the repository.
ELSEWHERE = ("DESIGN", "FACTS", "HOUSE", "STYLE", "PEERS")

COLUMNS = 100
FUNCTION_LINES = 70
FILE_LINES = 700
# The contract of the library, which is one file whatever it takes.
LONG_FILE, LONG_FILE_LINES = "src/ringsend.h", 1330

# clang-format's output changes from release to release; this is the one that is right.
FORMAT_RELEASE = "14"

HEADER, MAP = "src/ringsend.h", "src/ringsend.map"

# Where the build directory may hold the shared library.
LIBRARY = ("src/libringsend.so", "libringsend.so")

SHELL_SCRIPTS = ("run", ".ci/run", "src/make_archive.sh")

/* Options of the command line, and of files (config.h). What there is stands in table.h and
 * nowhere else; here is what is made of it: the one reader of argv, and the text of --help.
 *
 * options_parse takes argv apart as getopt_long does (abbreviations, clusters of letters,
 * --name=value, options behind arguments, --), checks each value by its row's kind and bounds,
 * and keeps what was given in its order. An option of the command line takes the place of what
 * files say of it; of headers only those of the same name are replaced. The commands ask by
 * OPTION_<ID>; what values mean together, and those of kind TEXT, are theirs to judge. Whatever is
 * wrong ends the program in a usage_error before anything is opened. */
#ifndef RINGSEND_CLI_OPTIONS_OPTIONS_H
#define RINGSEND_CLI_OPTIONS_OPTIONS_H

#include "base/rate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_id {
#define OPTION(id, ...) OPTION_##id,
#define ALSO(...)
#include "cli/options/table.h"
#undef OPTION
#undef ALSO
    OPTIONS_COUNT
};

/* Bits, so that a row can name several. */
enum command {
    COMMAND_SEND = 1 << 0,
    COMMAND_STATUS = 1 << 1,
    COMMAND_CHECK = 1 << 2,
    COMMAND_BENCH = 1 << 3,
    COMMAND_COMPARE = 1 << 4,
    COMMAND_PROBE = 1 << 5,
    COMMAND_SERVE = 1 << 6,
    COMMAND_DOCTOR = 1 << 7
};

enum option_kind {
    OPTION_IS_FLAG,
    OPTION_IS_COUNT, /* these four in `number` */
    OPTION_IS_BYTES,
    OPTION_IS_TIME,
    OPTION_IS_WORD, /* which of the words it is, from 0 on */
    OPTION_IS_RATE,
    OPTION_IS_SHARE,
    OPTION_IS_FILE, /* a path: not empty */
    OPTION_IS_TEXT  /* what its user takes it for */
};

/* Parts of --help: a line "@NAME" in a command's text (options_help) stands for its options of
 * that section. */
#define OPTION_SECTIONS(X) \
    X(MAIN)                \
    X(OUTPUT)              \
    X(LOAD)                \
    X(COMPARING)           \
    X(MEASURING)           \
    X(REQUESTS)            \
    X(WAYS)                \
    X(TRIES)               \
    X(MANNERS)             \
    X(TLS)                 \
    X(RESPONSES)           \
    X(RECORDS)             \
    X(ROWS)                \
    X(REPORT)              \
    X(WHERE)               \
    X(ANSWERS)             \
    X(FAULTS)              \
    X(LIMITS)              \
    X(SEEING)              \
    X(GENERAL)

enum option_section {
#define X(name) SECTION_##name,
    OPTION_SECTIONS(X)
#undef X
        SECTIONS_COUNT
};

enum option_trait {
    OPTION_OPTIONAL = 1 << 0,
    OPTION_REPEATS = 1 << 1,
    OPTION_SHAPES = 1 << 2,
    OPTION_SECRET = 1 << 3
};

/* What table.h says of an option for some commands. */
struct option_row {
    enum option_id id;
    char letter;
    const char *argument;
    enum option_kind kind;
    unsigned commands;
    enum option_section section;
    const char *sentence;
    uint64_t min, max, number;
    double share;
    const char *text, *words, *curl, *others;
    unsigned traits;
};

extern const struct option_row option_rows[];
extern const size_t option_rows_count;

#define REPEAT_WITH_VS 5 /* the default of --repeat beside --vs */

/* One time that an option was given. */
struct option_use {
    const struct option_row *row;
    const char *text; /* its value as given; null: a flag, or none */
    char *shown;      /* where it stands in argv; null: in a file */
    char *own;        /* the same text, of one that is hidden there; else null */
    bool by_letter;   /* -o, and not --output */
    const char *file; /* of --config, that it stands in, at that line; null: the command line */
    unsigned line;
    union {
        uint64_t number;
        double share;
        struct rate rate;
    };
};

struct options {
    enum command command;
    struct option_use *uses; /* those of files first, then in the order of argv */
    size_t uses_count;
    char *const *arguments; /* what is no option */
    size_t arguments_count;
    bool reads_files;                             /* there are some, or --no-config */
    const struct option_row *rows[OPTIONS_COUNT]; /* of this command; null: it has none */
    size_t last[OPTIONS_COUNT];                   /* 1 + the index of its last use; 0: none */
};

/* Reads argv, or ends the program: usage errors with EXIT_USAGE, --help and --version with
 * EXIT_OK. */
void options_parse(struct options *options, enum command command, int argc, char **argv);
void options_free(struct options *options);

bool option_given(const struct options *options, enum option_id id);
/* Of its last use, or its default; 0 and null when there is none, or no such option here. */
uint64_t option_number(const struct options *options, enum option_id id);
double option_share(const struct options *options, enum option_id id);
const char *option_text(const struct options *options, enum option_id id);
/* Null: not given. */
const struct rate *option_rate(const struct options *options, enum option_id id);
/* Its first use, or the one behind `use`; null: there is none. */
const struct option_use *option_next(const struct options *options, enum option_id id,
                                     const struct option_use *use);

const char *option_long(enum option_id id); /* "--output", for messages */
const char *option_name(enum option_id id); /* "output" */
const char *option_word(enum option_id id); /* "OUTPUT", of OPTION_OUTPUT */
const char *command_name(enum command command);
/* curl's option of the same meaning. */
const char *option_curl(enum option_id id);

/* ---- help ---- */

/* The text of --help. What a line is, its first sign says: $ usage, # heading, > verbatim, as
 * examples are; others are prose. A tab parts a heading from its note, and a term from its
 * explanation, which goes on in lines without a term. People see neither sign nor tab. A line
 * "@SECTION" stands for that section's options. */
struct command_help {
    enum command command;
    const char *name, *summary;
    const char *others; /* how other programs call it, with | between the names */
    const char *text;
    unsigned column; /* where the options' sentences begin */
};

extern const struct command_help commands_help[]; /* in the order of the list of commands */
extern const size_t commands_count;

void options_help(enum command command);
/* All of it for programs: docs/generate.py, and the tests. */
void options_print_json(void);

#endif

/* The rows, made of table.h, and what they and the commands are called. */
#include "cli/options/options.h"

#include "base/check.h"
#include "base/defaults.h"
#include "base/limits.h"
#include "base/time.h"
#include "batch/engine_threads.h"
#include "bench/compare.h"
#include "serve/server.h"

#include <stddef.h>

#define MS NS_PER_MS
#define S NS_PER_S
#define DAY NS_PER_DAY
#define TEXT_OF_(number) #number
#define TEXT_OF(number) TEXT_OF_(number)

/* The words of the table, which are short there. */
enum {
    SEND = COMMAND_SEND,
    STATUS = COMMAND_STATUS,
    CHECK = COMMAND_CHECK,
    BENCH = COMMAND_BENCH,
    COMPARE = COMMAND_COMPARE,
    PROBE = COMMAND_PROBE,
    SERVE = COMMAND_SERVE,
    DOCTOR = COMMAND_DOCTOR,
    ALL = SEND | STATUS | CHECK | BENCH | COMPARE | PROBE | SERVE | DOCTOR,
    OPTIONAL = OPTION_OPTIONAL,
    REPEATS = OPTION_REPEATS,
    SHAPES = OPTION_SHAPES,
    SECRET = OPTION_SECRET
};

const struct option_row option_rows[] = {
#define OPTION(id, long, ...) ALSO(id, __VA_ARGS__)
#define ALSO(id_, letter_, argument_, kind_, commands_, section_, ...) \
    {.id = OPTION_##id_,                                               \
     .letter = (letter_),                                              \
     .argument = (argument_),                                          \
     .kind = OPTION_IS_##kind_,                                        \
     .commands = (commands_),                                          \
     .section = SECTION_##section_,                                    \
     .sentence = __VA_ARGS__},
#include "cli/options/table.h"
#undef OPTION
#undef ALSO
};

const size_t option_rows_count = sizeof option_rows / sizeof *option_rows;

static const char *const long_names[OPTIONS_COUNT] = {
#define OPTION(id, long, ...) [OPTION_##id] = "--" long,
#define ALSO(...)
#include "cli/options/table.h"
#undef OPTION
#undef ALSO
};

static const char *const id_words[OPTIONS_COUNT] = {
#define OPTION(id, ...) [OPTION_##id] = #id,
#define ALSO(...)
#include "cli/options/table.h"
#undef OPTION
#undef ALSO
};

const char *option_long(enum option_id id)
{
    return long_names[id];
}

const char *option_name(enum option_id id)
{
    return long_names[id] + 2;
}

const char *option_word(enum option_id id)
{
    return id_words[id];
}

const char *command_name(enum command command)
{
    for (size_t i = 0; i < commands_count; i++) {
        if (commands_help[i].command == command)
            return commands_help[i].name;
    }
    UNREACHABLE("command");
}

const char *option_curl(enum option_id id)
{
    for (size_t i = 0; i < option_rows_count; i++) {
        if (option_rows[i].id == id && option_rows[i].curl)
            return option_rows[i].curl;
    }
    UNREACHABLE("an option that curl has, too");
}

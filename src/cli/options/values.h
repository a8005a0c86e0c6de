/* Values of command line options: one reader per kind, each refusing what is out of range in words
 * that say what is allowed. All of cli/ reports usage errors through usage_error. */
#ifndef RINGSEND_CLI_OPTIONS_VALUES_H
#define RINGSEND_CLI_OPTIONS_VALUES_H

#include "ringsend.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses: docs/ringsend.1.scd tells users what each means. */
enum exit_status {
    EXIT_OK = 0,
    EXIT_USAGE = 1,
    EXIT_INPUT = 2, /* input cannot be read */
    EXIT_NOT_ALL_OK = 3,
    EXIT_NOT_STARTED = 4, /* ring refused, bind, lock */
    EXIT_THRESHOLD = 5,
    EXIT_STOPPED = 6,
    EXIT_OUTPUT = 7,  /* results could not be written */
    EXIT_SIGNAL = 128 /* + the signal's number */
};

/* What --help and --version end in, of every command. */
__attribute__((noreturn)) void show_help(const char *help);
__attribute__((noreturn)) void show_version(void);
/* Prints "ringsend COMMAND: ..." and a hint at --help to stderr, and ends the program with
 * EXIT_USAGE. */
__attribute__((noreturn, format(printf, 2, 3))) void usage_error(const char *command,
                                                                 const char *format, ...);

/* Ends the program in a usage_error about what getopt_long just answered with `answer`, '?' or ':'.
 * The options' table must also hold each short option, with its letter as the value. */
__attribute__((noreturn)) void option_error(const char *command, const struct option *options,
                                            char *const *argv, int answer);

/* Each reads `text` or ends in usage_error naming `option` ("--timeout") and what is allowed. */
uint64_t value_count(const char *command, const char *option, const char *text, uint64_t min,
                     uint64_t max);
/* "250ms", "2s", "1.5s", "1m", "1h", "50us", "10ns"; a bare number is seconds. */
uint64_t value_duration_ns(const char *command, const char *option, const char *text,
                           uint64_t min_ns, uint64_t max_ns);
/* "4096", "64k", "16M", "1G": powers of 1024, with or without "B" or "iB". */
uint64_t value_bytes(const char *command, const char *option, const char *text, uint64_t min,
                     uint64_t max);
/* "2%", "0.5%", "1" (a bare number is a fraction 0..1). Returns 0..1. */
double value_share(const char *command, const char *option, const char *text);

/* "50/s", "100/m", "5/15s", "0.5/s": so many in so long; a bare number is per second (base/rate.h). The
 * second gives requests per second, from 1/h on, and takes a part of a list. */
void value_rate(const char *command, const char *option, const char *text, uint32_t count_max,
                uint64_t per_max_ns, uint32_t *count, uint64_t *per_ns);
double value_rate_per_s(const char *command, const char *option, struct ringsend_bytes text,
                        double max);

#endif

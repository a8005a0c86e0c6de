/* Values of command line options: one reader per kind, each refusing what is out of range in words
 * that say what is allowed. All of cli/ reports usage errors through usage_error. */
#ifndef RINGSEND_CLI_OPTIONS_VALUES_H
#define RINGSEND_CLI_OPTIONS_VALUES_H

#include "base/rate.h"
#include "ringsend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses: docs/ringsend.1 tells users what each means. */
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

/* Ends the program, which was asked for no more than what it has printed. */
__attribute__((noreturn)) void end_printed(void);
/* What --version ends in, of every command. */
__attribute__((noreturn)) void show_version(void);
/* Prints "ringsend COMMAND: ..." and a hint at --help to stderr, and ends the program with
 * EXIT_USAGE. */
__attribute__((noreturn, format(printf, 2, 3))) void usage_error(const char *command,
                                                                 const char *format, ...);

/* That option, "--rate", is given in that line of a file: a message that begins with it says so. */
void usage_error_origin(const char *option, const char *file, unsigned line);
void usage_error_forget_origins(void);

/* http:// or https://, in any case. */
bool value_is_url(const char *text);

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

/* "50/s", "100/m", "5/15s", "0.5/s": so many in so long; a bare number is per second (base/rate.h).
 * From 1/h on, in a form that the engine takes; and so a part of a list is read. */
struct rate value_rate(const char *command, const char *option, struct ringsend_bytes text,
                       uint64_t max_per_s);

/* The way a person would write it: in the largest unit that divides it, but a minute as 60s. */
enum { VALUE_TEXT_BYTES = 32 };
void value_print_duration(char out[static VALUE_TEXT_BYTES], uint64_t ns);
void value_print_bytes(char out[static VALUE_TEXT_BYTES], uint64_t bytes);

#endif

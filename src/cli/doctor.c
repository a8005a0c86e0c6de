/* `ringsend doctor`: what this machine allows, in words, with the cure for each fault. */
#include "base/json_put.h"
#include "base/span.h"
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/options/options.h"
#include "cli/options/values.h"
#include "cli/terminal.h"
#include "ringsend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char command[] = "doctor";

enum { COLUMNS = 80, INDENT = 20 };

static const char *const states[] = {"ok", "note", "fault"};

static const char *style_of(enum finding_state state)
{
    static const char *const styles[] = {TERMINAL_GREEN, TERMINAL_YELLOW, TERMINAL_RED};
    return terminal_style(STDOUT_FILENO, styles[state]);
}

static void print_wrapped(struct wrapped *w, unsigned indent, const char *text)
{
    w->indent = w->at = indent;
    wrapped_print(w, span_of(text));
    wrapped_end(w);
}

static void print_text(const struct finding *findings, size_t count)
{
    unsigned columns = terminal_columns(STDOUT_FILENO);
    struct wrapped w = {.out = stdout, .columns = columns > 2 * INDENT ? columns : COLUMNS};
    for (size_t i = 0; i < count; i++) {
        const struct finding *f = &findings[i];
        printf("%s%-6s%s %-12s ", style_of(f->state),
               f->state == FINDING_FAULT ? "FAULT" : states[f->state],
               terminal_style(STDOUT_FILENO, TERMINAL_PLAIN), f->name);
        print_wrapped(&w, INDENT, f->text);
        if (f->is_literal) {
            puts(f->cure);
        } else if (f->cure[0]) {
            printf("%*s-> ", INDENT, "");
            print_wrapped(&w, INDENT + 3, f->cure);
        }
    }
}

/* False: memory is out. */
static bool print_quoted(struct buf_pool *pool, const char *text)
{
    struct buf quoted = {0};
    bool ok = json_append_string((struct ringsend_bytes){text, strlen(text)}, pool, &quoted);
    if (ok)
        fwrite(quoted.data, 1, quoted.bytes, stdout);
    buf_release(pool, &quoted);
    return ok;
}

static bool print_json(const struct finding *findings, size_t count, bool ok)
{
    struct buf_pool pool;
    bool done = true;
    buf_pool_init(&pool);
    printf("{\"ok\":%s,\"checks\":[", ok ? "true" : "false");
    for (size_t i = 0; i < count && done; i++) {
        const struct finding *f = &findings[i];
        printf("%s{\"name\":\"%s\",\"state\":\"%s\",\"text\":", i ? "," : "", f->name,
               states[f->state]);
        done = print_quoted(&pool, f->text);
        fputs(",\"cure\":", stdout);
        if (f->cure[0])
            done = print_quoted(&pool, f->cure) && done;
        else
            fputs("null", stdout);
        putchar('}');
    }
    puts("]}");
    buf_pool_free(&pool);
    return done;
}

int command_doctor(int argc, char **argv)
{
    struct options given;
    options_parse(&given, COMMAND_DOCTOR, argc, argv);
    bool json = option_given(&given, OPTION_JSON);
    options_free(&given);
    for (size_t i = 0; i < given.arguments_count; i++) {
        if (value_is_url(given.arguments[i]))
            usage_error(command, "argument %zu is a URL: name its host alone", i + 1);
        const char *colon = strchr(given.arguments[i], ':');
        if (colon && colon == strrchr(given.arguments[i], ':'))
            usage_error(command, "argument %zu has a port: name its host alone, %.*s", i + 1,
                        (int)(colon - given.arguments[i]), given.arguments[i]);
    }
    size_t hosts = given.arguments_count, count = CHECKS_FIXED + hosts;
    struct finding *findings = calloc(count, sizeof *findings);
    if (!findings) {
        fprintf(stderr, "ringsend %s: %s\n", command, ringsend_error_text(RINGSEND_E_NO_MEMORY));
        return EXIT_NOT_STARTED;
    }
    checks_run(findings, given.arguments, hosts);
    bool ok = true;
    for (size_t i = 0; i < count; i++)
        ok &= findings[i].state != FINDING_FAULT;
    bool printed = true;
    if (json)
        printed = print_json(findings, count, ok);
    else
        print_text(findings, count);
    free(findings);
    if (!printed) {
        fprintf(stderr, "ringsend %s: %s\n", command, ringsend_error_text(RINGSEND_E_NO_MEMORY));
        return EXIT_OUTPUT;
    }
    return ok ? EXIT_OK : EXIT_NOT_STARTED;
}

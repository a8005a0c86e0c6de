/* They are the results themselves: of records that are not ok, in the order in which results and
 * failed lines are written, which is one; so the Nth line is about the Nth record. They are copied
 * when the run ends, all anew: a kill leaves them to the run that goes on, and no journal has to
 * know of them. */
#include "cli/send/reasons.h"

#include "base/json.h"
#include "cli/options/values.h"
#include "cli/read_files.h"
#include "ringsend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int refuse(const struct reasons *r, enum exit_status status, const char *why)
{
    fprintf(stderr, "ringsend send: %s: %s\n", r->path, why);
    return status;
}

int reasons_open(struct reasons *r, const struct send_options *options)
{
    *r = (struct reasons){.file = {.fd = -1}};
    if (!send_given(options, OPTION_FAILED_WITH_REASON))
        return EXIT_OK;
    if (asprintf(&r->path, "%s.reasons", options->failed) < 0) {
        r->path = NULL;
        fputs("ringsend send: memory is out\n", stderr);
        return EXIT_NOT_STARTED;
    }
    r->file.path = r->path;
    const char *why = output_file_open(&r->file, 0600);
    if (why)
        return refuse(r, EXIT_OUTPUT, why);
    why = r->file.created ? NULL : read_files_why_not_open(r->file.fd);
    if (!why && !r->file.regular)
        why = "is no regular file";
    if (!why)
        why = output_file_why_not_over(&r->file, send_given(options, OPTION_FORCE) ||
                                                     send_given(options, OPTION_RESUME));
    return why ? refuse(r, EXIT_USAGE, why) : EXIT_OK;
}

int reasons_check(const struct reasons *r, const struct outputs *outputs)
{
    if (r->file.fd < 0)
        return EXIT_OK;
    if (!outputs->results.regular)
        return refuse(r, EXIT_USAGE, "the results, which are read for it, go to no regular file");
    if (output_file_is_same(r->file.fd, outputs->results.fd) ||
        output_file_is_same(r->file.fd, outputs->failed.fd))
        return refuse(r, EXIT_USAGE, "is another output, too");
    return EXIT_OK;
}

/* Its record has a line among the failed ones: it is not ok, and was not too long to be kept. */
static bool is_of_failed(struct ringsend_bytes line)
{
    struct json json;
    struct json_string key, error = {0};
    bool ok = true;
    json_init_lenient(&json, line);
    for (bool more = json_object(&json); more && json_member(&json, &key);) {
        enum json_kind kind = json_peek(&json);
        if (span_equal(key.raw, SPAN("ok")))
            ok = kind == JSON_TRUE;
        more = span_equal(key.raw, SPAN("error")) && kind == JSON_STRING
                   ? !json_string(&json, &error)
                   : json_skip(&json, NULL);
    }
    return !ok && !span_equal(error.raw, span_of(ringsend_error_name(RINGSEND_E_RECORD_TOO_LONG)));
}

/* An errno, or 0. */
static int copy(FILE *from, FILE *to)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t bytes;
    while ((bytes = getline(&line, &capacity, from)) > 0 && !ferror(to)) {
        if (is_of_failed((struct ringsend_bytes){line, (size_t)bytes}))
            fwrite(line, 1, (size_t)bytes, to);
    }
    free(line);
    errno = 0;
    return ferror(from) || fflush(to) != 0 ? (errno ? errno : EIO) : 0;
}

static int write_anew(const struct reasons *r, const struct outputs *outputs)
{
    int fd = dup(r->file.fd);
    FILE *from = fopen(outputs->results.path, "re"), *to = fd >= 0 ? fdopen(fd, "a") : NULL;
    int error = from && to && ftruncate(fd, 0) == 0 ? copy(from, to) : errno;
    if (from)
        fclose(from);
    if (to && fclose(to) != 0 && error == 0)
        error = errno;
    else if (!to && fd >= 0)
        close(fd);
    return error;
}

int reasons_close(struct reasons *r, const struct outputs *outputs, bool unused)
{
    int error = 0, status = EXIT_OK;
    if (r->file.fd >= 0 && !unused)
        error = write_anew(r, outputs);
    if (r->file.fd >= 0 && error == 0)
        error = output_file_close(&r->file, unused);
    if (error)
        status = refuse(r, EXIT_OUTPUT, strerror(error));
    free(r->path);
    return status;
}

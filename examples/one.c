/* One request: its body on standard output.
 *
 *   cc one.c $(pkg-config --cflags --libs ringsend) -o one
 *   ./one https://example.com/ */
#include <ringsend.h>

#include <stdio.h>
#include <string.h>

static int show(const struct ringsend_result *result)
{
    if (result->error)
        fprintf(stderr, "%s\n", ringsend_error_text(result->error));
    else
        fprintf(stderr, "status %d\n", result->status);
    fwrite(result->body.data, 1, result->body.bytes, stdout);
    return result->ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: one URL\n", stderr);
        return 1;
    }
    char why[256] = "";
    struct ringsend_options options = {.size = sizeof options};
    options.message = why;
    options.message_bytes = sizeof why;
    struct ringsend *engine;
    if (ringsend_new(&engine, &options) != 0) {
        fprintf(stderr, "cannot start: %s\n", why);
        return 1;
    }

    struct ringsend_request request = {.size = sizeof request};
    request.url = (struct ringsend_bytes){argv[1], strlen(argv[1])};
    int status = 1;
    int error = ringsend_submit(engine, &request);
    if (error)
        fprintf(stderr, "%s\n", ringsend_error_text(-error));
    while (!error && ringsend_run(engine, RINGSEND_NEVER) >= 0) {
        const struct ringsend_result *result;
        if (ringsend_reap(engine, &result, 1) == 1) {
            status = show(result);
            break;
        }
    }
    ringsend_free(engine);
    return status;
}

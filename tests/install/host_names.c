/* A host program whose own functions bear the names of our internals: in a plain archive they would
 * take the place of ours. Ends with 0 when one request was answered well and nobody called the
 * host's. */
#include <ringsend.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int conn_run(void *anything);
bool buf_append(void *anything);
int exchange_run(void *anything);
void response_init(void *anything);

int conn_run(void *anything)
{
    (void)anything;
    abort();
}

bool buf_append(void *anything)
{
    (void)anything;
    abort();
}

int exchange_run(void *anything)
{
    (void)anything;
    abort();
}

void response_init(void *anything)
{
    (void)anything;
    abort();
}

int main(int argc, char **argv)
{
    struct ringsend *engine;
    if (argc < 2 || ringsend_new(&engine, NULL) != 0)
        return 1;
    struct ringsend_request request = {.size = sizeof request, .url = {argv[1], strlen(argv[1])}};
    const struct ringsend_result *result = NULL;
    if (ringsend_submit(engine, &request) == 0)
        while (ringsend_run(engine, RINGSEND_NEVER) == 0) {
        }
    bool ok = ringsend_reap(engine, &result, 1) == 1 && result->ok;
    ringsend_free(engine);
    return ok ? 0 : 1;
}

/* A plugin that sends requests, for unload.c: linked with the shared library, or with the archive
 * in it. */
#include <ringsend.h>

#include <string.h>

int use(const char *const *urls, int count);

static bool is_name(const char *url)
{
    return strstr(url, ".test") != NULL;
}

/* Ends while the lookups go on, but not before the other requests are done, whose hosts are
 * addresses. */
int use(const char *const *urls, int count)
{
    struct ringsend_options options = {.size = sizeof options, .insecure = true};
    struct ringsend_request requests[8] = {{0}};
    const struct ringsend_result *results[8];
    struct ringsend *engine;
    int left = 0, failed = 0;
    if (count > 8 || ringsend_new(&engine, &options) < 0)
        return 1;
    for (int i = 0; i < count; i++) {
        requests[i].size = sizeof requests[i];
        requests[i].url = (struct ringsend_bytes){urls[i], strlen(urls[i])};
        left += !is_name(urls[i]);
        if (ringsend_submit(engine, &requests[i]) < 0)
            return 1;
    }
    while (left > 0) {
        if (ringsend_run(engine, RINGSEND_NEVER) < 0)
            return 1;
        size_t n = ringsend_reap(engine, results, 8);
        for (size_t i = 0; i < n; i++) {
            bool name = is_name(results[i]->request->url.data);
            left -= !name;
            failed += !name && !results[i]->ok;
        }
    }
    ringsend_run(engine, 0);
    ringsend_free(engine);
    return failed;
}

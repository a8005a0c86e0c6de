/* The same small host program on two engines: host ringsend|curl URL COUNT sends COUNT distinct
 * POSTs over 40 kept connections, keeps every body until its response is complete, and checks it.
 * What the two do differently is what their interfaces ask for. */
#include "ringsend.h"

#include <curl/curl.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 40, IN_FLIGHT = 2 * CONNECTIONS };

struct post {
    struct ringsend_request request;
    CURL *easy;
    char body[64];
    size_t body_bytes;
    char answer[1024];
    size_t answer_bytes;
};

static void fill(struct post *p, size_t number)
{
    p->body_bytes = (size_t)snprintf(p->body, sizeof p->body, "{\"order\":%zu,\"pieces\":%zu}",
                                     100000 + number, 10000 + number % 1000);
    p->answer_bytes = 0;
}

/* ---- ringsend ---- */

static const struct ringsend_header json = {{"Content-Type", 12}, {"application/json", 16}};

static bool submit(struct ringsend *engine, struct post *p, const char *url, size_t number)
{
    fill(p, number);
    p->request = (struct ringsend_request){.size = sizeof p->request,
                                           .url = {url, strlen(url)},
                                           .headers = &json,
                                           .headers_count = 1,
                                           .body = {p->body, p->body_bytes},
                                           .user = p};
    return ringsend_submit(engine, &p->request) == 0;
}

static size_t by_ringsend(const char *url, size_t count)
{
    static struct post posts[IN_FLIGHT];
    struct ringsend_options options = {
        .size = sizeof options, .connections_max = CONNECTIONS, .requests_max = IN_FLIGHT};
    struct ringsend *engine;
    if (ringsend_new(&engine, &options) != 0)
        return 0;
    struct post *spare[IN_FLIGHT];
    size_t spares = 0, submitted = 0, finished = 0, ok = 0;
    for (size_t i = 0; i < IN_FLIGHT; i++)
        spare[spares++] = &posts[i];
    while (finished < count) {
        while (submitted < count && submitted - finished < IN_FLIGHT &&
               submit(engine, spare[spares - 1], url, submitted)) {
            spares--;
            submitted++;
        }
        if (ringsend_run(engine, RINGSEND_NEVER) < 0)
            break;
        const struct ringsend_result *results[IN_FLIGHT];
        size_t n = ringsend_reap(engine, results, IN_FLIGHT);
        for (size_t i = 0; i < n; i++) {
            spare[spares++] = results[i]->request->user;
            ok += results[i]->ok && results[i]->body.bytes > 0;
        }
        finished += n;
    }
    ringsend_free(engine);
    return ok;
}

/* ---- libcurl's multi interface ---- */

static size_t on_body(char *data, size_t size, size_t bytes, void *argument)
{
    struct post *p = argument;
    size_t n = size * bytes, room = sizeof p->answer - p->answer_bytes;
    memcpy(p->answer + p->answer_bytes, data, n < room ? n : room);
    p->answer_bytes += n < room ? n : room;
    return n;
}

static bool begin(CURLM *multi, struct post *p, const char *url, struct curl_slist *headers,
                  size_t number)
{
    fill(p, number);
    if (!p->easy) {
        if (!(p->easy = curl_easy_init()))
            return false;
        curl_easy_setopt(p->easy, CURLOPT_URL, url);
        curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p);
        curl_easy_setopt(p->easy, CURLOPT_PRIVATE, p);
        curl_easy_setopt(p->easy, CURLOPT_NOSIGNAL, 1L);
    }
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, p->body);
    curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE, (long)p->body_bytes);
    return curl_multi_add_handle(multi, p->easy) == CURLM_OK;
}

static size_t by_curl(const char *url, size_t count)
{
    static struct post posts[CONNECTIONS];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLM *multi = curl_multi_init();
    size_t begun = 0, finished = 0, ok = 0;
    curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CONNECTIONS);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS);
    for (; begun < count && begun < CONNECTIONS; begun++)
        if (!begin(multi, &posts[begun], url, headers, begun))
            return 0;
    while (finished < count) {
        int running, left;
        CURLMsg *message;
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            break;
        bool more = false;
        while ((message = curl_multi_info_read(multi, &left))) {
            struct post *p;
            long status = 0;
            CURL *easy = message->easy_handle;
            bool good = message->data.result == CURLE_OK;
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&p);
            curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
            ok += good && status / 100 == 2 && p->answer_bytes > 0;
            finished++;
            curl_multi_remove_handle(multi, easy);
            more |= begun < count && begin(multi, p, url, headers, begun);
            begun += begun < count;
        }
        if (!more && finished < count)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    for (size_t i = 0; i < CONNECTIONS; i++)
        curl_easy_cleanup(posts[i].easy);
    curl_multi_cleanup(multi);
    curl_slist_free_all(headers);
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: host ringsend|curl URL COUNT\n");
        return 1;
    }
    size_t count = strtoul(argv[3], NULL, 10);
    bool ours = strcmp(argv[1], "ringsend") == 0;
    size_t ok = ours ? by_ringsend(argv[2], count) : by_curl(argv[2], count);
    printf("%zu of %zu ok\n", ok, count);
    return ok == count ? 0 : 1;
}

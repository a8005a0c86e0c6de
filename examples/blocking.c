/* The plain way: hand requests over while there is room, work, take the results.
 *
 *   cc blocking.c $(pkg-config --cflags --libs ringsend) -o blocking
 *   ./blocking http://127.0.0.1:8080/orders 1000 */
#include <ringsend.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An order: the request, and the memory that it borrows until its result has been reaped. */
struct order {
    struct ringsend_request request;
    char body[64];
};

static const struct ringsend_header json = {{"Content-Type", 12}, {"application/json", 16}};

static int submit(struct ringsend *engine, struct order *order, const char *url, size_t number)
{
    int bytes = snprintf(order->body, sizeof order->body, "{\"order\": %zu}", number);
    order->request = (struct ringsend_request){.size = sizeof order->request,
                                               .url = {url, strlen(url)},
                                               .headers = &json,
                                               .headers_count = 1,
                                               .body = {order->body, (size_t)bytes},
                                               .user = order};
    return ringsend_submit(engine, &order->request);
}

static void report(const struct ringsend_result *result)
{
    const char *why = result->error ? ringsend_error_text(result->error) : "the server said no";
    fprintf(stderr, "status %d after %" PRIu32 " attempts: %s\n", result->status, result->attempts,
            result->detail ? result->detail : why);
}

/* Returns how many of `count` orders were answered well, or -1 when the engine gave up. */
static long send_all(struct ringsend *engine, struct order *orders, const char *url, size_t count)
{
    size_t submitted = 0, finished = 0;
    long ok = 0;
    while (finished < count) {
        int error = 0;
        while (submitted < count &&
               (error = submit(engine, &orders[submitted], url, submitted)) == 0)
            submitted++;
        /* FULL is no fault but back-pressure: results are to be taken first. */
        if (error != 0 && error != -RINGSEND_E_FULL) {
            fprintf(stderr, "refused: %s\n", ringsend_error_text((enum ringsend_error) - error));
            return -1;
        }
        if (ringsend_run(engine, RINGSEND_NEVER) < 0)
            return -1;
        const struct ringsend_result *results[16];
        size_t n;
        while ((n = ringsend_reap(engine, results, 16)) > 0)
            for (size_t i = 0; i < n; i++, finished++)
                results[i]->ok ? (void)ok++ : report(results[i]);
    }
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: blocking URL COUNT\n", stderr);
        return 1;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    char message[256];
    struct ringsend_options options = {
        .size = sizeof options, .message = message, .message_bytes = sizeof message};
    struct ringsend *engine;
    int error = ringsend_new(&engine, &options);
    if (error) {
        fprintf(stderr, "cannot start: %s\n",
                error == -RINGSEND_E_NO_MEMORY ? "memory is out" : message);
        return 1;
    }
    struct order *orders = calloc(count ? count : 1, sizeof *orders);
    long ok = orders ? send_all(engine, orders, argv[1], count) : -1;
    ringsend_free(engine); /* lets go of the orders' memory */
    free(orders);
    printf("%ld of %zu ok\n", ok < 0 ? 0 : ok, count);
    return ok == (long)count ? 0 : 1;
}

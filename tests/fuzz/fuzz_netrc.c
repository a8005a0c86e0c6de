/* libFuzzer: any bytes as a netrc, asked for hosts: an answer is base64 of a name and a password
 * whose words stand in it, and the same when asked again. */
#include "base/base64.h"
#include "base/check.h"
#include "records/netrc.h"
#include "records/secret.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void ask(struct netrc *netrc, struct ringsend_bytes url)
{
    struct ringsend_bytes value, again;
    const char *fault;
    enum netrc_result result = netrc_find(netrc, url, &value, &fault);
    if (result != NETRC_FOUND)
        return;
    size_t pair_bytes;
    CHECK(value.bytes > 6 && memcmp(value.data, "Basic ", 6) == 0);
    char *pair = malloc(value.bytes);
    CHECK(pair && base64_decode((struct ringsend_bytes){value.data + 6, value.bytes - 6}, pair,
                                &pair_bytes));
    CHECK(pair_bytes > 0 && memchr(pair, ':', pair_bytes));
    free(pair);
    netrc_find(netrc, SPAN("http://other.example/"), &again, &fault);
    CHECK(netrc_find(netrc, url, &again, &fault) == NETRC_FOUND && again.data == value.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const char *fault;
    unsigned line;
    struct secrets secrets = {0};
    struct netrc *netrc =
        netrc_read((struct ringsend_bytes){(const char *)data, bytes}, &fault, &line);
    if (!netrc) {
        CHECK(fault && line > 0);
        return 0;
    }
    ask(netrc, SPAN("http://h/"));
    ask(netrc, SPAN("https://b.example:8443/x?y"));
    ask(netrc, SPAN("http://[::1]:80"));
    ask(netrc, (struct ringsend_bytes){(const char *)data, bytes});
    CHECK(netrc_add_secrets(netrc, &secrets));
    secrets_free(&secrets);
    netrc_free(netrc);
    return 0;
}

/* libFuzzer: certificates: their form, host names, name constraints, and a path through several of
 * them. The input is a row of certificates as a peer sends them, each behind two bytes of length;
 * the first is at once what is trusted. */
#include "tls/bearssl/crypto.h"
#include "tls/x509/path.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { CERTS_MAX = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct cert certs[CERTS_MAX], anchors[1];
    size_t count = 0;
    while (bytes >= 2 && count < CERTS_MAX) {
        size_t length = (size_t)data[0] << 8 | data[1];
        data += 2;
        bytes -= 2;
        length = length < bytes ? length : bytes;
        struct public_key key;
        struct der whole = {data, data + length};
        bool has_key = cert_parse_key(whole, &key);
        if (cert_parse(whole, &certs[count])) {
            if (!has_key)
                abort();
            count++;
        }
        data += length;
        bytes -= length;
    }
    if (count == 0)
        return 0;
    static const char *const hosts[] = {"www.example.com", "127.0.0.1"};
    for (size_t i = 0; i < 2; i++) {
        struct host host;
        struct path_verdict verdict;
        char list[64];
        uint32_t budget = 1000;
        const char *kind;
        anchors[0] = certs[0];
        const struct trust trust = {.anchors = anchors, .anchors_count = 1};
        if (!host_parse(hosts[i], &host))
            abort();
        path_verify(&trust, &bearssl_crypto, certs, count, &host, INT64_C(1800000000), &verdict);
        if (count > 1)
            path_verify(&trust, &bearssl_crypto, certs + 1, count - 1, &host, INT64_C(1800000000),
                        &verdict);
        host_list(&certs[0], list, sizeof list);
        for (size_t j = 0; j < count; j++)
            if (certs[j].has_constraints)
                constraints_check(certs[j].constraints, &certs[0], &budget, &kind);
    }
    return 0;
}

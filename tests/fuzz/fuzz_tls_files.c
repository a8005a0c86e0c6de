/* libFuzzer: what tls/ reads from files. The first half of the work is done twice, by PEM and as
 * DER at once, so that the fuzzer needs no luck with base64. */
#include "tls/bearssl/identity.h"
#include "tls/x509/foreign.h"
#include "tls/x509/pem.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct pem pem = {(const char *)data, (const char *)data + bytes};
    struct pem_block block;
    struct identity identity = {0};
    for (enum pem_next next; (next = pem_next(&pem, &block)) != PEM_NONE;) {
        if (next == PEM_BROKEN)
            continue;
        size_t decoded, room = pem_decoded_bytes_max(block.body);
        uint8_t *out = malloc(room);
        if (out && pem_decode(block.body, out, &decoded)) {
            if (decoded > room)
                abort();
            identity_parse_key((struct der){out, out + decoded}, &identity);
        }
        free(out);
    }
    identity_parse_key((struct der){data, data + bytes}, &identity);
    char text[200] = "";
    const struct tls_file file = {.content = {(uint8_t *)(uintptr_t)data, bytes}};
    if (foreign_explain("FILE", &file, FOREIGN_KEY, (struct message){text, sizeof text}) !=
        (text[0] != 0))
        abort();
    return 0;
}

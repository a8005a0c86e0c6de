#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

static bool address_read(struct address *a, const char *text, size_t bytes)
{
    char plain[INET6_ADDRSTRLEN];
    bool in_brackets = bytes >= 2 && text[0] == '[' && text[bytes - 1] == ']';
    text += in_brackets;
    bytes -= in_brackets ? 2 : 0;
    if (bytes >= sizeof plain)
        return false;
    memcpy(plain, text, bytes);
    plain[bytes] = '\0';
    *a = (struct address){0};
    if (inet_pton(AF_INET6, plain, &a->v6.sin6_addr) == 1)
        a->v6.sin6_family = AF_INET6;
    else if (!in_brackets && inet_pton(AF_INET, plain, &a->v4.sin_addr) == 1)
        a->v4.sin_family = AF_INET;
    return a->any.sa_family != 0;
}

const char *addresses_read(const char *text, struct address *addresses, uint32_t max,
                           uint32_t *count)
{
    uint32_t read = 0;
    for (const char *at = text;; at++) {
        size_t bytes = strcspn(at, ",");
        if (read == max)
            return "there are too many addresses";
        if (!address_read(&addresses[read++], at, bytes))
            return "an address is not an IP address";
        at += bytes;
        if (*at == '\0')
            break;
    }
    *count = read;
    return NULL;
}

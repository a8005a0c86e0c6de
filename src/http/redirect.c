#include "http/redirect.h"

bool redirect_is(int status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

bool redirect_to_get(int status, struct ringsend_bytes method)
{
    if (status == 303)
        return !span_equal(method, SPAN("GET")) && !span_equal(method, SPAN("HEAD"));
    return (status == 301 || status == 302) && span_equal(method, SPAN("POST"));
}

bool redirect_is_same_origin(const struct url *a, const struct url *b)
{
    return a->https == b->https && a->port == b->port && span_equal_nocase(a->host, b->host);
}

static bool is_one_of(struct ringsend_bytes name, const char *const *names)
{
    for (; *names; names++)
        if (span_equal_nocase(name, span_of(*names)))
            return true;
    return false;
}

bool redirect_keeps(struct ringsend_bytes name, bool body_gone, bool to_stranger)
{
    static const char *const of_body[] = {
        "content-type",     "content-length", "content-encoding", "content-language",
        "content-location", "content-md5",    "content-digest",   NULL};
    static const char *const of_asker[] = {"authorization",
                                           "cookie",
                                           "cookie2",
                                           "proxy-authorization",
                                           "host",
                                           "x-api-key",
                                           "api-key",
                                           "x-auth-token",
                                           "x-amz-security-token",
                                           "x-access-token",
                                           "x-csrf-token",
                                           "apikey",
                                           "x-goog-api-key",
                                           "private-token",
                                           "x-vault-token",
                                           "ocp-apim-subscription-key",
                                           NULL};
    return !(body_gone && is_one_of(name, of_body)) && !(to_stranger && is_one_of(name, of_asker));
}

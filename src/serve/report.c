/* The report as JSON, with stable keys: tests and scripts read it. */
#include "base/check.h"
#include "serve/server.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 4))) static size_t add(char *out, size_t bytes, const char *format,
                                                        ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(out + bytes, SERVER_JSON_BYTES - bytes, format, arguments);
    va_end(arguments);
    CHECK(n >= 0 && (size_t)n < SERVER_JSON_BYTES - bytes);
    return bytes + (size_t)n;
}

size_t server_report_json(const struct server_report *report, char *out)
{
    const struct {
        const char *key;
        uint64_t value;
    } members[] = {
        {"requests", report->requests},
        {"connections", report->connections},
        {"connections_peak", report->connections_peak},
        {"refused", report->refused},
        {"resets", report->resets},
        {"closes", report->closes},
        {"stalls", report->stalls},
        {"gone", report->gone},
        {"stopped", report->stopped},
        {"handshakes_full", report->handshakes_full},
        {"handshakes_resumed", report->handshakes_resumed},
        {"handshakes_failed", report->handshakes_failed},
        {"http2_connections", report->http2_connections},
    };
    size_t n = add(out, 0, "{");
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        n = add(out, n, "\"%s\":%" PRIu64 ",", members[i].key, members[i].value);
    n = add(out, n, "\"statuses\":{");
    const char *comma = "";
    for (unsigned status = 0; status < SERVER_STATUSES; status++) {
        if (report->statuses[status] == 0)
            continue;
        n = add(out, n, "%s\"%u\":%" PRIu64, comma, status, report->statuses[status]);
        comma = ",";
    }
    return add(out, n, "}}");
}

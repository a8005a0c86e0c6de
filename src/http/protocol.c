#include "http/protocol.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED_BYTES = 24 };

static bool begins(struct ringsend_bytes text, const char *with, size_t bytes)
{
    return text.bytes >= bytes && memcmp(text.data, with, bytes) == 0;
}

/* What binary protocols begin with: a record of TLS (RFC 5246 6.2.1), an alert or a handshake; HTTP/2's SETTINGS
 * (RFC 9113 3.4 and 4.1), three bytes of length ahead; MySQL's greeting, likewise. One byte is enough for
 * TLS: no text begins so. */
static const char *binary_name(struct ringsend_bytes first)
{
    unsigned char byte = (unsigned char)first.data[0];
    if ((byte == 0x15 || byte == 0x16) && (first.bytes == 1 || first.data[1] == 3))
        return "the server speaks TLS here: use https://";
    if (first.bytes >= 5 && byte == 0 && first.data[3] == 4 && first.data[4] == 0)
        return "the server speaks HTTP/2 alone here, and this is HTTP/1.1: use another port, or a "
               "gateway";
    if (first.bytes >= 5 && first.data[3] == 0 && first.data[4] == 10)
        return "a MySQL server answers: check the port";
    return NULL;
}

const char *protocol_name(struct ringsend_bytes first)
{
    static const char html[] = "a page of HTML comes without a head, as from a server that does "
                               "not understand what it was sent: check scheme and port";
    static const struct {
        const char *with, *name;
    } greetings[] = {
        {"HTTP/", "the server speaks plain HTTP here: use http://"},
        {"SSH-", "an SSH server answers: check the port"},
        {"220", "a mail or FTP server answers: check the port"},
        {"554", "a mail server answers: check the port"},
        {"* OK", "a mail server (IMAP) answers: check the port"},
        {"+OK", "a mail server (POP3) or Redis answers: check the port"},
        {"-ERR", "Redis or a mail server (POP3) answers: check the port"},
        {"-DENIED", "Redis answers: check the port"},
        {"-NOAUTH", "Redis answers: check the port"},
        {"RFB ", "a VNC server answers: check the port"},
        {"AMQP", "a message broker (AMQP) answers: check the port"},
        {"<!", html},
        {"<html", html},
        {"<HTML", html},
        {"ICY ", "an ICY (Shoutcast) server answers, which is not HTTP: check the port"},
    };
    if (first.bytes == 0)
        return NULL;
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++)
        if (begins(first, greetings[i].with, strlen(greetings[i].with)))
            return greetings[i].name;
    return binary_name(first);
}

void protocol_tell(struct ringsend_bytes first, char *text, size_t text_bytes)
{
    const char *name = protocol_name(first);
    char quoted[QUOTED_BYTES + 1];
    size_t bytes = first.bytes < QUOTED_BYTES ? first.bytes : QUOTED_BYTES;
    for (size_t i = 0; i < bytes; i++)
        quoted[i] = first.data[i] >= ' ' && first.data[i] < 0x7f ? first.data[i] : '.';
    quoted[bytes] = '\0';
    if (name)
        snprintf(text, text_bytes, "%s", name);
    else
        snprintf(text, text_bytes, "the answer does not begin with \"HTTP/\" but with \"%s\"%s",
                 quoted, first.bytes > bytes ? "..." : "");
}

#include "http/protocol.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { QUOTED_BYTES = 24 };

static bool begins(struct ringsend_bytes text, const char *with, size_t bytes)
{
    return text.bytes >= bytes && memcmp(text.data, with, bytes) == 0;
}

/* A frame of HTTP/2 (RFC 9113 4.1 and 6) that may come first: three bytes of length, type, flags,
 * stream. SETTINGS should be (3.4), but who takes what it got for a broken preface may say GOAWAY
 * at once, or break off a stream. The lengths and flags that a type may have keep zeros of all
 * sorts from passing for one. */
static bool is_http2(struct ringsend_bytes first)
{
    enum { FRAME_BYTES_MAX = 16384 };
    static const struct {
        uint16_t least, most, unit;
        unsigned char flags;
        bool of_connection; /* the stream is 0 */
    } types[] = {
        {0, FRAME_BYTES_MAX, 1, 0x09, false}, /* DATA */
        {1, FRAME_BYTES_MAX, 1, 0x2d, false}, /* HEADERS */
        {5, 5, 1, 0, false},                  /* PRIORITY */
        {4, 4, 1, 0, false},                  /* RST_STREAM */
        {0, FRAME_BYTES_MAX, 6, 0x01, true},  /* SETTINGS */
        {4, FRAME_BYTES_MAX, 1, 0x0c, false}, /* PUSH_PROMISE */
        {8, 8, 1, 0x01, true},                /* PING */
        {8, FRAME_BYTES_MAX, 1, 0, true},     /* GOAWAY */
        {4, 4, 1, 0, true},                   /* WINDOW_UPDATE: the connection's comes first */
    };
    const unsigned char *at = (const unsigned char *)first.data;
    if (first.bytes < 5 || at[0] != 0 || at[3] >= sizeof types / sizeof *types)
        return false;
    unsigned bytes = (unsigned)at[1] << 8 | at[2], type = at[3];
    if (bytes < types[type].least || bytes > types[type].most || bytes % types[type].unit != 0 ||
        (at[4] & ~types[type].flags) != 0)
        return false;
    static const char connection[4];
    return first.bytes < 9 || (memcmp(at + 5, connection, 4) == 0) == types[type].of_connection;
}

/* What binary protocols begin with: a record of TLS (RFC 5246 6.2.1), an alert or a handshake;
 * HTTP/2; MySQL's greeting or refusal, three bytes of length and a number ahead; an offer of telnet
 * (RFC 854); a TPKT header (RFC 1006). One byte is enough for TLS: no text begins so. */
static const char *binary_name(struct ringsend_bytes first)
{
    const unsigned char *at = (const unsigned char *)first.data;
    if ((at[0] == 0x15 || at[0] == 0x16) && (first.bytes == 1 || at[1] == 3))
        return "the server speaks TLS here: use https://";
    if (is_http2(first))
        return "the server speaks HTTP/2 alone here, and this is HTTP/1.1: use another port, or a "
               "gateway";
    if (first.bytes >= 5 && at[0] != 0 && at[2] == 0 && at[3] == 0 &&
        (at[4] == 10 || at[4] == 0xff))
        return "a MySQL server answers: check the port";
    if (first.bytes >= 3 && at[0] == 0xff && at[1] >= 0xfb && at[1] < 0xff)
        return "a telnet server answers: check the port";
    if (first.bytes >= 4 && at[0] == 3 && at[1] == 0 && at[2] == 0)
        return "a remote desktop (RDP) server answers: check the port";
    if (at[0] == 0x30 && memmem(at, first.bytes, "1.3.6.1.4.1.1466.20036", 22))
        return "an LDAP server answers: check the port";
    return NULL;
}

const char *protocol_name(struct ringsend_bytes first)
{
    static const char html[] = "a page of HTML comes without a head, as from a server that does "
                               "not understand what it was sent: check scheme and port";
    static const char mail[] = "a mail or FTP server answers: check the port";
    static const struct {
        const char *with, *name;
    } greetings[] = {
        {"HTTP/", "the server speaks plain HTTP here: use http://"},
        {"SSH-", "an SSH server answers: check the port"},
        {"220", mail},
        {"421", mail},
        {"554", mail},
        {"* OK", "a mail server (IMAP) answers: check the port"},
        {"* BYE", "a mail server (IMAP) answers: check the port"},
        {"+OK", "a mail server (POP3) or Redis answers: check the port"},
        {"-ERR", "Redis or a mail server (POP3) answers: check the port"},
        {"-DENIED", "Redis answers: check the port"},
        {"-NOAUTH", "Redis answers: check the port"},
        {"RFB ", "a VNC server answers: check the port"},
        {"AMQP", "a message broker (AMQP) answers: check the port"},
        {"<!", html},
        {"<html", html},
        {"<HTML", html},
        {"ERROR\r\n", "a memcached server answers: check the port"},
        {"RTSP/", "an RTSP server (a camera, say) answers: check the port"},
        {"SIP/", "a SIP server answers: check the port"},
        {"@RSYNCD:", "an rsync server answers: check the port"},
        {"Status:",
         "the answer of a CGI program comes without a status line: its server passes it on "
         "as it is"},
        {"\r\n", "an empty line comes where the answer should begin"},
        {"ICY ", "an ICY (Shoutcast) server answers, which is not HTTP: check the port"},
    };
    if (first.bytes == 0)
        return NULL;
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++)
        if (begins(first, greetings[i].with, strlen(greetings[i].with)))
            return greetings[i].name;
    return binary_name(first);
}

void protocol_message(struct ringsend_bytes first, char *text, size_t text_bytes)
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

bool protocol_is_answer(struct ringsend_bytes got)
{
    static const char version[] = "HTTP/1.1 ", timeout[] = "HTTP/1.1 408";
    while (got.bytes > 0 && protocol_is_blank(got.data[0])) {
        got.data++;
        got.bytes--;
    }
    size_t compared = got.bytes < 5 ? got.bytes : 5; /* of any version */
    bool is_timeout = got.bytes >= sizeof timeout - 1 &&
                      memcmp(got.data + sizeof version - 1, timeout + sizeof version - 1, 3) == 0;
    return compared > 0 && memcmp(got.data, version, compared) == 0 && !is_timeout;
}

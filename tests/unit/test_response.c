/* Messages: one row per behaviour, and anything at all. The head's fields: test_response_fields.c;
 * limits and memory: test_response_limits.c. */
#include "response_feed.h"

enum { HEAD_REQUEST = 1, STRICT = 2, EOF_AFTER = 4, KEEPS = 8 };

struct row {
    const char *wire;
    int flags;
    int status;                /* expected, as all below */
    enum ringsend_error error; /* 0: complete */
    const char *body;          /* of a complete response; null: empty */
    size_t left;               /* bytes behind the message */
};

static const struct row rows[] = {
    /* framing by length, by chunks, by the end of the stream */
    {OK200 "Content-Length: 5\r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "content-length:5\r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "Content-Length: 0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", KEEPS, 404, 0, "no", 0},
    {CHUNKED "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", KEEPS, 200, 0, "hello world", 0},
    {CHUNKED "00A\r\n0123456789\r\n0\r\n\r\n", KEEPS, 200, 0, "0123456789", 0},
    {CHUNKED "0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {CHUNKED "2;a=b\r\nhi\r\n0;e\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {CHUNKED "2\r\nhi\r\n0\r\nX-Sum: 1\r\nRetry-After: 9\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {OK200 "Transfer-Encoding:  CHUNKED\r\n\r\n0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "\r\nhello", EOF_AFTER, 200, 0, "hello", 0},
    {OK200 "\r\n", EOF_AFTER, 200, 0, NULL, 0},

    /* no body, whatever the head says */
    {OK200 "Content-Length: 5\r\n\r\n", HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {OK200 "\r\n", HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {CHUNKED, HEAD_REQUEST, 200, 0, NULL, 0}, /* the last chunk may follow */
    {CHUNKED "0\r\n\r\n", HEAD_REQUEST, 200, 0, NULL, 5},
    {OK200 "Transfer-Encoding: gzip\r\n\r\n", HEAD_REQUEST, 200, 0, NULL, 0},
    {OK200 "Content-Length: 18446744073709551615\r\n\r\n", HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 0, 204, 0, NULL, 0},
    {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", KEEPS, 204, 0, NULL, 0},
    {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 204, 0, NULL, 0},
    {"HTTP/1.1 204 No Content\r\n\r\n", KEEPS, 204, 0, NULL, 0},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", KEEPS, 304, 0, NULL, 0},
    {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 304, 0, NULL, 0},
    {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: gzip\r\n\r\n", 0, 304, 0, NULL, 0},

    /* bytes behind the message stay where they are */
    {OK200 "Content-Length: 5\r\n\r\nhelloHTTP/1.1", KEEPS, 200, 0, "hello", 8},
    {OK200 "Content-Length: 0\r\n\r\n\r\n", KEEPS, 200, 0, NULL, 2},
    {OK200 "Content-Length: 0\nConnection: close\n\nxyz", 0, 200, 0, NULL, 3},
    {OK200 "Content-Length: 1\r\nConnection: close\r\n\r\nab", 0, 200, 0, "a", 1},
    {CHUNKED "0\r\n\r\nx", KEEPS, 200, 0, NULL, 1},
    {OK200 "Content-Length: 4\r\n\r\nbody", HEAD_REQUEST | KEEPS, 200, 0, NULL, 4},
    {"HTTP/1.1 204 x\r\nContent-Length: 4\r\n\r\nbody", 0, 204, 0, NULL, 4},

    /* interim responses */
    {"HTTP/1.1 100 Continue\r\n\r\n" OK200 "Content-Length: 1\r\n\r\nx", KEEPS, 200, 0, "x", 0},
    {"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 \r\n\r\n" OK200 "\r\nx", EOF_AFTER,
     200, 0, "x", 0},
    {"HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n" OK200 "Content-Length: 1\r\n\r\nx", KEEPS,
     200, 0, "x", 0},
    {"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" OK200 "Content-Length: 1\r\n\r\nx", KEEPS,
     200, 0, "x", 0},
    {"HTTP/1.1 100 C\nTransfer-Encoding: chunked\n\n" OK200 "Content-Length: 1\r\n\r\nx", KEEPS,
     200, 0, "x", 0},
    {"HTTP/1.1 100 Continue\r\n\r\n", EOF_AFTER, 0, BAD(TRUNCATED_HEAD), NULL, 0},
    {"HTTP/1.1 100 Continue\r\n\r\n\r\n" OK200 "\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 0, 101,
     BAD(UNEXPECTED_UPGRADE), NULL, 0},
    {"HTTP/1.1 101 Switching\r\n\r\n", 0, 101, BAD(UNEXPECTED_UPGRADE), NULL, 0},
    {OK200 "Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\nx", KEEPS, 200, 0, "x",
     0},

    /* may the connection be kept? */
    {OK200 "Content-Length: 0\r\nConnection: close\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: close\t\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: foo, close\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: foo,CLOSE ,bar\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", 0, 200, 0,
     NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: keep-alive, close\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: foo,\r\n close\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200
     "Content-Length: 0\r\nConnection: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaa, close\t\r\n\r\n",
     0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: closed\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nX-Connection: close\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 200, 0, NULL, 0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n", KEEPS, 200, 0, NULL,
     0},
    {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nProxy-Connection: keep-alive\r\n\r\n", 0, 200, 0,
     NULL, 0},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0,
     200, 0, NULL, 0},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx", EOF_AFTER, 200, 0, "x", 0},

    /* status line */
    {"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 599 caf\xe9\r\nContent-Length: 0\r\n\r\n", KEEPS, 599, 0, NULL, 0},
    {"HTTP/1.1 099 Low\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 000 Low\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 600 High\r\nContent-Length: 2\r\n\r\nhi", KEEPS, 600, 0, "hi", 0},
    {"HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n", KEEPS, 999, 0, NULL, 0},
    {"HTTP/1.1 200 a\x01"
     "b\r\n\r\n",
     0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 a\x1b[2J\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 a\x7f\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 a\tb\r\nContent-Length: 0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 2000 Long\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 20 Short\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/1.1 abc\r\n\r\n", 0, 0, BAD(BAD_STATUS), NULL, 0},
    {"HTTP/2.0 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.2 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/0.9 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/11 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"ICY 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTCPCP/1.1 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"http/1.1 200 OK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"\r" OK200 "\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"\r\n" OK200 "\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"\x15\x03\x01", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"<html>", 0, 0, BAD(BAD_RESPONSE), NULL, 0},

    /* header lines */
    {OK200 "Content-Length: 0\r\nX: a\r\n b\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nX: caf\xe9\r\nEmpty:\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "X : a\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 ": a\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "no colon\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 " X: folded\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X: a\rb\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X: a\r\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X: a\r\rY: b\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X\r\n: a\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "\rX: a\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "X: \x01\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 O\rK\r\n\r\n", 0, 0, BAD(BAD_RESPONSE), NULL, 0},

    /* bare LF: mended in heads, refused with strict, and never anywhere else */
    {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", KEEPS, 200, 0, "hi", 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", KEEPS, 200, 0, "hi", 0},
    {"HTTP/1.1 200 OK\nContent-Length: 2\r\n\nhi", KEEPS, 200, 0, "hi", 0},
    {"HTTP/1.1 200 OK\n\n\na\nb\r\n", EOF_AFTER, 200, 0, "\na\nb\r\n", 0},
    {"HTTP/1.1 304 OK\n\n", KEEPS, 304, 0, NULL, 0},
    {"HTTP/1.1 200 OK\nX: a\n b\nContent-Length: 0\n\n", KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 100 C\n\nHTTP/1.1 200 OK\nContent-Length: 1\n\nx", KEEPS, 200, 0, "x", 0},
    {"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", STRICT, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nhi", STRICT, 0, BAD(BAD_RESPONSE), NULL, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nhi", STRICT, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "Content-Length: 2\r\n\r\n\n\n", STRICT | KEEPS, 200, 0, "\n\n", 0},
    {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nhi\r\n0\r\n\r\n", 0, 200, BAD(BAD_BODY),
     NULL, 0},
    {CHUNKED "2\r\nhi\n0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2\r\nhi\r\n0\n\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2\r\nhi\r\n0\r\nX: a\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2\r\nhi\r\n0\r\n\n", 0, 200, BAD(BAD_BODY), NULL, 0},

    /* contradictions about the length */
    {OK200 "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\ncontent-length:  5 \r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "Content-Length: 0\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", KEEPS, 200, 0,
     NULL, 0},
    {OK200 "Content-Length: 5\r\nX: y\r\nContent-Length: 5\r\n\r\nhel", EOF_AFTER, 200,
     BAD(TRUNCATED_BODY), NULL, 0},
    {OK200 "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {"HTTP/1.1 204 x\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", KEEPS, 204, 0, NULL, 0},
    {"HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n" OK200 "Content-Length: 2\r\n\r\nhi", KEEPS, 200,
     0, "hi", 0},
    {OK200 "Content-Length: 5\r\nContent-Length: 55\r\n\r\nhello", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nContent-Length: 0\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nContent-Length: x\r\n\r\nhello", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nContent-Length:\r\n\r\nhello", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", HEAD_REQUEST, 0,
     BAD(BAD_FRAMING), NULL, 0},
    {"HTTP/1.1 304 x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 0, 0, BAD(BAD_FRAMING),
     NULL, 0},
    {OK200 "Content-Length: 3 3\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: -1\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: +1\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 0x1\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length:\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 99999999999999999999\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL,
     0},
    {OK200 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL,
     0},
    {OK200 "Content-Length: 9223372036854775808\r\n\r\n", 0, 200, BAD(BODY_TOO_LARGE), NULL, 0},

    /* white space around what frames, and the same length in a list */
    {OK200 "Content-Length:\t5\r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "Content-Length: 5\t\r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "Content-Length: \t 5 \t \r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "Content-Length:5\r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "Content-Length: 005\r\n\r\nhello", KEEPS, 200, 0, "hello", 0},
    {OK200 "Content-Length: 3, 3\r\n\r\nabc", KEEPS, 200, 0, "abc", 0},
    {OK200 "Content-Length: 3,3\r\n\r\nabc", KEEPS, 200, 0, "abc", 0},
    {OK200 "Content-Length:\t3 \t,\t3,03\t\r\n\r\nabc", KEEPS, 200, 0, "abc", 0},
    {OK200 "Content-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc", KEEPS, 200, 0, "abc", 0},
    {OK200 "Content-Length: 3, 3\r\n\r\nab", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {OK200 "Content-Length: 0, 0\r\n\r\n", KEEPS, 200, 0, NULL, 0},
    {OK200 "Content-Length: 5, 5\r\n\r\n", HEAD_REQUEST | KEEPS, 200, 0, NULL, 0},
    {OK200 "Content-Length:\r\n 3\r\n\r\nabc", KEEPS, 200, 0, "abc", 0},
    {OK200 "Content-Length: 3,\r\n\t3\r\n\r\nabc", KEEPS, 200, 0, "abc", 0},
    {OK200 "Content-Length: 3, 4\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3,3,4\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3, 3\r\nContent-Length: 4\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3,\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3,,3\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: ,3\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: ,\r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: \t \r\n\r\n", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3; 3\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3.0\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: \"3\"\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3\t3\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 1\r\n 2\r\n\r\nabcdefghijkl", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3,\r\n 4\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 3\x0b\r\n\r\nabc", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "Content-Length : 3\r\n\r\nabc", 0, 0, BAD(BAD_RESPONSE), NULL, 0},
    {OK200 "Content-Length: 18446744073709551616\r\n\r\n", HEAD_REQUEST, 0, BAD(BAD_FRAMING), NULL,
     0},
    {OK200 "Content-Length: 18446744073709551620\r\n\r\nabcd", 0, 0, BAD(BAD_FRAMING), NULL, 0},
    {OK200 "Content-Length: 99999999999999999999999999999999999999999999999999999999999999999999"
           "99999999999999999999999999999999999999999999999999999999999999999999\r\n\r\n",
     0, 0, BAD(BAD_FRAMING), NULL, 0},
    {"HTTP/1.0 200 OK\r\nContent-Length:\t3\r\nConnection:\tkeep-alive\t\r\n\r\nabc", 0, 200, 0,
     "abc", 0},
    {OK200 "Content-Length: 0\r\nConnection:\tclose\t\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Content-Length: 0\r\nConnection: foo\t,\tclose\r\n\r\n", 0, 200, 0, NULL, 0},
    {OK200 "Transfer-Encoding:\tchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {OK200 "Transfer-Encoding: chunked\t\r\n\r\n2\r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {OK200 "Transfer-Encoding:chunked \t \r\n\r\n2\r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {OK200 "transfer-encoding: CHUNKED\r\n\r\n2\r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {OK200 "Transfer-Encoding:\r\n\tchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {OK200 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 200,
     BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING),
     NULL, 0},
    {OK200 "Transfer-Encoding: chun\r\n ked\r\n\r\n0\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING),
     NULL, 0},
    {OK200 "Transfer-Encoding:\r\n\r\nabc", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: \"chunked\"\r\n\r\nabc", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL,
     0},
    {OK200 "Content-Length: 3,3\r\nTransfer-Encoding:\tchunked\r\n\r\nabc", 0, 0, BAD(BAD_FRAMING),
     NULL, 0},

    /* codings that were not asked for */
    {OK200 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING),
     NULL, 0},
    {OK200 "Transfer-Encoding: chunked, gzip\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: gzip\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: identity\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: chunked, chunked\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 200,
     BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 200,
     BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding: xchunked\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},
    {OK200 "Transfer-Encoding:\r\n\r\n", 0, 200, BAD(UNSUPPORTED_CODING), NULL, 0},

    /* chunks */
    {CHUNKED "x\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "-1\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED " 1\r\na\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2  \r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {CHUNKED "2 \t;a=b\r\nhi\r\n0  \r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {CHUNKED "2;a=b;c=d\r\nhi\r\n0;z\r\nX: y\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {CHUNKED "2;a=\"x;y\\\"z\" ; b = 5\r\nhi\r\n3;\r\nabc\r\n0;\r\n\r\nrest", KEEPS, 200, 0,
     "hiabc", 4},
    {CHUNKED "2;5\r\nhi\r\n0;2\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {CHUNKED "5 ; caf\xe9\r\n2 ;a\r\n\r\n0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "6 ; caf\xe9\r\n2 ;a\r\n\r\n0\r\n\r\n", KEEPS, 200, 0, "2 ;a\r\n", 0},
    {CHUNKED "2 x\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2 2\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2x;a\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED ";a\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED " ;a\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2;a\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2;a\n\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2;a\rb\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2;\"a\rb\"\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2;a\x01\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2;a\x7f\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2 \n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2 \r\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2\r\nhi;a\r\n0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2\r\nhi \r\n0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "2;a", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "0;a\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "0000000000000000002;a\r\nhi\r\n0\r\n\r\n", KEEPS, 200, 0, "hi", 0},
    {CHUNKED "10000000000000000;a\r\nhi\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "0x1\r\na\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "11111111111111111\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "5\r\nhelloX\r\n0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "5\r\nhello0\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "1\r\na\r\n0\r\nbad trailer\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "1\r\na\r\n0\r\n: x\r\n\r\n", 0, 200, BAD(BAD_BODY), NULL, 0},
    {CHUNKED "ffffffff\r\na", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},

    /* the stream ends early */
    {"", EOF_AFTER, 0, BAD(CLOSED_NO_RESPONSE), NULL, 0},
    {"H", EOF_AFTER, 0, BAD(TRUNCATED_HEAD), NULL, 0},
    {"HTTP/1.1 200 OK\r\n", EOF_AFTER, 0, BAD(TRUNCATED_HEAD), NULL, 0},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r", EOF_AFTER, 0, BAD(TRUNCATED_HEAD), NULL, 0},
    {OK200 "Content-Length: 5\r\n\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {OK200 "Content-Length: 5\r\n\r\nhell", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED, EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "5\r\nhel", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "5\r\nhello\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "5\r\nhello\r\n0\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
    {CHUNKED "5\r\nhello\r\n0\r\nX: y\r\n", EOF_AFTER, 200, BAD(TRUNCATED_BODY), NULL, 0},
};

static void check_row(const struct row *row, struct guard *guard, size_t way)
{
    struct response r;
    memset(&r, 0xa5, sizeof r);
    response_init(&r, row->flags & STRICT ? &strict : &lax, NULL, row->flags & HEAD_REQUEST);
    size_t left;
    enum response_next next =
        feed(&r, guard, row->wire, strlen(row->wire), way, row->flags & EOF_AFTER, &left);
    enum response_next expected = row->error ? RESPONSE_FAILED : RESPONSE_DONE;
    if (next != expected || r.error != row->error || r.status != row->status)
        fail_msg("way %zu: outcome %d, error %d not %d, status %d not %d, %s, of\n%s", way,
                 (int)next, (int)r.error, (int)row->error, r.status, row->status,
                 r.detail ? r.detail : "no detail", row->wire);
    if ((row->error != 0) != (r.detail != NULL))
        fail_msg("detail %s of\n%s", r.detail ? r.detail : "none", row->wire);
    if (!row->error) {
        size_t body_bytes = row->body ? strlen(row->body) : 0;
        if (r.body.bytes != body_bytes ||
            (body_bytes && memcmp(r.body.data, row->body, body_bytes) != 0))
            fail_msg("way %zu: body %.*s of\n%s", way, (int)r.body.bytes, r.body.data, row->wire);
        if (r.keep_alive != ((row->flags & KEEPS) != 0) || left != row->left ||
            r.phase != RESPONSE_COMPLETE)
            fail_msg("way %zu: keep_alive %d, left %zu, phase %d of\n%s", way, r.keep_alive, left,
                     (int)r.phase, row->wire);
    }
    assert_int_equal(r.started, *row->wire != 0);
    response_release(&r);
    assert_int_equal(blocks_out, 0);
}

static void test_rows(void **state)
{
    (void)state;
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t bytes = strlen(rows[i].wire);
        /* What follows the message in the same feed comes whole: cut off, it is not fed at all. */
        size_t last = rows[i].left > 0 ? bytes - rows[i].left - 1 : bytes;
        for (size_t way = 0; way <= last; way = guard_next_way(way, bytes))
            check_row(&rows[i], &guard, way);
    }
    guard_close(&guard);
}

/* A NUL: no C string, so not in the table. */
static void test_nul(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t bytes;
        enum ringsend_error error;
    } wires[] = {
#define WIRE(text, error) {text, sizeof(text) - 1, BAD(error)}
        WIRE(OK200 "X: a\0b\r\n\r\n", BAD_RESPONSE),
        WIRE(OK200 "X\0: b\r\n\r\n", BAD_RESPONSE),
        WIRE("HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n", BAD_RESPONSE),
        WIRE("HTTP/1.1 200 \0\r\nContent-Length: 0\r\n\r\n", BAD_RESPONSE),
        WIRE("HTTP/1.1 200\0\r\nContent-Length: 0\r\n\r\n", BAD_STATUS),
        WIRE(CHUNKED "2;\0\r\nhi\r\n0\r\n\r\n", BAD_BODY),
        WIRE(CHUNKED "2\0\r\nhi\r\n0\r\n\r\n", BAD_BODY),
#undef WIRE
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        for (size_t way = 0; way <= wires[i].bytes; way++) {
            struct response r;
            size_t left;
            response_init(&r, &lax, NULL, false);
            assert_int_equal(feed(&r, &guard, wires[i].wire, wires[i].bytes, way, false, &left),
                             RESPONSE_FAILED);
            assert_int_equal(r.error, wires[i].error);
            response_release(&r);
        }
    }
    guard_close(&guard);
}

/* Bytes that are not even the start of a response, told from a bad one; what speaks so is named. */
static void test_no_head(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        bool no_head;
        const char *words;
    } wires[] = {
        {"0\r\n\r\n", true, "with \"0....\""},
        {"\r\n" OK200, true, "empty line"},
        {"hello", true, "hello"},
        {"Hello", true, "\"HTTP/\""},
        {"\x15\x03\x01", true, "speaks TLS here: use https://"},
        {"\x16\x03\x03", true, "use https://"},
        {"SSH-2.0-OpenSSH_9.2\r\n", true, "SSH"},
        {"220 mail.example ESMTP\r\n", true, "mail or FTP"},
        {"421 too many connections\r\n", true, "mail or FTP"},
        {"* BYE overloaded\r\n", true, "IMAP"},
        {"ERROR\r\nERROR\r\n", true, "memcached"},
        {"RTSP/1.0 400 Bad Request\r\n\r\n", true, "RTSP"},
        {"SIP/2.0 400 Bad Request\r\n\r\n", true, "SIP"},
        {"@RSYNCD: 31.0\n", true, "rsync"},
        {"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n", true, "CGI"},
        {"\xff\xfd\x18\xff\xfd\x20", true, "telnet"},
        {"-ERR unknown command 'GET'\r\n", true, "Redis"},
        {"<!DOCTYPE HTML>", true, "HTML"},
        {"ICY 200 OK\r\n", true, "Shoutcast"},
        {"HTTP/2.0 200 OK\r\n\r\n", false, ""},
        {OK200 ": a\r\n\r\n", false, ""},
        {"HTTP/1.1 20 OK\r\n\r\n", false, ""},
        {"HTTP/1.1 100 x\r\n\r\nhello", false, "hello"},
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        size_t bytes = strlen(wires[i].wire), left;
        for (size_t way = 0; way <= bytes; way++) {
            struct response r;
            response_init(&r, &lax, NULL, false);
            assert_int_equal(feed(&r, &guard, wires[i].wire, bytes, way, false, &left),
                             RESPONSE_FAILED);
            if (r.no_head != wires[i].no_head)
                fail_msg("no_head %d of %s", r.no_head, wires[i].wire);
            if (way == 0 && !strstr(r.detail, wires[i].words))
                fail_msg("\"%s\" of %s", r.detail, wires[i].wire);
            response_release(&r);
        }
    }
    guard_close(&guard);
}

/* Protocols that begin with bytes of any value, and what must not pass for them. */
static void test_binary_strangers(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t bytes;
        const char *words;
    } wires[] = {
#define WIRE(text, words) {text, sizeof(text) - 1, words}
        WIRE("\0\0\x12\x04\0\0\0\0\0", "HTTP/2"),                   /* SETTINGS */
        WIRE("\0\0\0\x04\x01\0\0\0\0", "HTTP/2"),                   /* acknowledged */
        WIRE("\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x01", "HTTP/2"), /* GOAWAY */
        WIRE("\0\0\x20\x07\0\0\0\0\0", "HTTP/2"),                   /* with a reason */
        WIRE("\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07", "HTTP/2"),       /* RST_STREAM */
        WIRE("\0\0\x08\x06\0\0\0\0\0", "HTTP/2"),                   /* PING */
        WIRE("\0\0\x04\x08\0\0\0\0\0", "HTTP/2"),                   /* WINDOW_UPDATE */
        WIRE("\0\0\x10\x01\x05\0\0\0\x01", "HTTP/2"),               /* HEADERS */
        WIRE("\0\0\x12\x04\0", "HTTP/2"),                           /* not all of it has come */
        WIRE("\0\0\x11\x04\0\0\0\0\0", "begin"),                    /* no length of SETTINGS */
        WIRE("\0\0\x07\x07\0\0\0\0\0", "begin"),
        WIRE("\0\0\x08\x07\0\0\0\0\x01", "begin"), /* GOAWAY of a stream */
        WIRE("\0\0\x04\x03\0\0\0\0\0", "begin"),   /* RST_STREAM of none */
        WIRE("\0\0\0\0\0\0\0\0\0\0\0\0", "begin"),
        WIRE("\0\0\0\x09\0\0\0\0\0", "begin"),
        WIRE("\0\1\2\3\4\5\6\7", "begin"),
        WIRE("\x4a\0\0\0\x0a"
             "8.0.36\0",
             "MySQL"),
        WIRE("\x45\0\0\0\xff\x6a\x04Host is not allowed", "MySQL"),
        WIRE("\x03\0\0\x13\x0e\xd0", "RDP"),
        WIRE("0\x38\x02\x01\0x3\x0a\x01\x02\x04\0\x04\0\x8a\x16"
             "1.3.6.1.4.1.1466.20036",
             "LDAP"),
        WIRE("0\r\n\r\n", "begin"),
        WIRE("\xff\xd8\xff\xe0", "begin"),
#undef WIRE
    };
    struct guard guard;
    guard_open(&guard, 4096);
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        for (size_t way = 0; way <= wires[i].bytes; way++) {
            struct response r;
            size_t left;
            response_init(&r, &lax, NULL, false);
            assert_int_equal(feed(&r, &guard, wires[i].wire, wires[i].bytes, way, false, &left),
                             RESPONSE_FAILED);
            assert_int_equal(r.error, RINGSEND_E_BAD_RESPONSE);
            if (way == 0 && !strstr(r.detail, wires[i].words))
                fail_msg("row %zu: \"%s\"", i, r.detail);
            response_release(&r);
        }
    }
    guard_close(&guard);
}

/* ---- Anything at all ---- */

struct outcome {
    enum ringsend_error error;
    enum response_phase phase;
    int status;
    bool keep_alive;
    size_t body_bytes, left;
};

static struct outcome run_once(struct guard *guard, const char *wire, size_t bytes, size_t way,
                               const struct response_limits *used_limits, bool head)
{
    struct response r;
    size_t left;
    response_init(&r, used_limits, NULL, head);
    if (feed(&r, guard, wire, bytes, way, false, &left) == RESPONSE_MORE)
        response_eof(&r);
    struct outcome o = {r.error, r.phase, r.status, r.keep_alive, r.body.bytes, left};
    /* How much of a failed message was read depends on the cut, by design. */
    if (r.error)
        o.left = o.body_bytes = 0;
    else
        assert_true(r.status >= 200 && r.status <= 999 && r.body.bytes <= bytes);
    response_release(&r);
    return o;
}

/* Mangled responses: no crash, and the same outcome whether whole, split or byte by byte. */
static void test_mangled(void **state)
{
    (void)state;
    static const char spice[] = "\r\n\r\n \t:,;0159afHx\0\x80\xff";
    struct guard guard;
    guard_open(&guard, 4096);
    unsigned seed = 2;
    for (int round = 0; round < 6000; round++) {
        const char *text = rows[(size_t)rand_r(&seed) % (sizeof rows / sizeof rows[0])].wire;
        char wire[1024];
        size_t bytes = strlen(text);
        memcpy(wire, text, bytes);
        for (int edits = rand_r(&seed) % 4; edits > 0 && bytes > 0; edits--) {
            size_t at = (size_t)rand_r(&seed) % bytes;
            switch (rand_r(&seed) % 3) {
            case 0:
                wire[at] = spice[(size_t)rand_r(&seed) % sizeof spice];
                break;
            case 1:
                memmove(wire + at, wire + at + 1, --bytes - at);
                break;
            case 2:
                memmove(wire + at + 1, wire + at, bytes++ - at);
                wire[at] = spice[(size_t)rand_r(&seed) % sizeof spice];
                break;
            }
        }
        const struct response_limits *used_limits = rand_r(&seed) % 4 == 0 ? &narrow
                                                    : rand_r(&seed) % 2    ? &strict
                                                                           : &lax;
        bool head = rand_r(&seed) % 8 == 0;
        struct outcome whole = run_once(&guard, wire, bytes, 0, used_limits, head);
        size_t ways[] = {bytes, bytes ? (size_t)rand_r(&seed) % bytes : 0};
        for (size_t i = 0; i < 2; i++) {
            struct outcome cut = run_once(&guard, wire, bytes, ways[i], used_limits, head);
            if (cut.error != whole.error || cut.phase != whole.phase ||
                cut.status != whole.status || cut.keep_alive != whole.keep_alive ||
                cut.body_bytes != whole.body_bytes)
                fail_msg("round %d, way %zu: error %d/%d, status %d/%d of\n%.*s", round, ways[i],
                         (int)whole.error, (int)cut.error, whole.status, cut.status, (int)bytes,
                         wire);
        }
    }
    assert_int_equal(blocks_out, 0);
    guard_close(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_rows, forget),
        cmocka_unit_test_setup(test_nul, forget),
        cmocka_unit_test_setup(test_no_head, forget),
        cmocka_unit_test_setup(test_binary_strangers, forget),
        cmocka_unit_test_setup(test_mangled, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A walk over the words of the text for each host that is asked for, with the last answer kept:
 * which words are read at all hangs on the host, as an entry ends the search.
 *
 * curl's reader has its oddities, and a file means the same here: white space at the end of a line
 * is an empty word, the byte behind a closing quote is passed over, and `macdef` inside the entry
 * that counts is a word like others. But an entry ends where another begins: 7.88 as Debian has it
 * goes on then with what it lacks. And a byte order mark is no part of the first word, which would
 * have the file say nothing at all. */
#include "records/netrc.h"

#include "base/base64.h"
#include "base/check.h"
#include "records/secret.h"

#include <stdlib.h>
#include <string.h>

struct answer {
    struct answer *next;
    size_t bytes;
    char text[];
};

struct netrc {
    char *text; /* ends in a LF */
    size_t bytes;
    char *word;             /* room for the longest */
    struct answer *answers; /* each is kept once */
    char *last_host;        /* that was asked for; null: none */
    size_t last_bytes;
    const struct answer *last; /* what came of it; null: nothing */
};

/* ---- words ---- */

struct words {
    const char *at, *line_end, *end; /* in the text; a line ends behind its LF */
    char *word;                      /* the one read last, decoded */
    size_t word_bytes;
    bool faulty; /* a quote has no end in its line */
    unsigned line;
};

static struct words words_of(const struct netrc *netrc)
{
    return (struct words){.at = netrc->text,
                          .line_end = netrc->text,
                          .end = netrc->text + netrc->bytes,
                          .word = netrc->word};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool next_line(struct words *w)
{
    w->at = w->line_end;
    if (w->at == w->end || w->faulty)
        return false;
    const char *feed = memchr(w->at, '\n', (size_t)(w->end - w->at));
    CHECK(feed);
    w->line_end = feed + 1;
    w->line++;
    return true;
}

/* Behind the opening quote; a closing one that is missing is a fault. */
static void read_quoted(struct words *w)
{
    for (; *w->at != '"' && *w->at != '\n'; w->at++) {
        char c = *w->at;
        if (c == '\\') {
            c = *++w->at;
            if (c == '\n')
                break;
            c = (char)(c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c);
        }
        w->word[w->word_bytes++] = c;
    }
    w->faulty = *w->at == '\n';
}

/* The next word of the line. */
static bool next_word(struct words *w)
{
    while (w->at < w->line_end && (*w->at == ' ' || *w->at == '\t'))
        w->at++;
    w->word_bytes = 0;
    if (w->at == w->line_end || *w->at == '#')
        return false;
    if (*w->at == '"') {
        w->at++;
        read_quoted(w);
        if (w->faulty)
            return false;
        w->at++;
    } else {
        while (!is_space(*w->at))
            w->word[w->word_bytes++] = *w->at++;
    }
    w->at++;
    CHECK(w->at <= w->line_end);
    return true;
}

static bool is_word(const struct words *w, struct ringsend_bytes word)
{
    return span_equal_nocase((struct ringsend_bytes){w->word, w->word_bytes}, word);
}

/* ---- a host ---- */

enum place {
    BETWEEN,    /* entries */
    AT_MACHINE, /* its name comes next */
    IN_ENTRY,   /* that counts */
    AT_LOGIN,   /* the same, and its value comes next */
    AT_PASSWORD,
    IN_MACRO
};

/* What is known of a host so far. */
struct search {
    struct ringsend_bytes host; /* null: any that no entry is for */
    struct words words;
    enum place place;
    bool over;              /* the entry that counts has ended */
    char *login, *password; /* null: not yet */
    size_t login_bytes, password_bytes;
    bool no_memory;
};

static void release(struct search *s)
{
    free(s->login);
    free(s->password);
}

static void keep(struct search *s, char **to, size_t *to_bytes)
{
    char *copy = malloc(s->words.word_bytes + 1);
    s->no_memory |= !copy;
    if (!copy)
        return;
    memcpy(copy, s->words.word, s->words.word_bytes);
    free(*to);
    *to = copy;
    *to_bytes = s->words.word_bytes;
}

static void take_word(struct search *s)
{
    const struct words *w = &s->words;
    bool is_machine = is_word(w, SPAN("machine"));
    bool is_default = s->host.data && is_word(w, SPAN("default"));
    switch (s->place) {
    case BETWEEN:
        if (is_word(w, SPAN("macdef")))
            s->place = IN_MACRO;
        else if (is_machine || is_default)
            s->place = is_machine ? AT_MACHINE : IN_ENTRY;
        return;
    case AT_MACHINE:
        s->place = s->host.data && is_word(w, s->host) ? IN_ENTRY : BETWEEN;
        return;
    case IN_ENTRY:
        if (is_word(w, SPAN("login")))
            s->place = AT_LOGIN;
        else if (is_word(w, SPAN("password")))
            s->place = AT_PASSWORD;
        else if ((is_machine || is_default) && (s->login || s->password))
            s->over = true;
        else if (is_machine)
            s->place = AT_MACHINE;
        return;
    case AT_LOGIN:
        keep(s, &s->login, &s->login_bytes);
        s->place = IN_ENTRY;
        return;
    case AT_PASSWORD:
        keep(s, &s->password, &s->password_bytes);
        s->place = IN_ENTRY;
        return;
    case IN_MACRO:
        return;
    }
}

static void look(struct search *s)
{
    struct words *w = &s->words;
    while (next_line(w)) {
        if (s->place == IN_MACRO && *w->at != '\n' && *w->at != '\r')
            continue;
        if (s->place == IN_MACRO)
            s->place = BETWEEN;
        while (next_word(w)) {
            take_word(s);
            if (s->over || (s->login && s->password) || s->no_memory)
                return;
        }
    }
}

/* ---- answers ---- */

/* "Basic ..." of what was found, as one that is kept. Null: memory is out. */
static const struct answer *answer_of(struct netrc *netrc, const struct search *s)
{
    const struct ringsend_bytes scheme = SPAN("Basic ");
    size_t pair_bytes = s->login_bytes + 1 + s->password_bytes;
    size_t bytes = scheme.bytes + base64_bytes(pair_bytes);
    char *pair = malloc(pair_bytes);
    struct answer *answer = malloc(sizeof *answer + bytes);
    if (pair && answer) {
        if (s->login)
            memcpy(pair, s->login, s->login_bytes);
        pair[s->login_bytes] = ':';
        if (s->password)
            memcpy(pair + s->login_bytes + 1, s->password, s->password_bytes);
        memcpy(answer->text, scheme.data, scheme.bytes);
        base64_encode((struct ringsend_bytes){pair, pair_bytes}, answer->text + scheme.bytes);
        answer->bytes = bytes;
    } else {
        free(answer);
        answer = NULL;
    }
    free(pair);
    for (struct answer *old = netrc->answers; answer && old; old = old->next) {
        if (old->bytes == bytes && memcmp(old->text, answer->text, bytes) == 0) {
            free(answer);
            return old;
        }
    }
    if (answer) {
        answer->next = netrc->answers;
        netrc->answers = answer;
    }
    return answer;
}

/* The host of a URL, without the brackets of IPv6; empty: it has none that could be read. */
static struct ringsend_bytes host_of(struct ringsend_bytes url)
{
    const char *slashes = url.bytes > 0 ? memmem(url.data, url.bytes, "://", 3) : NULL;
    struct ringsend_bytes host = {slashes ? slashes + 3 : NULL, 0};
    size_t rest = slashes ? url.bytes - (size_t)(host.data - url.data) : 0;
    if (rest > 0 && host.data[0] == '[') {
        const char *end = memchr(host.data, ']', rest);
        host.data++;
        host.bytes = end ? (size_t)(end - host.data) : 0;
        return host;
    }
    while (host.bytes < rest && !memchr("/?#:", host.data[host.bytes], 4))
        host.bytes++;
    return host;
}

static enum netrc_result last_answer(const struct netrc *netrc, struct ringsend_bytes *value)
{
    if (!netrc->last)
        return NETRC_NONE;
    *value = (struct ringsend_bytes){netrc->last->text, netrc->last->bytes};
    return NETRC_FOUND;
}

static bool remember(struct netrc *netrc, struct ringsend_bytes host, const struct answer *answer)
{
    char *copy = malloc(host.bytes);
    if (!copy)
        return false;
    memcpy(copy, host.data, host.bytes);
    free(netrc->last_host);
    netrc->last_host = copy;
    netrc->last_bytes = host.bytes;
    netrc->last = answer;
    return true;
}

/* RFC 7617 2; curl fails then, too. */
static bool has_control(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    }
    return false;
}

static const char *fault_of(const struct search *s)
{
    if (s->words.faulty)
        return "the netrc file has a quote behind the entry for this host that does not end in its "
               "line";
    if (has_control(s->login, s->login_bytes) || has_control(s->password, s->password_bytes))
        return "the netrc file has a control character in the name or password for this host";
    return NULL;
}

enum netrc_result netrc_find(struct netrc *netrc, struct ringsend_bytes url,
                             struct ringsend_bytes *value, const char **fault)
{
    struct ringsend_bytes host = host_of(url);
    if (host.bytes == 0)
        return NETRC_NONE;
    if (netrc->last_host &&
        span_equal_nocase((struct ringsend_bytes){netrc->last_host, netrc->last_bytes}, host))
        return last_answer(netrc, value);
    struct search s = {.host = host, .words = words_of(netrc)};
    look(&s);
    const struct answer *answer = NULL;
    *fault = fault_of(&s);
    bool is_answer = (s.login || s.password) && !s.no_memory && !*fault;
    if (is_answer)
        answer = answer_of(netrc, &s);
    s.no_memory |= is_answer && !answer;
    release(&s);
    if (*fault)
        return NETRC_FAULT;
    if (s.no_memory || !remember(netrc, host, answer))
        return NETRC_NO_MEMORY;
    return last_answer(netrc, value);
}

/* ---- the file ---- */

struct netrc *netrc_read(struct ringsend_bytes text, const char **fault, unsigned *line)
{
    static const char mark[] = "\xef\xbb\xbf"; /* as editors of Windows put in front of UTF-8 */
    *line = 0;
    *fault = "memory is out";
    if (text.bytes >= sizeof mark - 1 && memcmp(text.data, mark, sizeof mark - 1) == 0)
        text = (struct ringsend_bytes){text.data + sizeof mark - 1, text.bytes - (sizeof mark - 1)};
    struct netrc *netrc = calloc(1, sizeof *netrc);
    if (!netrc)
        return NULL;
    netrc->text = malloc(text.bytes + 1);
    netrc->word = malloc(text.bytes + 1);
    if (!netrc->text || !netrc->word) {
        netrc_free(netrc);
        return NULL;
    }
    if (text.bytes > 0)
        memcpy(netrc->text, text.data, text.bytes);
    netrc->bytes = text.bytes;
    if (text.bytes > 0 && text.data[text.bytes - 1] != '\n')
        netrc->text[netrc->bytes++] = '\n';
    struct search s = {.words = words_of(netrc)};
    look(&s);
    release(&s);
    if (s.words.faulty) {
        *fault = "a quote has no end in its line";
        *line = s.words.line;
        netrc_free(netrc);
        return NULL;
    }
    return netrc;
}

void netrc_free(struct netrc *netrc)
{
    if (!netrc)
        return;
    while (netrc->answers) {
        struct answer *answer = netrc->answers;
        netrc->answers = answer->next;
        free(answer);
    }
    free(netrc->text);
    free(netrc->word);
    free(netrc->last_host);
    free(netrc);
}

bool netrc_add_secrets(const struct netrc *netrc, struct secrets *secrets)
{
    struct words w = words_of(netrc);
    bool is_password = false, good = true;
    while (good && next_line(&w)) {
        while (good && next_word(&w)) {
            if (is_password)
                good = secrets_add(secrets, (struct ringsend_bytes){w.word, w.word_bytes});
            is_password = !is_password && is_word(&w, SPAN("password"));
        }
        w.faulty = false; /* of a macro */
    }
    return good;
}

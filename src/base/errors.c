#include "base/errors.h"

#include <stddef.h>
#include <string.h>

enum error_retry { FINAL, RETRY };
enum error_sent { SENT_NOTHING, SENT_MAYBE };

struct error_row {
    const char *name, *phase, *text;
    enum error_retry retry;
    enum error_sent sent;
};

#define PHASE_ANY "any"
#define PHASE_CALL "call"
#define PHASE_RECORD "record"
#define PHASE_LOOKUP "lookup"
#define PHASE_CONNECT "connect"
#define PHASE_TUNNEL "tunnel"
#define PHASE_HANDSHAKE "handshake"
#define PHASE_SEND "send"
#define PHASE_FIRST_BYTE "first byte"
#define PHASE_HEAD "head"
#define PHASE_BODY "body"
#define PHASE_STOP "stop"

static const struct error_row rows[RINGSEND_ERROR_COUNT] = {
    [RINGSEND_OK] = {"ok", "none", "no error", FINAL, SENT_MAYBE},
#define X(id, name, phase, retry, sent, text) \
    [RINGSEND_E_##id] = {name, PHASE_##phase, text, retry, sent},
    RINGSEND_ERRORS(X)
#undef X
};

static const struct error_row *row_of(enum ringsend_error error)
{
    static const struct error_row unknown = {"unknown", "unknown", "unknown error", FINAL,
                                             SENT_MAYBE};
    return (unsigned)error < RINGSEND_ERROR_COUNT ? &rows[error] : &unknown;
}

const char *ringsend_error_name(enum ringsend_error error)
{
    return row_of(error)->name;
}

const char *ringsend_error_text(enum ringsend_error error)
{
    return row_of(error)->text;
}

bool error_is_of_attempt(enum ringsend_error error)
{
    static const char *const others[] = {"none", "unknown", PHASE_CALL, PHASE_RECORD, PHASE_STOP};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(row_of(error)->phase, others[i]) == 0)
            return false;
    return true;
}

bool error_is_retryable(enum ringsend_error error)
{
    return row_of(error)->retry == RETRY;
}

bool error_is_after_sending(enum ringsend_error error)
{
    return row_of(error)->sent == SENT_MAYBE;
}

const char *error_phase(enum ringsend_error error)
{
    return row_of(error)->phase;
}

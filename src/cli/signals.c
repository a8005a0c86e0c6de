/* Handlers run one after another: each is installed with all the stops blocked, so that a flood of
 * them takes no more stack than one. Only `wake`, while it does what may take for ever (a message
 * to a terminal that is stopped), lets the next one in; it does so for the first stop alone, and
 * those that come in then do not: two is the most that ever nest, three with the signal that asks
 * for the state. */
#include "cli/signals.h"

#include "base/time.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ONE_ASKING_NS (100 * NS_PER_MS)

static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOPS = sizeof stops / sizeof *stops };

static atomic_int stops_seen, last;
static atomic_bool heard;
static _Atomic uint64_t first_at_ns;
static void (*wake_up)(void);

/* A terminal that goes says so itself, and lets its shell say it again: neither is a second
 * thought. Nor is what comes before the first one was heard, or sooner than a second press of keys:
 * timeout(1) signals a process, and then the group it is in; and who started us may have heard the
 * first one as well, and pass it on. */
static bool is_asked_again(int number)
{
    return number != SIGHUP && heard && clock_monotonic_ns() - first_at_ns >= ONE_ASKING_NS;
}

static void on_stop(int number)
{
    int error = errno;
    bool is_first = stops_seen == 0;
    if (is_first)
        first_at_ns = clock_monotonic_ns();
    if (is_first || is_asked_again(number)) {
        last = number;
        stops_seen++;
        wake_up();
    }
    errno = error;
}

void signals_hear(void)
{
    heard = true;
}

static void fill_stops(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < STOPS; i++)
        sigaddset(set, stops[i]);
}

void signals_catch_one(int number, void (*handler)(int), int flags)
{
    struct sigaction before, action = {.sa_handler = handler, .sa_flags = flags};
    fill_stops(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void signals_catch(void (*wake)(void))
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    wake_up = wake;
    for (size_t i = 0; i < STOPS; i++)
        signals_catch_one(stops[i], on_stop, 0);
    sigaction(SIGPIPE, &ignore, NULL);
}

const atomic_int *signals_stops(void)
{
    return &stops_seen;
}

int signals_last(void)
{
    return last;
}

void signals_block(void)
{
    sigset_t set;
    fill_stops(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

void signals_unblock(void)
{
    sigset_t set;
    fill_stops(&set);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

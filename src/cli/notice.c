#include "cli/notice.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define WIPE "\x1b[J"

static volatile sig_atomic_t bar_stands;

void notice_bar_stands(bool stands)
{
    bar_stands = stands;
}

void notice(const char *format, ...)
{
    va_list arguments;
    if (bar_stands)
        fputs(WIPE, stderr);
    bar_stands = false;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

void notice_from_handler(const char *text, size_t bytes)
{
    if (bar_stands && write(STDERR_FILENO, WIPE, sizeof WIPE - 1) < 0)
        return;
    ssize_t written = write(STDERR_FILENO, text, bytes);
    (void)written;
}

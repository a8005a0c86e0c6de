#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_DEFAULT = 80, ROWS_DEFAULT = 24 };

bool terminal_can_redraw(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

bool terminal_may_colour(void)
{
    const char *no_colour = getenv("NO_COLOR");
    return !no_colour || !*no_colour;
}

struct terminal_size terminal_size(void)
{
    struct winsize size;
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
    unsigned columns = known && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
    return (struct terminal_size){.columns = columns < TERMINAL_COLUMNS_MAX ? columns
                                                                            : TERMINAL_COLUMNS_MAX,
                                  .rows = known && size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT};
}

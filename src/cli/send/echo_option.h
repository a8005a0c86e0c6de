/* --echo: which columns of rows, or values of records, results tell. */
#ifndef RINGSEND_CLI_SEND_ECHO_OPTION_H
#define RINGSEND_CLI_SEND_ECHO_OPTION_H

#include "records/echo.h"
#include "records/format.h"
#include "results/write_out.h"

/* Reads its value (null: not given) for records of that format, and sees to it that what is asked
 * for in --write-out (null: not given) is there. May end the program in a usage error. */
void echo_option_read(struct echo *echo, const char *text, enum format format,
                      const struct write_out *write_out);
void echo_option_free(struct echo *echo);

#endif

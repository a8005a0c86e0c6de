/* The page of --html: src/cli/page/, made into two texts by embed.py. Between them goes JSON as
 * json_out.h writes it, which cannot end the element that it stands in. */
#ifndef RINGSEND_CLI_PAGE_H
#define RINGSEND_CLI_PAGE_H

extern const char page_start[], page_end[];

#endif

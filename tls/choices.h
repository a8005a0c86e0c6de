/* What is known of the origins that a config's connections have gone to: which library serves them,
 * and what they spoke. Shared by all threads. */
#ifndef RINGSEND_TLS_CHOICES_H
#define RINGSEND_TLS_CHOICES_H

#include "tls/tls.h"

struct choice; /* of one origin */
struct choices;

/* Null: memory is out. */
struct choices *choices_new(void);
void choices_free(struct choices *c); /* null is allowed */

/* Stays where it is as long as the choices do. Null: it cannot be remembered. */
struct choice *choice_find(struct choices *c, const char *host, uint16_t port);

enum tls_move choice_move_of(struct choices *c, const struct choice *choice);
/* From now on, for that reason or for one that goes further. */
void choice_move(struct choices *c, struct choice *choice, enum tls_move move);
/* A handshake is done. */
void choice_spoke(struct choices *c, struct choice *choice, const char *library,
                  const char *version);
/* One could have spared its public-key work by a session, and did or did not. How many did not,
 * from the first on; UINT32_MAX once one did. */
uint32_t choice_resumed(struct choices *c, struct choice *choice, bool resumed);
/* The one of that number; of that number among those that have moved. False: there are fewer. */
bool choices_at(struct choices *c, size_t number, struct tls_origin *origin);
bool choices_moved_at(struct choices *c, size_t number, struct tls_origin *origin);

#endif

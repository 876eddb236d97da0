/* What the log says of a start, for who wonders later what it was that ran, with what, and where.
 */
#pragma once

struct egress;
struct store;
struct tokens;

void say_starting(void);

/* Whether servers can be verified; says nothing if they can. Who fetches by http only need not have
 * such a file, so that is no reason not to start. */
void say_trust(const char *ca_file);

void say_store(const struct store *store, const char *path);

/* What clients have to show, and whether they can have something fetched that gives credentials to
 * whoever asks. Also for a new configuration.
 *
 * tokens     NULL: none are asked for */
void say_access(const struct tokens *tokens, const char *path, const struct egress *egress);

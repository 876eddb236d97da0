/* The tokens that clients of the API show, and what they may do with them.
 *
 * Their file has a line for each,
 *
 *     NAME sha256:HASH RIGHT[,RIGHT...] [tenant=NAME] [requests_per_second=N] [queued_items=N]
 *
 * with blank lines and those that begin with '#' left out, and each KEY=VALUE at most once;
 * `gatherd token new` writes such a line. The token itself is 256 random bits, so its plain SHA-256
 * is all that need be kept: nobody can try so many, and slow or salted hashes are for what people
 * choose. The hash is compared with that of every token, in the same time whatever comes; and as it
 * is a hash that is compared, who measures time learns nothing that leads to a token.
 *
 * Names, here and of tenants, are as those of secrets. Tokens of one tenant see the same jobs, and
 * no others; those without belong to the tenant "", as does everybody where there are no tokens. To
 * replace a token, add one of the same tenant and remove the old one when nobody uses it any more.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/co/base.h"

#include "daemon/base/err.h"
#include "daemon/base/refcount.h"
#include "daemon/base/sha256.h"

enum { TOKENS_MAX = 1000 };

/* No right is part of another one. The strictest comes first, so that whatever forgets to say which
 * right it takes is for the operator alone. */
enum token_right {
    RIGHT_ADMIN,  /* to look at the daemon as a whole, whoever's work it does */
    RIGHT_READ,   /* to see the tenant's jobs and their results */
    RIGHT_SUBMIT, /* to have things fetched, and to delete; with RIGHT_READ, to cancel and retry */
    N_RIGHTS,
    NO_RIGHT = N_RIGHTS, /* what everybody may: no token is asked for */
};

extern const char *const token_right_names[N_RIGHTS + 1]; /* "admin", ..., NULL */

/* What has been done with a token, of which its quotas allow only so much. */
struct token_use {
    co_time next; /* when the bucket of requests would be full again; before now: it is */
    uint64_t n_gathering;
};

struct token {
    const char *name;
    const char *tenant;
    unsigned char hash[SHA256_SIZE];
    unsigned rights;              /* 1 << RIGHT_READ, ... */
    uint64_t requests_per_second; /* 0: as many as come */
    uint64_t queued_items;        /* 0: as many as come */
    unsigned line;                /* of the file */
    struct token_use use;
    struct refcount *owner; /* of all tokens of the file: who keeps one keeps these */
};

/* Reads the words of a line, which it changes, and to which the token points afterwards.
 *
 * returns    0; -EINVAL: err says what is wrong, and quotes nothing */
int token_parse(char *line, struct token *ret_token, struct err *err);

static inline int token_may(const struct token *token, enum token_right right)
{
    return right == NO_RIGHT || (token->rights & 1U << right) != 0;
}

struct tokens;

/* path         "": there are no tokens, and ret_tokens is NULL
 * returns      0; -EINVAL: err says what is wrong where, or why it cannot be read; -ENOMEM */
int tokens_load(struct tokens **ret_tokens, const char *path, struct err *err);
/* Lets go of them; NULL is fine. */
void tokens_free(struct tokens *tokens);

/* Has tokens that are to replace others go on with their buckets of requests, by name. Gathers that
 * are under way count for the old ones only. Either may be NULL. */
void tokens_take_over(struct tokens *tokens, const struct tokens *others);

/* The token that a client shows.
 *
 * returns    0; -ENOENT: it is none of these; -ENOMEM */
int tokens_find(struct tokens *tokens, const char *text, struct token **ret_token);

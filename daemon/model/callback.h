/* Whom a job tells that it has ended, and how far that is. */
#pragma once

#include <stdbool.h>

/* What a client has asked for. The texts are in the arena of its spec. */
struct job_callback {
    const char *url;        /* as it was written, with userinfo */
    const char *host;       /* of it, as in struct co_url */
    const char *secret_ref; /* the name of the secret that signs; NULL: nothing is signed */
};

/* The column callback.state: not to be renumbered. */
enum callback_state {
    CALLBACK_WAITING, /* for the end of the job */
    CALLBACK_PENDING, /* it is due, now or later */
    CALLBACK_DELIVERED,
    CALLBACK_FAILED,  /* all attempts have */
    CALLBACK_GONE,    /* the receiver wants no more */
    CALLBACK_BLOCKED, /* by the egress policy */
    N_CALLBACK_STATES
};

/* "waiting" */
const char *callback_state_name(enum callback_state state);

/* From when on nothing more is sent. */
static inline bool callback_is_settled(enum callback_state state)
{
    return state > CALLBACK_PENDING;
}

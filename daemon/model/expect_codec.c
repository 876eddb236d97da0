#include "daemon/model/expect_codec.h"

#include <errno.h>
#include <math.h>

/* Durations beyond this do not fit a number of microseconds. */
#define DURATION_MAX 9e18

enum { COUNT_LIMIT = 1 << 30 };

/* --- Checks ----------------------------------------------------------------------------------- */

static void pack_check(struct packer *shape, const struct expect_check *check)
{
    pack_uint(shape, check->subject);
    pack_uint(shape, check->op);
    pack_text(shape, check->name);
    pack_uint(shape, check->text != NULL);
    if (check->text != NULL)
        pack_blob(shape, check->text, check->length);
    else
        pack_bytes(shape, &check->number, sizeof(check->number));
}

static bool is_duration(enum expect_subject subject)
{
    return subject == EXPECT_TIME || subject == EXPECT_TLS_EXPIRES_IN;
}

static void unpack_expected(struct unpacker *shape, struct expect_check *check)
{
    const char *number;

    if (unpack_below(shape, 2) != 0) {
        check->text = unpack_blob(shape, &check->length);
        return;
    }
    number = unpack_bytes(shape, sizeof(check->number));
    if (number != NULL)
        memcpy(&check->number, number, sizeof(check->number));
    shape->is_bad |= !isfinite(check->number) ||
                     (is_duration(check->subject) && fabs(check->number) > DURATION_MAX);
}

static void unpack_check(struct unpacker *shape, struct expect_check *check)
{
    check->subject = (enum expect_subject)unpack_below(shape, EXPECT_TLS_EXPIRES_IN + 1);
    check->op = (enum expect_operator)unpack_below(shape, EXPECT_N_OPERATORS);
    check->name = unpack_text(shape);
    unpack_expected(shape, check);
}

/* --- The verdict ------------------------------------------------------------------------------ */

void expect_verdict_pack(struct packer *shape, struct packer *row,
                         const struct expect_verdict *verdict)
{
    pack_uint(shape, verdict->n_passed);
    pack_uint(shape, verdict->n_failed);
    pack_uint(shape, verdict->n_failures);
    for (unsigned i = 0; i < verdict->n_failures; i++) {
        const struct expect_failure *failure = &verdict->failures[i];
        pack_uint(shape, failure->check != NULL);
        if (failure->check != NULL)
            pack_check(shape, failure->check);
        pack_text(row, failure->actual);
    }
}

/* returns 0, -ENOMEM */
static int unpack_failure(struct unpacker *shape, struct unpacker *row, struct arena *arena,
                          struct expect_failure *failure)
{
    struct expect_check *check;

    failure->actual = (char *)unpack_text(row);
    row->is_bad |= failure->actual == NULL;
    if (unpack_below(shape, 2) == 0)
        return 0;
    check = arena_calloc(arena, 1, sizeof(*check));
    if (check == NULL)
        return -ENOMEM;
    unpack_check(shape, check);
    failure->check = check;
    return 0;
}

int expect_verdict_unpack(struct unpacker *shape, struct unpacker *row, struct arena *arena,
                          struct expect_verdict *ret_verdict)
{
    int rc = 0;

    ret_verdict->n_passed = (unsigned)unpack_below(shape, COUNT_LIMIT);
    ret_verdict->n_failed = (unsigned)unpack_below(shape, COUNT_LIMIT);
    ret_verdict->n_failures = (unsigned)unpack_below(shape, EXPECT_FAILURES_MAX + 1);
    if (ret_verdict->n_failures == 0)
        return 0;
    ret_verdict->failures =
        arena_calloc(arena, ret_verdict->n_failures, sizeof(*ret_verdict->failures));
    if (ret_verdict->failures == NULL)
        return -ENOMEM;
    for (unsigned i = 0; rc == 0 && i < ret_verdict->n_failures; i++)
        rc = unpack_failure(shape, row, arena, &ret_verdict->failures[i]);
    return rc;
}

/* What came of the expectations of a request, in few bytes: the checks that failed belong to the
 * shape of a result, and what there was instead to its row. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/pack.h"
#include "daemon/model/expect.h"

void expect_verdict_pack(struct packer *shape, struct packer *row,
                         const struct expect_verdict *verdict);

/* Texts are in what is being read, the rest in the arena: there is no expect_verdict_done().
 *
 * returns    0, also when shape or row is bad, which they say; -ENOMEM
 */
int expect_verdict_unpack(struct unpacker *shape, struct unpacker *row, struct arena *arena,
                          struct expect_verdict *ret_verdict);

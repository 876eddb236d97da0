/* Everything the library offers, in one include.
 *
 * Every int is >= 0 on success and -errno on failure; errno itself is neither set nor kept. Calls
 * marked CO_BLOCKS may switch to other tasks; nothing else does. */
#pragma once

#include "lib/co/base.h"
#include "lib/co/gather.h"
#include "lib/co/group.h"
#include "lib/co/io.h"
#include "lib/co/loop.h"
#include "lib/co/offload.h"
#include "lib/co/queue.h"
#include "lib/co/scope.h"
#include "lib/co/signal.h"
#include "lib/co/sync.h"
#include "lib/co/task.h"

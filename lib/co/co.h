/* Everything the library offers, in one include.
 *
 * Every int is >= 0 on success and -errno on failure; errno itself is neither set nor kept. Calls
 * marked CO_BLOCKS may switch to other tasks; nothing else does. */
#pragma once

#include "base.h"
#include "child.h"
#include "gather.h"
#include "gen.h"
#include "group.h"
#include "inspect.h"
#include "io.h"
#include "iter.h"
#include "local.h"
#include "lock.h"
#include "loop.h"
#include "offload.h"
#include "queue.h"
#include "scope.h"
#include "signal.h"
#include "sync.h"
#include "task.h"
#include "wait.h"

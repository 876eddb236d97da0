#include "daemon/model/callback.h"

static const char *const names[N_CALLBACK_STATES] = {
    [CALLBACK_WAITING] = "waiting",     [CALLBACK_PENDING] = "pending",
    [CALLBACK_DELIVERED] = "delivered", [CALLBACK_FAILED] = "failed",
    [CALLBACK_GONE] = "gone",           [CALLBACK_BLOCKED] = "blocked",
};

const char *callback_state_name(enum callback_state state)
{
    return names[state];
}

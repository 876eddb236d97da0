/* Where a daemon keeps what outlives it, when nobody has said where. */
#pragma once

#include "daemon/base/err.h"

/* $STATE_DIRECTORY, which systemd sets, the first one of several; else /var/lib/gatherd for root,
 * $XDG_STATE_HOME/gatherd or ~/.local/state/gatherd for anybody else.
 *
 * configured   what is taken instead, unless it is ""
 * ret_path     owed one free()
 * returns      0, -ENOMEM; -EINVAL: there is no home to put it in
 */
int state_directory(const char *configured, char **ret_path, struct err *err);

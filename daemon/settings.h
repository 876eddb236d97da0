/* One reading of the configuration, with the files that it names.
 *
 * It is only read once it is made. A reload makes another; requests that were made with this one
 * hold it until they have ended.
 */
#pragma once

#include "daemon/api/probe_module.h"
#include "daemon/base/config.h"
#include "daemon/base/config_file.h"
#include "daemon/base/refcount.h"
#include "daemon/base/tokens.h"
#include "daemon/engine/egress.h"
#include "daemon/engine/request_settings.h"

struct settings {
    struct refcount refs;
    struct config config; /* as it was read */
    struct request_settings requests;
    struct probe_modules probes; /* point into requests and config */
    struct tokens *tokens;       /* NULL: none are asked for */
    struct egress *egress;       /* which knows no listeners yet */
};

/* Takes config over, whatever it returns, and leaves an empty one. All that is wrong is told to
 * complain.
 *
 * returns    0: owed a settings_unref(); -EINVAL: the configuration, or a file that it names, is
 *            wrong; -ENOMEM, which has been told as well
 */
int settings_new(struct settings **ret_settings, struct config *config,
                 config_complain_fn *complain, void *arg);

/* NULL is fine. */
void settings_unref(struct settings *settings);
void settings_unrefp(struct settings **settings);

/* What the service manager that started us, systemd or one like it, gives us and is told: sockets
 * that listen already, files of secrets, whether we are ready, and that our loop goes round.
 *
 * It speaks through the environment; without it all of this does nothing.
 *
 * source  sd_listen_fds(3), sd_notify(3), sd_watchdog_enabled(3), systemd.exec(5) on
 *         credentials: the protocols, which are stable,
 *         not their library
 */
#pragma once

#include "lib/co/task.h"

#include "daemon/base/config.h"

/* Has the API listen on the sockets that were passed, if any were, instead of on what is listed. To
 * be called once, before anything else is opened.
 *
 * arena      of the new list
 * returns    0; -ENOMEM; -EINVAL: what was said of them makes no sense, err says why
 */
int service_take_sockets(struct arena *arena, struct string_list *listen, struct err *err);

/* Sets those of api.tokens_file and fetch.secrets_file that nobody has set to the credentials
 * `gatherd.tokens` and `gatherd.secrets`, if there are such. returns 0, -ENOMEM */
int service_take_credentials(struct config *config);

/* Says lines of VARIABLE=VALUE, such as "READY=1"; %-formatted. */
void service_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Starts a task that says that the loop goes round, three times as often as the manager wants to
 * hear it. ret_task is NULL if it does not want to. returns 0, -ENOMEM */
int service_watchdog_start(struct co_task **ret_task);

/* Modules of /probe, ready for use: how a target is asked, and what is a success.
 *
 * How it is asked is a document such as clients send, with the target as its URL. So a module can
 * say what a request can, is checked in the same way, and names secrets, certificates and proxies
 * as requests do. What a request cannot expect (versions, TLS, regular expressions) is here.
 */
#pragma once

#include "daemon/api/probe_pattern.h"
#include "daemon/base/config.h"
#include "daemon/model/parse.h"

struct probe_module {
    const struct config_probe *config;
    unsigned versions; /* bit 1 << version / 10 * 2 + version % 10; 0: all */
    struct probe_pattern *patterns;
    size_t n_patterns;
    bool needs_body;
};

struct probe_modules {
    struct probe_module *list;
    size_t n;
    struct parse_settings parse; /* as of other requests, but each has its own connection */
};

/* Borrows config, and what parse points to. Owed a probe_modules_done() whatever is returned.
 *
 * returns    0; -EINVAL: err says what is wrong in which module; -ENOMEM
 */
int probe_modules_init(struct probe_modules *modules, const struct config *config,
                       const struct parse_settings *parse, struct err *err);
void probe_modules_done(struct probe_modules *modules);

/* NULL: there is none of that name. */
const struct probe_module *probe_modules_find(const struct probe_modules *modules,
                                              const char *name);

/* The request for a target, as a job of one item that ends in time.
 *
 * returns    0: owed a job_spec_free(); 1: that is no URL, as defects say; -ENOMEM
 */
int probe_module_spec(const struct probe_module *module, const struct parse_settings *parse,
                      const char *url, int64_t timeout_us, struct defect_list *defects,
                      struct job_spec **ret_spec);

/* Whether a response in this version is a success: 11 is HTTP/1.1. */
bool probe_module_takes_version(const struct probe_module *module, int version);

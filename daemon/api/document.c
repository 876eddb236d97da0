#include "daemon/api/document.h"

#include <errno.h>

#include "lib/co/offload.h"

#include "daemon/api/answer.h"

enum { LARGE = 128 * 1024 }; /* bytes that take some 5 ms to parse */

struct parsing {
    const struct parse_settings *settings;
    enum parse_kind kind;
    const char *content_type;
    const char *bytes;
    size_t length;
    struct defect_list *defects;
    struct parse_refusal refusal;
    struct job_spec *spec;
};

static int parse(void *arg, void **ret_result)
{
    struct parsing *p = arg;

    (void)ret_result;
    return job_parse(p->settings, p->kind, p->content_type, p->bytes, p->length, p->defects,
                     &p->refusal, &p->spec);
}

int document_parse(struct http_exchange *exchange, const struct api *api, enum parse_kind kind,
                   struct job_spec **ret_spec)
{
    CO_CLEANUP(parse_settings_release)
    struct parse_settings held = parse_settings_hold(api->parse);
    CO_CLEANUP(defect_list_done) struct defect_list defects;
    struct parsing p = {
        .settings = &held,
        .kind = kind,
        .content_type = http_header(exchange, "content-type"),
        .defects = &defects,
    };

    defect_list_init(&defects);
    http_body(exchange, &p.bytes, &p.length);
    int rc = p.length < LARGE ? parse(&p, NULL) : co_to_thread(parse, &p, NULL, NULL);
    if (rc == 1)
        return answer_refusal(exchange, &p.refusal, &defects) ?: 1;
    if (rc == 0)
        *ret_spec = p.spec;
    return rc;
}

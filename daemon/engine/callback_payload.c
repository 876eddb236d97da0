#include "daemon/engine/callback_payload.h"

#include "daemon/base/json_writer.h"

int callback_payload(const struct job_record *record, struct buffer *out)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object_begin(&w);
    jw_key(&w, "type");
    jw_text(&w, "job.done");
    jw_key(&w, "timestamp");
    jw_instant(&w, record->ended_at);
    jw_key(&w, "data");
    job_record_render(record, 0, &w);
    jw_object_end(&w);
    return jw_finish(&w);
}

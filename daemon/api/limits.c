#include "daemon/api/answer.h"
#include "daemon/api/api.h"
#include "daemon/api/list_query.h"

/* Every number of the configuration is a limit, and no text is. */
static bool is_limit(const struct setting *setting)
{
    return setting->type == SETTING_COUNT || setting->type == SETTING_SIZE ||
           setting->type == SETTING_DURATION;
}

static size_t section_length(const struct setting *setting)
{
    return (size_t)(strchr(setting->name, '.') - setting->name);
}

static bool is_of_section(const struct setting *setting, const char *section, size_t length)
{
    return section_length(setting) == length && memcmp(setting->name, section, length) == 0;
}

static void render_limit(const struct config *config, const struct setting *setting,
                         struct json_writer *w)
{
    const char *key = setting->name + section_length(setting) + 1;

    jw_name(w, key, strlen(key));
    jw_uint(w, *(const uint64_t *)((const char *)config + setting->offset));
}

/* Settings of a section are next to each other in the table. returns where the next one begins */
static size_t render_section(const struct config *config, size_t first, struct json_writer *w)
{
    const char *section = config_settings[first].name;
    size_t length = section_length(&config_settings[first]), i = first;

    jw_name(w, section, length);
    jw_object_begin(w);
    for (; i < config_n_settings && is_of_section(&config_settings[i], section, length); i++)
        if (is_limit(&config_settings[i]))
            render_limit(config, &config_settings[i], w);
    jw_object_end(w);
    return i;
}

int limits_get(struct http_exchange *exchange, void *arg)
{
    const struct api *api = arg;
    struct json_writer w;
    struct buffer body;
    int rc = list_query_none(exchange);

    if (rc != 0)
        return rc < 0 ? rc : 0;
    answer_begin(&w, &body);
    jw_object_begin(&w);
    jw_key(&w, "object");
    jw_text(&w, "limits");
    for (size_t i = 0; i < config_n_settings;)
        i = render_section(api->config, i, &w);
    jw_key(&w, "token");
    access_render(exchange, &w);
    jw_object_end(&w);
    return answer_json(exchange, 200, &w, &body);
}

#include "daemon/dashboard/assets.h"

#include <string.h>

#define ASSET(symbol, path, type) extern const char dashboard_##symbol[];
#include "daemon/dashboard/assets.def"
#undef ASSET
#define ASSET(symbol, path, type) extern const uint32_t dashboard_##symbol##_length;
#include "daemon/dashboard/assets.def"
#undef ASSET

static const struct asset assets[] = {
#define ASSET(symbol, path, type) {path, type, dashboard_##symbol, &dashboard_##symbol##_length},
#include "daemon/dashboard/assets.def"
#undef ASSET
};

const struct asset *asset_find(const char *path)
{
    for (size_t i = 0; i < sizeof(assets) / sizeof(*assets); i++)
        if (strcmp(assets[i].path, path) == 0)
            return &assets[i];
    return NULL;
}

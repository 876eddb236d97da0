#include "daemon/client/result_spool.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/buffer.h"

enum { INDEX_MAX = 1 << 28 };

struct place {
    off_t offset;
    size_t length; /* 0: there is none */
};

struct result_spool {
    FILE *file;
    off_t end;
    struct place *places; /* by index */
    size_t n_places;
};

int result_spool_new(struct result_spool **ret_spool)
{
    struct result_spool *spool = calloc(1, sizeof(*spool));

    if (spool == NULL)
        return -ENOMEM;
    spool->file = tmpfile();
    if (spool->file == NULL) {
        int rc = -errno;
        free(spool);
        return rc;
    }
    *ret_spool = spool;
    return 0;
}

void result_spool_free(struct result_spool *spool)
{
    if (spool == NULL)
        return;
    fclose(spool->file);
    free(spool->places);
    free(spool);
}

static int make_room(struct result_spool *spool, uint64_t index)
{
    size_t n = spool->n_places != 0 ? spool->n_places : 256;

    if (index >= INDEX_MAX)
        return -ERANGE;
    while (n <= index)
        n *= 2;
    if (n == spool->n_places)
        return 0;
    struct place *places = realloc(spool->places, n * sizeof(*places));
    if (places == NULL)
        return -ENOMEM;
    memset(places + spool->n_places, 0, (n - spool->n_places) * sizeof(*places));
    spool->places = places;
    spool->n_places = n;
    return 0;
}

int result_spool_add(struct result_spool *spool, uint64_t index, const char *line, size_t length)
{
    int rc = make_room(spool, index);

    if (rc < 0)
        return rc;
    if (spool->places[index].length > 0)
        return -EEXIST;
    if (fwrite(line, 1, length, spool->file) != length)
        return -errno;
    spool->places[index] = (struct place){spool->end, length};
    spool->end += (off_t)length;
    return 0;
}

static int read_line(struct result_spool *spool, const struct place *place, struct buffer *line)
{
    line->len = 0;
    int rc = buffer_reserve(line, place->length);
    if (rc < 0)
        return rc;
    if (fseeko(spool->file, place->offset, SEEK_SET) < 0 ||
        fread(line->data, 1, place->length, spool->file) != place->length)
        return ferror(spool->file) ? -errno : -EIO;
    line->len = place->length;
    return 0;
}

int result_spool_each(struct result_spool *spool,
                      int (*take)(void *arg, const char *line, size_t length), void *arg)
{
    struct buffer line;
    int rc = 0;

    buffer_init(&line, SIZE_MAX);
    for (size_t i = 0; i < spool->n_places && rc >= 0; i++) {
        if (spool->places[i].length == 0)
            continue;
        rc = read_line(spool, &spool->places[i], &line);
        if (rc == 0)
            rc = take(arg, line.data, line.len);
    }
    buffer_done(&line);
    return rc < 0 ? rc : 0;
}

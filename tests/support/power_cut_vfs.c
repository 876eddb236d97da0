#include "tests/support/power_cut_vfs.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"
#include "tests/support/vfs_shim.h"

enum { SECTOR = 512, FILES_MAX = 8 };

/* A write, or a truncation to the offset when it has no bytes. */
struct change {
    struct change *next;
    size_t offset;
    size_t length; /* 0: a truncation */
    char bytes[];
};

struct image {
    char path[PATH_MAX];
    char *bytes; /* what is on disk for certain */
    size_t size;
    bool exists;     /* on disk, for certain */
    bool is_removed; /* as the process sees it; it may still be on disk */
    struct change *pending, **last;
};

static struct {
    struct image images[FILES_MAX];
    size_t n_images;
    size_t countdown;
    struct random random;
    const char *into;
    bool has_happened;
} disk;

/* --- Images ----------------------------------------------------------------------------------- */

static struct image *image_of(const char *path)
{
    for (size_t i = 0; i < disk.n_images; i++)
        if (strcmp(disk.images[i].path, path) == 0)
            return &disk.images[i];
    ck_assert_uint_lt(disk.n_images, FILES_MAX);
    struct image *image = &disk.images[disk.n_images++];
    *image = (struct image){.last = &image->pending};
    strcpy(image->path, path);
    return image;
}

static void resize(struct image *image, size_t size)
{
    if (size > image->size) {
        image->bytes = realloc(image->bytes, size);
        ck_assert_ptr_nonnull(image->bytes);
        memset(image->bytes + image->size, 0, size - image->size);
    }
    image->size = size;
}

static void put(struct image *image, size_t offset, const char *bytes, size_t length)
{
    if (offset + length > image->size)
        resize(image, offset + length);
    memcpy(image->bytes + offset, bytes, length);
}

static void apply(struct image *image, const struct change *change)
{
    if (change->length == 0)
        resize(image, change->offset);
    else
        put(image, change->offset, change->bytes, change->length);
}

static void forget_pending(struct image *image)
{
    while (image->pending != NULL) {
        struct change *change = image->pending;
        image->pending = change->next;
        free(change);
    }
    image->last = &image->pending;
}

static void reset(struct image *image)
{
    forget_pending(image);
    free(image->bytes);
    image->bytes = NULL;
    image->size = 0;
    image->exists = false;
}

/* --- What a cut leaves ------------------------------------------------------------------------ */

static bool toss(void)
{
    return random_below(&disk.random, 2) == 0;
}

static void tear(struct image *image, const struct change *change)
{
    for (size_t at = 0; at < change->length; at += SECTOR) {
        size_t left = change->length - at;
        if (toss())
            put(image, change->offset + at, change->bytes + at, left < SECTOR ? left : SECTOR);
    }
}

/* Of each four pending changes `n_kept` are kept, some of the others are torn. */
static void keep_some(struct image *image, uint32_t n_kept)
{
    for (const struct change *change = image->pending; change != NULL; change = change->next) {
        if (random_below(&disk.random, 4) < n_kept)
            apply(image, change);
        else if (n_kept > 0 && toss())
            tear(image, change);
    }
    bool is_certain = image->is_removed ? !image->exists : image->exists || image->pending == NULL;
    if (!is_certain)
        image->exists = toss();
}

static void write_out(const struct image *image)
{
    char path[PATH_MAX];

    ck_assert_int_lt(snprintf(path, sizeof(path), "%s%s", disk.into, strrchr(image->path, '/')),
                     (int)sizeof(path));
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(image->bytes, 1, image->size, file), image->size);
    ck_assert_int_eq(fclose(file), 0);
}

/* From nothing to all of what is pending is kept, as the seed says. */
void power_cut_now(void)
{
    uint32_t n_kept = random_below(&disk.random, 5);

    disk.has_happened = true;
    for (size_t i = 0; i < disk.n_images; i++) {
        keep_some(&disk.images[i], n_kept);
        if (disk.images[i].exists)
            write_out(&disk.images[i]);
    }
}

bool power_cut_has_happened(void)
{
    return disk.has_happened;
}

/* --- What SQLite does ------------------------------------------------------------------------- */

static int unless_cut(int code)
{
    errno = EIO;
    return disk.has_happened ? code : SQLITE_OK;
}

static void add_change(const char *path, size_t offset, const void *bytes, size_t length)
{
    struct image *image = image_of(path);
    struct change *change = malloc(sizeof(*change) + length);

    ck_assert_ptr_nonnull(change);
    *change = (struct change){.offset = offset, .length = length};
    memcpy(change->bytes, bytes, length);
    if (image->is_removed)
        reset(image);
    image->is_removed = false;
    *image->last = change;
    image->last = &change->next;
}

static int before_write(const char *path, const void *bytes, int n_bytes, sqlite3_int64 offset)
{
    if (!disk.has_happened)
        add_change(path, (size_t)offset, bytes, (size_t)n_bytes);
    return unless_cut(SQLITE_IOERR_WRITE);
}

static int before_truncate(const char *path, sqlite3_int64 size)
{
    if (!disk.has_happened)
        add_change(path, (size_t)size, "", 0);
    return unless_cut(SQLITE_IOERR_TRUNCATE);
}

/* SQLite syncs the directory together with a log or journal that it has made. */
static void sync_directory(void)
{
    for (size_t i = 0; i < disk.n_images; i++)
        if (disk.images[i].is_removed)
            reset(&disk.images[i]);
}

static int before_sync(const char *path)
{
    struct image *image = image_of(path);

    if (!disk.has_happened && disk.countdown > 0 && --disk.countdown == 0)
        power_cut_now();
    if (disk.has_happened)
        return unless_cut(SQLITE_IOERR_FSYNC);
    for (const struct change *change = image->pending; change != NULL; change = change->next)
        apply(image, change);
    forget_pending(image);
    if (!image->exists)
        sync_directory();
    image->exists = true;
    return SQLITE_OK;
}

static int before_remove(const char *path, bool is_synced)
{
    if (!disk.has_happened) {
        struct image *image = image_of(path);
        forget_pending(image);
        image->is_removed = true;
        if (is_synced)
            sync_directory();
    }
    return unless_cut(SQLITE_IOERR_DELETE);
}

/* --- Installing ------------------------------------------------------------------------------- */

void power_cut_install(void)
{
    static const struct vfs_hooks hooks = {before_write, before_truncate, before_sync,
                                           before_remove};

    vfs_shim_install(&hooks);
}

void power_cut_remove(void)
{
    vfs_shim_remove();
    for (size_t i = 0; i < disk.n_images; i++)
        reset(&disk.images[i]);
    disk.n_images = 0;
}

void power_cut_arm(size_t n, uint64_t seed, const char *into)
{
    disk.countdown = n;
    disk.random.state = seed;
    disk.into = into;
    disk.has_happened = false;
}

#include "daemon/store/wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 32,
    HEADER_SUMMED = 24, /* of which there is a checksum */
    FRAME_HEADER_BYTES = 24,
    FRAME_HEADER_SUMMED = 8,
    COMMITS_MAX = 1, /* that a power cut can leave unreadable */
};

#define MAGIC UINT32_C(0x377f0682) /* the last bit says that checksums are of big-endian words */

struct sums {
    uint32_t first, second;
};

struct log {
    int fd;
    bool is_big_endian;
    bool is_whole; /* all checksums so far were right */
    uint32_t page_bytes;
    unsigned char salt[8];
    unsigned char last[8]; /* the header of the frame before, as far as it says what it is */
    struct sums sums;
};

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t little_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static void add(struct log *log, const unsigned char *bytes, size_t length)
{
    struct sums sums = log->sums;

    for (size_t i = 0; i < length; i += 8) {
        const unsigned char *pair = bytes + i;
        sums.first += sums.second + (log->is_big_endian ? big_endian(pair) : little_endian(pair));
        sums.second +=
            sums.first + (log->is_big_endian ? big_endian(pair + 4) : little_endian(pair + 4));
    }
    log->sums = sums;
}

static bool sums_are(const struct log *log, const unsigned char *bytes)
{
    return log->sums.first == big_endian(bytes) && log->sums.second == big_endian(bytes + 4);
}

/* returns 1, 0: the file is shorter; -errno */
static int read_at(int fd, unsigned char *bytes, size_t length, uint64_t offset)
{
    ssize_t n = pread(fd, bytes, length, (off_t)offset);

    return n < 0 ? -errno : n == (ssize_t)length;
}

/* returns 1, 0: there is nothing behind it; -errno */
static int read_header(struct log *log)
{
    unsigned char header[HEADER_BYTES], frame[FRAME_HEADER_BYTES];
    int rc = read_at(log->fd, header, sizeof(header), 0);

    if (rc > 0)
        rc = read_at(log->fd, frame, sizeof(frame), sizeof(header));
    if (rc <= 0)
        return rc;
    log->is_big_endian = (big_endian(header) & 1) != 0;
    add(log, header, HEADER_SUMMED);
    log->is_whole =
        (big_endian(header) | 1) == (MAGIC | 1) && sums_are(log, header + HEADER_SUMMED);
    /* It is synced before there are frames: if they do not belong to it, it is what is wrong. */
    memcpy(log->salt, log->is_whole ? header + 16 : frame + 8, sizeof(log->salt));
    return 1;
}

/* A frame that is of this log and not left over from an earlier one. */
static bool is_ours(const struct log *log, const unsigned char *frame)
{
    return memcmp(frame + 8, log->salt, sizeof(log->salt)) == 0;
}

/* Its last frame may be there more than once, to fill a sector. */
static bool ends_commit(const struct log *log, const unsigned char *frame)
{
    return big_endian(frame + 4) != 0 && memcmp(frame, log->last, sizeof(log->last)) != 0;
}

static void check_frame(struct log *log, const unsigned char *frame, uint64_t number,
                        struct wal_damage *damage)
{
    if (log->is_whole) {
        add(log, frame, FRAME_HEADER_SUMMED);
        add(log, frame + FRAME_HEADER_BYTES, log->page_bytes);
        log->is_whole = is_ours(log, frame) && sums_are(log, frame + 16);
        damage->at_frame = number;
    }
    if (!log->is_whole && is_ours(log, frame) && ends_commit(log, frame))
        damage->n_commits++;
    memcpy(log->last, frame, sizeof(log->last));
}

static int check_frames(struct log *log, struct wal_damage *damage)
{
    size_t frame_bytes = FRAME_HEADER_BYTES + log->page_bytes;
    unsigned char *frame = malloc(frame_bytes);
    int rc = frame != NULL ? 1 : -ENOMEM;

    for (uint64_t i = 0; rc > 0; i++) {
        rc = read_at(log->fd, frame, frame_bytes, HEADER_BYTES + i * frame_bytes);
        if (rc > 0)
            check_frame(log, frame, i + 1, damage);
    }
    free(frame);
    return rc;
}

static int check(struct log *log, struct wal_damage *damage)
{
    int rc = read_header(log);

    if (rc > 0)
        rc = check_frames(log, damage);
    return rc < 0 ? rc : damage->n_commits > COMMITS_MAX;
}

int wal_check(const char *file, uint32_t page_bytes, struct wal_damage *ret_damage)
{
    struct log log = {.fd = open(file, O_RDONLY | O_CLOEXEC), .page_bytes = page_bytes};

    *ret_damage = (struct wal_damage){.at_frame = 1};
    if (log.fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int rc = check(&log, ret_damage);
    close(log.fd);
    return rc;
}

#include "daemon/model/ulid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

const char ulid_digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* getrandom() does not fail for so few bytes once the kernel has booted; before, it waits. */
static void draw(struct ulid_source *source, int64_t milliseconds)
{
    source->milliseconds = milliseconds;
    while (getrandom(source->random, ULID_N_RANDOM, 0) != ULID_N_RANDOM)
        continue;
    source->random[0] &= 0x7f; /* room to count up in */
}

static void count_up(struct ulid_source *source)
{
    for (int i = ULID_N_RANDOM - 1; i >= 0 && ++source->random[i] == 0; i--)
        continue;
}

static void write_base32(const uint8_t bytes[16], char text[ULID_LENGTH + 1])
{
    unsigned __int128 number = 0;

    for (int i = 0; i < 16; i++)
        number = number << 8 | bytes[i];
    for (int i = ULID_LENGTH - 1; i >= 0; i--, number >>= 5)
        text[i] = ulid_digits[number & 31];
    text[ULID_LENGTH] = '\0';
}

void ulid_next(struct ulid_source *source, int64_t milliseconds, char text[ULID_LENGTH + 1])
{
    uint8_t bytes[16];

    if (milliseconds > source->milliseconds)
        draw(source, milliseconds);
    else
        count_up(source);
    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(source->milliseconds >> (40 - 8 * i));
    memcpy(bytes + 6, source->random, ULID_N_RANDOM);
    write_base32(bytes, text);
}

static int read_base32(const char *text, unsigned __int128 *ret_number)
{
    unsigned __int128 number = 0;

    if (strlen(text) != ULID_LENGTH || text[0] > '7')
        return -EINVAL;
    for (; *text != '\0'; text++) {
        const char *digit = strchr(ulid_digits, *text);
        if (digit == NULL)
            return -EINVAL;
        number = number << 5 | (unsigned)(digit - ulid_digits);
    }
    *ret_number = number;
    return 0;
}

int ulid_resume(struct ulid_source *source, const char *text)
{
    unsigned __int128 number;

    int rc = read_base32(text, &number);
    if (rc < 0)
        return rc;
    for (int i = ULID_N_RANDOM - 1; i >= 0; i--, number >>= 8)
        source->random[i] = (uint8_t)number;
    source->milliseconds = (int64_t)number;
    return 0;
}

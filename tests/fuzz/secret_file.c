#include "tests/fuzz/secret_file.h"

#include <errno.h>
#include <string.h>

#define SECRET   "Zq7Zq7Zq7" /* part of it is too much, already */
#define PART     "Zq7"
#define UTF8_BOM "\xef\xbb\xbf"
#define BLANKS   " \t\r"
#define MAX_SIZE (1 << 24)

static void append(struct buffer *text, uint8_t byte)
{
    int rc = byte == '$' ? buffer_append(text, SECRET, strlen(SECRET))
                         : buffer_append_byte(text, (char)byte);

    fuzz_expect(rc == 0, "there is memory", "");
}

void secret_file_open(struct secret_file *secret, const struct fuzz_input *input)
{
    buffer_init(&secret->text, MAX_SIZE);
    for (size_t i = 0; i < input->n_bytes; i++)
        append(&secret->text, input->bytes[i]);
    fuzz_file_open(&secret->file, secret->text.data, secret->text.len);
}

void secret_file_close(struct secret_file *secret)
{
    buffer_done(&secret->text);
    fuzz_file_close(&secret->file);
}

struct fuzz_input secret_file_lines(const struct secret_file *secret)
{
    struct fuzz_input lines = {(const uint8_t *)secret->text.data, secret->text.len};
    size_t mark = strlen(UTF8_BOM);

    if (lines.n_bytes >= mark && memcmp(lines.bytes, UTF8_BOM, mark) == 0)
        lines = (struct fuzz_input){lines.bytes + mark, lines.n_bytes - mark};
    return lines;
}

bool secret_file_counts(const char *line)
{
    line += strspn(line, BLANKS);
    return *line != '\0' && *line != '#';
}

void secret_file_check_refusal(int rc, const char *message)
{
    fuzz_expect(rc == 0 || rc == -EINVAL, "there is memory", message);
    fuzz_expect((rc < 0) == (message[0] != '\0'), "what is refused is explained", message);
    fuzz_expect(strstr(message, PART) == NULL, "no message quotes a file", message);
}

#include "daemon/base/operator_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_SIZE_MAX = 16 * 1024 * 1024 };

#define BLANKS   " \t\r"
#define UTF8_BOM "\xef\xbb\xbf"

/* --- Lines and words -------------------------------------------------------------------------- */

int operator_file_refuse_line(const struct operator_file *file, const char *what)
{
    return err_set(file->err, -EINVAL, "%s: %s:%u: %s", file->setting, file->path, file->line,
                   what);
}

char *operator_file_trim(char *text)
{
    text += strspn(text, BLANKS);
    size_t length = strlen(text);

    while (length > 0 && strchr(BLANKS, text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text;
}

char *operator_file_take_word(char **text)
{
    char *word = *text + strspn(*text, BLANKS);
    size_t length = strcspn(word, BLANKS);

    *text = word + length;
    if (length == 0)
        return NULL;
    if (word[length] != '\0') {
        word[length] = '\0';
        (*text)++;
    }
    return word;
}

size_t operator_file_count_lines(const struct operator_file *file)
{
    size_t n = 1;

    for (size_t i = 0; i < file->size; i++)
        n += file->text[i] == '\n';
    return n;
}

/* The text is cut into lines where it is. */
int operator_file_next_line(struct operator_file *file, char **ret_line)
{
    char *end = file->text + file->size;

    while (file->next < end) {
        char *line = file->next;
        char *newline = memchr(line, '\n', (size_t)(end - line)) ?: end;
        *newline = '\0';
        file->next = newline + 1;
        file->line++;
        if (memchr(line, '\0', (size_t)(newline - line)) != NULL)
            return operator_file_refuse_line(file, "the line has a NUL character");
        *ret_line = operator_file_trim(line);
        if (**ret_line != '\0' && **ret_line != '#')
            return 1;
    }
    return 0;
}

/* --- The file --------------------------------------------------------------------------------- */

int operator_file_refuse(const struct operator_file *file, int rc, const char *what)
{
    return err_set(file->err, rc, "%s: %s: %s", file->setting, file->path, what);
}

static int check_file(const struct operator_file *file, const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return operator_file_refuse(file, -EINVAL, "this is not a file");
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return operator_file_refuse(file, -EPERM,
                                    "it belongs to another user, who could change it");
    if ((status->st_mode & (S_IWGRP | S_IRWXO)) != 0)
        return operator_file_refuse(
            file, -EPERM, "others may read or change it; chmod g-w,o= takes that from them");
    if (status->st_size > FILE_SIZE_MAX)
        return operator_file_refuse(file, -EFBIG, "it is larger than 16 MiB");
    return 0;
}

/* Not by stdio, whose buffer nobody wipes. What the file has gained since it was looked at stays
 * out. */
static int read_bytes(struct operator_file *file, int fd, size_t size)
{
    ssize_t n = 1;

    file->text = malloc(size + 1);
    if (file->text == NULL)
        return err_set(file->err, -ENOMEM, "out of memory");
    while (n > 0 && file->size < size) {
        n = read(fd, file->text + file->size, size - file->size);
        if (n < 0)
            return operator_file_refuse(file, -errno, strerror(errno));
        file->size += (size_t)n;
    }
    file->text[file->size] = '\0';
    file->next = file->text;
    if (strncmp(file->next, UTF8_BOM, strlen(UTF8_BOM)) == 0)
        file->next += strlen(UTF8_BOM);
    return 0;
}

int operator_file_read(struct operator_file *file, const char *setting, const char *path,
                       struct err *err)
{
    /* Opening a FIFO would wait for somebody to write to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;

    *file = (struct operator_file){.setting = setting, .path = path, .err = err};
    if (fd < 0 || fstat(fd, &status) < 0) {
        int rc = operator_file_refuse(file, -errno, strerror(errno));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    int rc = check_file(file, &status) ?: read_bytes(file, fd, (size_t)status.st_size);
    close(fd);
    return rc;
}

void operator_file_done(struct operator_file *file)
{
    if (file->text != NULL)
        explicit_bzero(file->text, file->size);
    free(file->text);
    *file = (struct operator_file){0};
}

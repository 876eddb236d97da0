/* A file hands out one line after another, and holds one at a time. Usage: file_lines FILE */
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/co/co.h"

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "foo.txt";
    FILE *file = fopen(path, "r");
    struct co_iter_lines lines;
    void *line;
    int rc;

    if (file == NULL)
        error(EXIT_FAILURE, errno, "%s", path);
    co_iter_lines_init(&lines, file);
    while ((rc = co_iter_next(&lines.iter, &line)) > 0)
        fputs(line, stdout);
    co_iter_done(&lines.iter);
    fclose(file);
    if (rc < 0)
        error(EXIT_FAILURE, -rc, "%s", path);
    return 0;
}

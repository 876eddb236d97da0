#include "tests/support/death.h"

#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* No core file, and no handler of a sanitizer. */
static void prepare_to_die(void)
{
    static const struct rlimit none = {0};

    setrlimit(RLIMIT_CORE, &none);
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    alarm(60);
}

static pid_t start(void (*misuse)(void), int ends[2])
{
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        prepare_to_die();
        misuse();
        _exit(0);
    }
    close(ends[1]);
    return child;
}

static void read_all(int fd, char *text, size_t size)
{
    size_t length = 0;
    ssize_t n;

    while ((n = read(fd, text + length, size - 1 - length)) > 0)
        length += (size_t)n;
    text[length] = '\0';
    close(fd);
}

void assert_dies(void (*misuse)(void), int signal, const char *sentence)
{
    int ends[2], status = 0;
    char words[4096];
    pid_t child = start(misuse, ends);

    read_all(ends[0], words, sizeof(words));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status), "it lived on, and said: %s", words);
    ck_assert_int_eq(WTERMSIG(status), signal);
    ck_assert_msg(sentence == NULL || strstr(words, sentence) != NULL, "it said: %s", words);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wframe-larger-than="
__attribute__((noinline, no_sanitize("address"))) int have_a_large_frame(size_t i)
{
    volatile char array[60 * 1024];

    array[i] = 1;
    return array[i];
}
#pragma GCC diagnostic pop

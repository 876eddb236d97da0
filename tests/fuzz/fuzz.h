/* What a fuzz target and those who run it have in common: libFuzzer, with `./dev fuzz`, or
 * replay.c, which runs what is in a folder, with make check. A target ends the process when what
 * must be so is not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's names. The first is called once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

/* An input is read piece by piece; nothing is left in the end. */
struct fuzz_input {
    const uint8_t *bytes;
    size_t n_bytes;
};

/* 0 at the end. */
uint8_t fuzz_byte(struct fuzz_input *input);

/* Up to the next line feed, which is dropped, or the end, as a text that is to be freed. NULs are
 * left out. */
char *fuzz_line(struct fuzz_input *input);

/* What a client may ask for; and the types its document may have, of which the last is NULL. */
struct parse_settings;
extern const struct parse_settings fuzz_settings;
extern const char *const fuzz_types[];
enum { FUZZ_N_TYPES = 6 };

/* A file of these bytes that nobody but us may read; gone when it is closed. */
struct fuzz_file {
    int fd;
    char path[32];
};
void fuzz_file_open(struct fuzz_file *file, const void *bytes, size_t n_bytes);
void fuzz_file_close(struct fuzz_file *file);

/* Whether an extended regular expression, which is a constant, matches: bytes, as in the locale C.
 */
bool fuzz_matches(const char *text, const char *pattern);

/* Ends the process with the sentence, unless it holds. `about` is what it is said of. */
void fuzz_expect(int holds, const char *sentence, const char *about);

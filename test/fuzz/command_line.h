/* Command lines of the native programs as fuzz input: every argument is ended by a NUL byte. */
#ifndef MCM_COMMAND_LINE_H
#define MCM_COMMAND_LINE_H

#include "fuzz.h"

#define ARGUMENTS_MAX 64

/* Behind them stands a NULL. */
static inline size_t arguments_of(const uint8_t *data, size_t size, char *argv[ARGUMENTS_MAX + 1])
{
    size_t count = 0;

    while (size > 0 && count < ARGUMENTS_MAX)
        argv[count++] = text_next(&data, &size, '\0');
    argv[count] = NULL;
    return count;
}

static inline void arguments_free(char **argv, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(argv[i]);
}

/*
 * The value of a flag before "--", NULL when it is not given. `values_of` says how many values a flag
 * has, so that a value that looks like a flag is none.
 */
static inline const char *value_of(char *const *argv, const char *flag,
                                   size_t (*values_of)(const char *flag))
{
    while (*argv != NULL && strcmp(*argv, "--") != 0) {
        if (strcmp(*argv, flag) == 0)
            return argv[1];
        for (size_t skipped = values_of(*argv) + 1; skipped > 0 && *argv != NULL; skipped--)
            argv++;
    }
    return NULL;
}

/* What stands behind the first "--" that is no value. */
static inline char *const *command_of(char *const *argv, size_t (*values_of)(const char *flag))
{
    while (*argv != NULL && strcmp(*argv, "--") != 0)
        for (size_t skipped = values_of(*argv) + 1; skipped > 0 && *argv != NULL; skipped--)
            argv++;
    return *argv != NULL ? argv + 1 : NULL;
}

/* Whether `number` is what the flag's value says, or 0 when it is not given. */
static inline bool is_value(const char *text, uint64_t number)
{
    return text == NULL ? number == 0 : is_digits(text) && says_number(text, number);
}

/* Whether `taken` is the very string that was given. */
static inline bool is_same(const char *given, const char *taken)
{
    return given == taken;
}

#endif

#include "environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace.h"
#include "util.h"

#define ENVIRONMENT_MAX (1024 * 1024)
#define FIRST_SIZE      4096

/* Everything up to the end of file; the buffer grows, since it mostly is small. */
static int environment_read_text(int fd, char **ret_text, size_t *ret_length, struct error *error)
{
    size_t size = FIRST_SIZE, length = 0;
    _cleanup_free_ char *text = malloc(size);

    while (text != NULL) {
        ssize_t got = read(fd, text + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, STEP_OPTIONS, errno, "cannot read --env-fd");
        if (got == 0) {
            *ret_text = text;
            *ret_length = length;
            text = NULL;
            return 0;
        }
        length += (size_t)got;
        if (length > ENVIRONMENT_MAX)
            return error_set(error, STEP_OPTIONS, E2BIG, "the environment is larger than 1 MiB");
        if (length == size) {
            char *larger = realloc(text, size *= 2);
            if (larger == NULL)
                break;
            text = larger;
        }
    }
    return error_set(error, STEP_OPTIONS, ENOMEM, "cannot keep the environment");
}

int environment_read(int fd, char ***ret_environment, struct error *error)
{
    _cleanup_free_ char *text = NULL;
    size_t length = 0, count = 0;

    if (fd >= 0 && environment_read_text(fd, &text, &length, error) < 0)
        return -1;
    if (length > 0 && text[length - 1] != '\0')
        return error_set(error, STEP_OPTIONS, 0,
                         "the last entry of the environment is not ended by a NUL byte");
    for (size_t i = 0; i < length; i++)
        count += text[i] == '\0';

    /* One block: the array, then the strings that it points to. */
    size_t array_size = (count + 1) * sizeof(char *);
    _cleanup_free_ char **environment = malloc(array_size + length);
    if (environment == NULL)
        return error_set(error, STEP_OPTIONS, ENOMEM, "cannot keep the environment");
    char *next = (char *)environment + array_size;
    if (length > 0)
        memcpy(next, text, length);
    for (size_t i = 0; i < count; i++) {
        environment[i] = next;
        /* read(2) has written it: NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
        if (next[0] == '=' || strchr(next, '=') == NULL)
            return error_set(error, STEP_OPTIONS, 0, "entry %zu of the environment is no KEY=VALUE",
                             i + 1);
        next += strlen(next) + 1;
    }
    environment[count] = NULL;
    *ret_environment = environment;
    environment = NULL;
    trace_step(STEP_OPTIONS, "read", trace_text("what", "environment"),
               trace_number("variables", count));
    return 0;
}

#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void error_fill(struct error *error, enum step step, int errnum, const char *format, ...)
{
    va_list arguments;

    error->step = step;
    error->errnum = errnum;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
}

int error_exit_code(const struct error *error)
{
    if (error->step != STEP_EXEC)
        return EXIT_OWN_FAILURE;
    return error->errnum == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

const char *step_name(enum step step)
{
    static const char *const names[] = {
#define X(name, text) [STEP_##name] = (text),
        STEP_LIST(X)
#undef X
    };

    return (unsigned)step < STEP_COUNT ? names[step] : "none";
}

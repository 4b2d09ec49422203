/* control_next(): the lines of ns_enter's control fd. */
#include "fuzz.h"

#include <signal.h>

#include "ns_enter_control.h"

static bool is_resize(const char *line, struct terminal_size *ret_size)
{
    const uint8_t *rest = (const uint8_t *)line;
    size_t size = strlen(line);
    char *verb = text_next(&rest, &size, ' ');
    char *rows = text_next(&rest, &size, ' ');
    const char *columns = (const char *)rest; /* whatever is left, blanks included */
    bool found = strcmp(verb, "resize") == 0 && is_number_to(rows, UINT16_MAX) &&
                 is_number_to(columns, UINT16_MAX);

    if (found)
        *ret_size = (struct terminal_size){(uint16_t)atol(rows), (uint16_t)atol(columns)};
    free(verb);
    free(rows);
    return found;
}

static void check_line(const char *line, size_t length, const struct control_request *request)
{
    struct terminal_size size;
    bool whole = length < CONTROL_LINE_SIZE;

    if (whole && is_resize(line, &size)) {
        CHECK(request->kind == CONTROL_RESIZE);
        CHECK(request->size.rows == size.rows && request->size.columns == size.columns);
    } else if (whole && strncmp(line, "signal ", 7) == 0 &&
               is_number_to(line + 7, (uint64_t)SIGRTMAX) && atol(line + 7) > 0) {
        CHECK(request->kind == CONTROL_SIGNAL && says_number(line + 7, (uint64_t)request->signal));
    } else {
        CHECK(request->kind == CONTROL_UNKNOWN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control control;
    struct control_request request;
    int fd = file_of(data, size);

    control_open(&control, fd);
    while (size > 0 && memchr(data, '\n', size) != NULL) {
        const uint8_t *before = data;
        char *line = text_next(&data, &size, '\n');
        request = control_next(&control);
        check_line(line, (size_t)(data - before) - 1, &request);
        free(line);
    }
    request = control_next(&control);
    CHECK(request.kind == CONTROL_END && control.fd == -1);
    close(fd);
    return 0;
}

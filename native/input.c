#include "input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define END_OF_TRANSMISSION '\x04' /* what a terminal takes for the end of input (termios(3)) */

bool input_is_waiting(const struct input *input)
{
    return input->fd >= 0 && input->length > 0;
}

/* A terminal's master stays open: its output still comes by it. */
static void input_close(struct input *input)
{
    if (!input->terminal)
        cleanup_close(&input->fd);
    input->fd = -1;
    input->length = 0;
}

void input_flush(struct input *input)
{
    while (input_is_waiting(input)) {
        ssize_t written = write(input->fd, input->data + input->start, input->length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN)
            return;
        if (written < 0) {
            input_close(input); /* nobody reads it any more */
            return;
        }
        input->start += (size_t)written;
        input->length -= (size_t)written;
    }
    if (input->ending && input->fd >= 0 && !input->terminal)
        input_close(input);
}

void input_put(struct input *input, const char *data, size_t size)
{
    if (input->fd < 0 || input->ending)
        return;
    memcpy(input->data, data, size);
    input->start = 0;
    input->length = size;
    input_flush(input);
}

void input_end(struct input *input)
{
    if (input->terminal) {
        /* A client's own keystroke may come after it: a terminal's input is never over. */
        if (!input_is_waiting(input))
            input_put(input, &(char){END_OF_TRANSMISSION}, 1);
        return;
    }
    input->ending = true;
    input_flush(input);
}

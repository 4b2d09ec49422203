#include "ns_enter_control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define WORDS_MAX 3

void control_open(struct control *control, int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    *control = (struct control){.fd = fd};
}

static struct control_request line_parse(char *line)
{
    const struct control_request unknown = {.kind = CONTROL_UNKNOWN};
    const char *words[WORDS_MAX];
    uint64_t first, second;
    size_t count = 0;

    while (line && count < WORDS_MAX)
        words[count++] = strsep(&line, " ");
    if (line)
        return unknown;
    if (count == 3 && strcmp(words[0], "resize") == 0 && parse_uint(words[1], UINT16_MAX, &first) &&
        parse_uint(words[2], UINT16_MAX, &second))
        return (struct control_request){
            .kind = CONTROL_RESIZE,
            .size = {(uint16_t)first, (uint16_t)second},
        };
    if (count == 2 && strcmp(words[0], "signal") == 0 &&
        parse_uint(words[1], (uint64_t)SIGRTMAX, &first) && first > 0)
        return (struct control_request){.kind = CONTROL_SIGNAL, .signal = (int)first};
    return unknown;
}

/* Byte by byte: they are few and rare, and what follows a line stays in the pipe. */
struct control_request control_next(struct control *control)
{
    char byte;
    ssize_t size;

    while ((size = read(control->fd, &byte, 1)) > 0) {
        if (byte != '\n') {
            if (control->length < CONTROL_LINE_SIZE - 1)
                control->line[control->length++] = byte;
            else
                control->overlong = true;
            continue;
        }
        bool overlong = control->overlong;
        control->line[control->length] = '\0';
        control->length = 0;
        control->overlong = false;
        if (overlong)
            return (struct control_request){.kind = CONTROL_UNKNOWN};
        return line_parse(control->line);
    }
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return (struct control_request){.kind = CONTROL_NOTHING};
    control->fd = -1;
    return (struct control_request){.kind = CONTROL_END};
}

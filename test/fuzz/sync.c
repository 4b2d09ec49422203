/* sync_receive(): a frame of a container's first process, which may be anything, as an error. */
#include "fuzz.h"

#include <sys/socket.h>

#include "status.h"
#include "sync.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = {.step = STEP_NONE};
    int sockets[2], terminal;

    CHECK(sync_make(sockets, &error) == 0);
    if (size == 0 || size > sizeof(struct error) * 2)
        data = (const uint8_t *)"p", size = 1;
    CHECK(send(sockets[1], data, size, 0) == (ssize_t)size);
    close(sockets[1]);
    enum sync_event event = sync_receive(sockets[0], &terminal, &error);
    CHECK(terminal == -1);
    CHECK((event == SYNC_PREPARED) == (size == 1));
    CHECK((event == SYNC_FAILED) == (size == sizeof(error)));
    if (event == SYNC_FAILED) {
        CHECK(strlen(error.message) < sizeof(error.message));
        CHECK(step_name(error.step)[0] != '\0');
        CHECK(error_exit_code(&error) >= EXIT_OWN_FAILURE);
        CHECK(error_exit_code(&error) <= EXIT_NOT_FOUND);
    }
    close(sockets[0]);
    return 0;
}

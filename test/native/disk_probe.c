/* Prints the disks that limits for the path given are written for, or the failure. */
#include <stdio.h>

#include "disk.h"

int main(int argc, char **argv)
{
    struct disks disks = {.count = 0};
    struct error error;

    if (argc != 2 || disks_add(&disks, argv[1], DISKLESS_REFUSED, STEP_LIMIT_IO_READ, &error) < 0) {
        printf("%s\n", error.message);
        return 1;
    }
    for (size_t i = 0; i < disks.count; i++)
        printf("%u:%u\n", disks.list[i].major, disks.list[i].minor);
    return 0;
}

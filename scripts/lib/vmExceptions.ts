/**
 * What the machine with a real cgroup v2 kernel (test/vm) does not run, or refuses, and why. Of the
 * suites of the command line it runs none: they are of words and terminals, not of the kernel, and
 * each of their commands starts a Node, which takes a second there.
 */

const LOGIC = "logic: nothing in it depends on the kernel";
const ARCHIVES = "files only, and many: minutes there, and no control group in it";

/** Files of tests that run on this computer only. */
export const ELSEWHERE: Record<string, string> = {
    "test/native/faults.test.ts":
        "hundreds of starts, for each call that can fail one: minutes there, and the same answers",
    "test/native/identity.test.ts":
        "the parsers alone, built with ASan, for whose shadow memory that kernel has no room",
    "test/server/backend.test.ts":
        "the process and its socket: a minute there, and no control group in it",
    "test/server/claims.test.ts": LOGIC,
    "test/server/config.test.ts": LOGIC,
    "test/server/errors.test.ts": LOGIC,
    "test/server/invocation.test.ts": LOGIC,
    "test/server/launch.test.ts": LOGIC,
    "test/server/log.test.ts": LOGIC,
    "test/server/output.test.ts": LOGIC,
    "test/server/ranges.test.ts": LOGIC,
    "test/server/rootfs.test.ts": ARCHIVES,
    "test/server/sizes.test.ts": LOGIC,
    "test/server/store.test.ts": LOGIC,
    "test/server/tarball.test.ts": ARCHIVES,
    "test/server/transport.test.ts": LOGIC,
    "test/server/validate.test.ts": LOGIC,
    "test/server/writer.test.ts": LOGIC,
    "test/vm/machine.test.ts": "the machine from outside; the stage runs it there",
};

/** A test that runs there and must fail, with these words of the reason. */
export interface Refusal {
    test: string;
    why: string;
    error: RegExp;
}

/** hostfs, on which this computer's /usr is there, maps no ids. */
const OF_USR = { why: "hostfs maps no ids", error: /cannot map ids on \/usr/ };

/** Extended attributes of users came to tmpfs with Linux 6.6. */
const ON_TMPFS = { why: "its tmpfs has no extended attributes", error: /no extended attributes/ };

export const REFUSED: Refusal[] = [
    { test: "the host's own /usr serves copy-on-write", ...OF_USR },
    { test: "the host's own system is a root file system that needs no download", ...OF_USR },
    { test: "of this computer's programs are told, too", ...OF_USR },
    { test: "on a full disk a run fails by name, and nothing is left of it", ...ON_TMPFS },
    {
        test: "a disk that fills up while a container runs loses neither its end nor its name",
        ...ON_TMPFS,
    },
];

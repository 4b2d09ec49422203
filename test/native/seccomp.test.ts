/**
 * The system call filter: what seccomp_generate makes of the table, evaluated call by call. What it
 * does in a container is in confinement.test.ts.
 */
import assert from "node:assert/strict";
import { constants } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { run } from "../../scripts/lib/run";
import { root } from "../support/fixtures";
import {
    ALLOW,
    ERRNO,
    KILL_PROCESS,
    evaluate,
    parseProgram,
    type Instruction,
    type SystemCall,
} from "./bpf";

const { EPERM, ENOSYS, EAFNOSUPPORT, EPROTONOSUPPORT } = constants.errno;

/** AUDIT_ARCH_* of linux/audit.h. */
const ARCHITECTURES = {
    x86_64: 0xc000003e,
    i386: 0x40000003,
    aarch64: 0xc00000b7,
    arm: 0x40000028,
} as const;

const MACHINES = { x86_64: ["x86_64", "i386"], aarch64: ["aarch64"] } as const;

type Machine = keyof typeof MACHINES;
type Abi = (typeof MACHINES)[Machine][number];

/** Above the table's newest number, which is 469. */
const NUMBERS = Array.from({ length: 601 }, (_, number) => number);
const NEWEST_NUMBER = 469;

interface Row {
    number: number;
    rule: string;
}

interface Filter {
    program: Instruction[];
    /** The table, by ABI and name. */
    table: Map<Abi, Map<string, Row>>;
}

const filters = new Map<Machine, Filter>();

before(async () => {
    const native = join(root, "native");
    const built = "build/generated/seccomp_generate";
    await run("make", ["-s", "-C", native, built]);
    // The sanitizer build's counts what it reaches.
    const sanitized = process.env.MCM_TEST_NATIVE;
    const generator =
        sanitized === undefined ? join(native, built) : join(root, sanitized, "seccomp_generate");
    for (const machine of Object.keys(MACHINES) as Machine[]) {
        const program = parseProgram(await run(generator, ["filter", machine]));
        const table: Filter["table"] = new Map();
        for (const abi of MACHINES[machine]) {
            table.set(abi, new Map());
        }
        for (const line of (await run(generator, ["list", machine])).trim().split("\n")) {
            const [abi, number, name = "", rule = ""] = line.split(" ");
            table.get(abi as Abi)?.set(name, { number: Number(number), rule });
        }
        filters.set(machine, { program, table });
    }
});

function filterOf(machine: Machine): Filter {
    const filter = filters.get(machine);
    assert.ok(filter);
    return filter;
}

function numberOf(abi: Abi, name: string): number {
    const machine: Machine = abi === "aarch64" ? "aarch64" : "x86_64";
    const row = filterOf(machine).table.get(abi)?.get(name);
    assert.ok(row, `${name} is not in the table of ${abi}`);
    return row.number;
}

/** "allow" or the errno with which a call is refused. */
function decide(machine: Machine, call: SystemCall): "allow" | "kill" | number {
    const { result } = evaluate(filterOf(machine).program, call);
    if (result === ALLOW) {
        return "allow";
    }
    if (result === KILL_PROCESS) {
        return "kill";
    }
    assert.equal(result & 0xffff0000, ERRNO);
    return result & 0xffff;
}

/** Decides a call by its name. */
function call(abi: Abi, name: string, ...args: (bigint | number)[]): ReturnType<typeof decide> {
    return decide(abi === "aarch64" ? "aarch64" : "x86_64", {
        architecture: ARCHITECTURES[abi],
        number: numberOf(abi, name),
        args: args.map(BigInt),
    });
}

/** What a rule without a look at the arguments says; undefined when they decide. */
function fixedOutcome(rule: string | undefined, number: number): "allow" | number | undefined {
    switch (rule) {
        case undefined:
            return number > NEWEST_NUMBER ? ENOSYS : EPERM;
        case "allow":
            return "allow";
        case "refuse":
            return EPERM;
        case "absent":
            return ENOSYS;
        default:
            return undefined;
    }
}

const ALL_ABIS = (Object.keys(MACHINES) as Machine[]).flatMap((machine) =>
    MACHINES[machine].map((abi) => ({ machine, abi })),
);

for (const { machine, abi } of ALL_ABIS) {
    describe(`the filter for ${abi} on ${machine}`, () => {
        test("decides every number from 0 to 600 as the table says, whatever the arguments", () => {
            const table = filterOf(machine).table.get(abi);
            assert.ok(table && table.size > 200);
            const rules = new Map([...table.values()].map(({ number, rule }) => [number, rule]));
            const architecture = ARCHITECTURES[abi];
            let decidedByArguments = 0;
            for (const number of NUMBERS) {
                const expected = fixedOutcome(rules.get(number), number);
                if (expected === undefined) {
                    decidedByArguments++;
                    continue;
                }
                for (const args of [[], Array<bigint>(6).fill(2n ** 64n - 1n)]) {
                    const outcome = decide(machine, { architecture, number, args });
                    assert.equal(outcome, expected, `number ${number}`);
                }
            }
            assert.equal(decidedByArguments, abi === "i386" ? 7 : 6);
        });

        test("takes at most 30 instructions for any call", () => {
            for (const number of NUMBERS) {
                const data = { architecture: ARCHITECTURES[abi], number };
                const { steps } = evaluate(filterOf(machine).program, data);
                assert.ok(steps <= 30, `number ${number} takes ${steps}`);
            }
        });

        test("answers clone3 as if the kernel did not have it", () => {
            assert.equal(call(abi, "clone3"), ENOSYS);
        });

        test("lets threads and processes be made, but no namespace", () => {
            const threadFlags = 0x3d0f00; // what pthread_create(3) passes
            const exitSignal = 17;
            assert.equal(call(abi, "clone", threadFlags), "allow");
            assert.equal(call(abi, "clone", exitSignal), "allow");
            assert.equal(call(abi, "unshare", 0x200 | 0x400), "allow"); // CLONE_FS, CLONE_FILES
            for (const namespace of [
                0x00020000, // mount
                0x02000000, // cgroup
                0x04000000, // uts
                0x08000000, // ipc
                0x10000000, // user
                0x20000000, // pid
                0x40000000, // net
            ]) {
                assert.equal(call(abi, "clone", namespace | exitSignal), EPERM);
                assert.equal(call(abi, "unshare", namespace), EPERM);
                assert.equal(call(abi, "unshare", namespace | 0x200), EPERM);
            }
            assert.equal(call(abi, "unshare", 0x80), EPERM); // CLONE_NEWTIME
            assert.equal(call(abi, "setns", 3, 0), EPERM);
        });

        test("lets nobody type into a terminal, whatever the request's high bits are", () => {
            for (const request of [0x5412n, 0x541cn]) {
                assert.equal(call(abi, "ioctl", 0, request), EPERM);
                assert.equal(call(abi, "ioctl", 0, request | (1n << 32n)), EPERM);
                assert.equal(call(abi, "ioctl", 0, request | (0xffffffffn << 32n)), EPERM);
            }
            assert.equal(call(abi, "ioctl", 0, 0x5413), "allow"); // TIOCGWINSZ
            assert.equal(call(abi, "ioctl", 0x5412, 0x5401), "allow"); // the fd is none of its business
        });

        test("lets sockets of the listed families be made only", () => {
            for (const family of [1, 2, 10]) {
                assert.equal(call(abi, "socket", family, 1, 0), "allow");
            }
            assert.equal(call(abi, "socket", 16, 3, 0), "allow"); // netlink: route
            assert.equal(call(abi, "socket", 16, 3, 4), "allow"); // netlink: sock_diag
            for (const protocol of [1, 2, 5, 9, 12, 15, 16, 21, 0xffffffff]) {
                assert.equal(call(abi, "socket", 16, 3, protocol), EPROTONOSUPPORT);
            }
            for (let family = 0; family < 256; family++) {
                if (![1, 2, 10, 16].includes(family)) {
                    assert.equal(call(abi, "socket", family, 2, 0), EAFNOSUPPORT);
                }
                const pair = family === 1 ? "allow" : EAFNOSUPPORT;
                assert.equal(call(abi, "socketpair", family, 1, 0), pair);
            }
            // 38 is AF_ALG; the kernel looks at 32 bits.
            assert.equal(call(abi, "socket", (1n << 32n) | 38n, 5, 0), EAFNOSUPPORT);
        });

        test("lets no personality weaken memory protection", () => {
            for (const personality of [0, 8, 0x20000, 0x20008, 0xffffffff]) {
                assert.equal(call(abi, "personality", personality), "allow");
            }
            for (const personality of [0x0040000, 0x0400000, 0x0100000]) {
                assert.equal(call(abi, "personality", personality), EPERM);
            }
        });

        test("refuses what reaches the host's kernel", () => {
            for (const name of [
                ..."add_key bpf delete_module finit_module fsconfig fsmount fsopen fspick".split(
                    " ",
                ),
                ..."init_module io_uring_enter io_uring_register io_uring_setup kexec_load".split(
                    " ",
                ),
                ..."keyctl mount mount_setattr move_mount open_by_handle_at open_tree".split(" "),
                ..."open_tree_attr perf_event_open pivot_root reboot request_key swapon".split(" "),
                ..."syslog umount2 userfaultfd".split(" "),
            ]) {
                assert.equal(call(abi, name), EPERM, name);
            }
        });

        test("knows every call of the kernel's headers by its number", async () => {
            const table = filterOf(machine).table.get(abi);
            for (const [name, number] of await headerNumbers(abi)) {
                assert.equal(table?.get(name)?.number, number, name);
            }
        });
    });
}

/** Headers with an ABI's numbers; arm64 has the generic ones and says which of the optional it wants. */
const HEADERS: Record<Abi, string[]> = {
    x86_64: ["-include", "asm/unistd_64.h"],
    i386: ["-include", "asm/unistd_32.h"],
    aarch64: [
        ..."RENAMEAT NEW_STAT SET_GET_RLIMIT SYS_CLONE3 MEMFD_SECRET"
            .split(" ")
            .map((option) => `-D__ARCH_WANT_${option}`),
        ...["-include", "asm-generic/unistd.h"],
    ],
};

/** The __NR_* of the kernel's headers; the names of some stand for another macro. */
async function headerNumbers(abi: Abi): Promise<Map<string, number>> {
    const text = await run("gcc", ["-E", "-dM", ...HEADERS[abi], "-xc", "/dev/null"]);
    const macros = new Map(
        [...text.matchAll(/^#define (__NR\w+) (\w+)$/gm)].map(([, name = "", value = ""]) => [
            name,
            value,
        ]),
    );
    const numbers = [...macros]
        .filter(([name]) => /^__NR_(?!syscalls$|arch_specific_syscall$)/.test(name))
        .map(([name, value]): [string, number] => [
            name.slice("__NR_".length),
            Number(macros.get(value) ?? value),
        ]);
    assert.ok(numbers.length > 250);
    return new Map(numbers);
}

test("x32, which is x86-64 with bit 30 in the number, does not exist", () => {
    for (const number of NUMBERS) {
        const outcome = decide("x86_64", {
            architecture: ARCHITECTURES.x86_64,
            number: 0x40000000 + number,
        });
        assert.equal(outcome, ENOSYS);
    }
});

test("the old door to sockets on i386 is open but for making them", () => {
    for (let operation = 1; operation <= 20; operation++) {
        const expected = operation === 1 || operation === 8 ? EAFNOSUPPORT : "allow";
        assert.equal(call("i386", "socketcall", operation), expected);
    }
});

test("a process of an ABI that the machine's filter does not know is killed", () => {
    for (const [machine, architecture] of [
        ["x86_64", ARCHITECTURES.aarch64],
        ["aarch64", ARCHITECTURES.arm],
        ["aarch64", ARCHITECTURES.x86_64],
        ["x86_64", 0],
    ] as const) {
        assert.equal(decide(machine, { architecture, number: 0 }), "kill");
    }
});

test("the generator refuses a machine that it has no policy for", async () => {
    const generator = join(root, "native/build/generated/seccomp_generate");
    await assert.rejects(run(generator, ["filter", "m68k"]), /no policy for machine: m68k/);
});

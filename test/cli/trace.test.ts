import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { formatTimeline } from "../../server/cli/timeline";
import type { StartResult, TraceStep } from "../../server/protocol";
import { busyboxRootfs, temporaryRoots, type TemporaryRoots } from "../support/fixtures";
import { Mcm } from "./mcm";

const STEPS: TraceStep[] = [
    {
        who: "monitor",
        step: "clone",
        call: "clone3",
        detail: { pid: 7, flags: "CLONE_NEWUSER|CLONE_NEWPID" },
        at: 90,
        us: 80,
    },
    {
        who: "child",
        step: "overlay",
        call: "fsmount",
        detail: { type: "overlay", options: "lowerdir=/a b", attributes: "0" },
        at: 1090,
        us: 1000,
    },
    { who: "child", step: "clone", call: "setsid", detail: {}, at: 1090, us: 0 },
    {
        who: "monitor",
        step: "sync",
        call: "recvmsg",
        detail: { what: "the child is prepared" },
        at: 1100,
        us: 1010,
    },
];

test("a timeline is aligned, marks what is slow, and sets waiting apart", () => {
    assert.equal(
        formatTimeline(STEPS),
        [
            "at µs  took µs  who      step     call     detail",
            "   90     * 80  monitor  clone    clone3   pid=7 flags=CLONE_NEWUSER|NEWPID",
            ' 1090   * 1000  child    overlay  fsmount  type=overlay options="lowerdir=/a b" attributes=0',
            " 1090        0  child    clone    setsid   -",
            ' 1100   (1010)  monitor  sync     recvmsg  what="the child is prepared"',
            "4 steps in 1100 µs; (waiting for another process); " +
                "slowest (*): overlay fsmount 1000, clone clone3 80",
            "",
        ].join("\n"),
    );
});

suite("mcm with --trace", () => {
    let roots: TemporaryRoots;
    let mcm: Mcm;
    let rootfs: string;

    before(async () => {
        roots = await temporaryRoots();
        mcm = new Mcm(roots.env);
        rootfs = await busyboxRootfs();
    });

    after(async () => {
        await mcm.removeAll();
        await roots.dispose();
    });

    /** The columns who, step and call of every line of a timeline. */
    function callsOf(stderr: string): string[] {
        return [...stderr.matchAll(/^ *\d+ +(?:\* )?\(?\d+\)? +(\w+ +\S+ +\S+)/gm)].map(
            ([, names = ""]) => names.replaceAll(/ +/g, " "),
        );
    }

    test("run shows on stderr how it starts, up to the command", async () => {
        const { code, stdout, stderr } = await mcm.run([
            ...["run", "--trace", "--name", "traced", "--rootfs", rootfs, "--pids", "50"],
        ]);
        assert.equal(code, 0, stderr);
        assert.match(stdout, /^[0-9a-f]{12}\n$/);
        const calls = callsOf(stderr);
        const order = [
            "launcher lock flock",
            "monitor clone clone3",
            "child pivot-root pivot_root",
        ];
        assert.deepEqual(
            order.map((call) => calls.indexOf(call)).toSorted((a, b) => a - b),
            order.map((call) => calls.indexOf(call)),
            calls.join("\n"),
        );
        assert.match(stderr, new RegExp(`^${calls.length} steps in \\d+ µs; .*slowest`, "m"));
    });

    test("exec and start show theirs; what they print on stdout stays what it is", async () => {
        const entered = await mcm.run(["exec", "--trace", "traced", "/bin/echo", "out"]);
        assert.deepEqual([entered.code, entered.stdout], [0, "out\n"]);
        assert(callsOf(entered.stderr).includes("command exec execve"), entered.stderr);
        await mcm.output("stop", "traced");
        const started = await mcm.run(["start", "--trace", "traced"]);
        assert.deepEqual([started.code, started.stdout], [0, "traced\n"]);
        assert(callsOf(started.stderr).includes("child hostname sethostname"), started.stderr);
    });

    test("with --json run prints the container and its steps in the order of their ends", async () => {
        const result = (await mcm.json(
            ...["run", "--trace", "--json", "--rootfs", rootfs, "/bin/sleep", "1000"],
        )) as StartResult;
        assert.equal(result.state.kind, "running");
        const ends = result.trace?.map(({ at }) => at) ?? [];
        assert.deepEqual(
            ends,
            ends.toSorted((a, b) => a - b),
        );
        const exec = result.trace?.find(({ call }) => call === "execve");
        assert.deepEqual(exec?.detail, { path: "/bin/sleep", arguments: "/bin/sleep 1000" });
    });

    test("what fails to start shows how far it came, and then the failure", async () => {
        for (const args of [
            ["run", "--trace", "--rootfs", rootfs, "--", "/nowhere"],
            ["exec", "--trace", "traced", "/nowhere"],
        ]) {
            const { code, stdout, stderr } = await mcm.run(args);
            assert.deepEqual([code, stdout], [127, ""], stderr);
            const calls = callsOf(stderr);
            assert(calls.includes("command seccomp seccomp"), stderr);
            assert(!calls.includes("command exec execve"), stderr);
            assert.match(stderr, /\nmcm: .*\/nowhere.*\n$/);
        }
    });

    test("without it there is none", async () => {
        assert.match(await mcm.output("run", "--rootfs", rootfs), /^[0-9a-f]{12}\n$/);
        const result = await mcm.json("run", "--json", "--rootfs", rootfs);
        assert.equal((result as StartResult).trace, undefined);
    });

    test("--json and a terminal exclude each other", async () => {
        assert.match(await mcm.failure(125, "run", "-it", "--json"), /^--json .*leave out -i -t$/);
    });
});

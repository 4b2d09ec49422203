import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import {
    busyboxRootfs,
    eventually,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";
import { Mcm, type Terminal } from "./mcm";

suite("mcm in a terminal", () => {
    let roots: TemporaryRoots;
    let rootfs: string;
    let mcm: Mcm;
    let terminal: Terminal;
    /** The terminal's modes before. */
    let modes: string;

    before(async () => {
        rootfs = await busyboxRootfs();
        roots = await temporaryRoots();
        mcm = new Mcm(roots.env);
    });

    beforeEach(async () => {
        terminal = await mcm.terminal();
        modes = terminalModes();
    });

    afterEach(async () => {
        await eventually(() => terminalModes() === modes, "the terminal is as it was");
        await terminal.close();
        await mcm.removeAll();
    });

    after(() => roots.dispose());

    function terminalModes(): string {
        return execFileSync("stty", ["-g", "-F", terminal.device], { encoding: "utf8" });
    }

    /** Types a command line of mcm and gives its pid; shows `code=N` when it has ended. */
    async function type(line: string): Promise<number> {
        terminal.type(`mcm ${line}; echo code=$?.\n`);
        const [, pid] = await terminal.see(/pid=(\d+)\./);
        return Number(pid);
    }

    test("run -it is the command's terminal, and ends with its exit code", async () => {
        await type(`run -it --name tty --rootfs '${rootfs}' --env PS1=ready: /bin/sh`);
        await terminal.see(/ready:/);
        terminal.type("stty size; tty; echo term=$TERM\n");
        await terminal.see(/30 100\s+\/dev\/\S+\s+term=xterm\s+ready:/);
        terminal.type("exit 3\n");
        await terminal.see(/code=3\./);
        assert.deepEqual(await mcm.output("rm", "tty"), "tty\n");
    });

    test("exec -it gives Ctrl-C to the command and follows the terminal's size", async () => {
        const id = await mcm.container("--rootfs", rootfs);
        await type(`exec -it --env PS1=ready: ${id} /bin/sh`);
        await terminal.see(/ready:/);
        terminal.type("sleep 1000\n");
        await eventually(async () => (await processes(id)).includes("sleep 1000"), "sleep runs");
        terminal.type("\x03");
        await terminal.see(/ready:/);
        terminal.type("echo interrupted=$?\n");
        await terminal.see(/interrupted=130/);
        execFileSync("stty", ["-F", terminal.device, "rows", "41", "cols", "99"]);
        terminal.type("stty size\n");
        await terminal.see(/41 99/);
        terminal.type("exit 5\n");
        await terminal.see(/code=5\./);
    });

    async function processes(id: string): Promise<string> {
        return (await mcm.run(["exec", id, "/bin/ps"])).stdout;
    }

    test("ctrl-p ctrl-q leave a container that runs on, and attach shows what was there", async () => {
        await type(`run -it --name stay --rootfs '${rootfs}' --env PS1=ready: /bin/sh`);
        await terminal.see(/ready:/);
        terminal.type("echo $((6 * 7)) is the answer\n");
        await terminal.see(/42 is the answer\s+ready:/);
        terminal.type("\x10\x11");
        await terminal.see(/mcm: detached; stay runs on, come back with mcm attach [0-9a-f]{12}/);
        await terminal.see(/code=0\./);
        await type("attach stay");
        await terminal.see(/42 is the answer\s+ready:/);
        terminal.type("exit\n");
        await terminal.see(/code=0\./);
    });

    test("run -it --rm leaves nothing, however short the command", async () => {
        await type(`run -it --rm --rootfs '${rootfs}' /bin/echo just this`);
        await terminal.see(/just this/);
        await terminal.see(/code=0\./);
        await eventually(
            async () => ((await mcm.json("list", "--json")) as unknown[]).length === 0,
            "the container is gone",
        );
    });

    for (const signal of ["SIGTERM", "SIGHUP"] as const) {
        test(`a mcm that ${signal} ends gives the terminal back and hangs the command up`, async () => {
            const id = await mcm.container("--rootfs", rootfs);
            const pid = await type(
                `exec -it --env PS1=ready: ${id} /bin/sh -c 'echo begun; sleep 1000'`,
            );
            await terminal.see(/begun/);
            process.kill(pid, signal);
            await terminal.see(signal === "SIGTERM" ? /code=143\./ : /code=129\./);
            await eventually(
                async () => !(await processes(id)).includes("sleep 1000"),
                "sleep ended",
            );
        });
    }

    test("a container that is killed under exec -it gives the terminal back", async () => {
        const id = await mcm.container("--rootfs", rootfs);
        await type(`exec -it ${id} /bin/sh -c 'echo begun; sleep 1000'`);
        await terminal.see(/begun/);
        await mcm.run(["stop", "--time", "0", id]);
        await terminal.see(/mcm: the container has ended, and the command with it/);
        await terminal.see(/code=137\./);
    });

    test("rootfs import shows its progress, and clears it away", async () => {
        await type(`rootfs import busy '${rootfs}'`);
        await terminal.see(/\r[0-9]+ files?, [0-9.]+ ([KM]i)?B/);
        await terminal.see(/\r\S*busy\s+code=0\./);
        await mcm.output("rootfs", "rm", "busy");
    });

    test("stats are painted in place until Ctrl-C", async () => {
        await mcm.container("--rootfs", rootfs, "--name", "painted");
        await type("stats");
        await terminal.see(/CONTAINER ID[\s\S]*painted[\s\S]*\[H[\s\S]*painted/);
        terminal.type("\x03");
        await terminal.see(/\[\?25h[\s\S]*code=0\./);
    });
});

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import type { ContainerStatus, RootfsInfo } from "../../server/protocol";
import {
    busyboxRootfs,
    eventually,
    exportedTarball,
    temporaryRoots,
    type TemporaryRoots,
} from "../support/fixtures";
import { CLI, launch, Mcm } from "./mcm";

suite("mcm in pipes and scripts", () => {
    let roots: TemporaryRoots;
    let rootfs: string;
    let mcm: Mcm;

    before(async () => {
        rootfs = await busyboxRootfs();
        roots = await temporaryRoots();
        mcm = new Mcm(roots.env);
    });

    afterEach(() => mcm.removeAll());

    after(() => roots.dispose());

    /** A container that runs `script`. */
    function script(text: string, ...options: string[]): Promise<string> {
        return mcm.container("--rootfs", rootfs, ...options, "/bin/sh", "-c", text);
    }

    test("exec keeps stdout and stderr apart and passes every byte on", async () => {
        const id = await mcm.container("--rootfs", rootfs);
        const command = ["exec", id, "/bin/sh", "-c", "printf 'out\\033[1m\\n'; echo err >&2"];
        const { code, stdout, stderr } = await mcm.run(command);
        assert.deepEqual([code, stdout, stderr], [0, "out\x1b[1m\n", "err\n"]);
    });

    test("exec -i gives its input to the command, to its end, however large", async () => {
        const id = await mcm.container("--rootfs", rootfs);
        const size = 5 * 1024 * 1024;
        const counted = await mcm.run(["exec", "-i", id, "wc", "-c"], "x".repeat(size));
        assert.deepEqual([counted.code, counted.stdout.trim()], [0, String(size)]);
        // A command that reads nothing ends the same.
        const ignored = await mcm.run(["exec", "-i", id, "true"], "x".repeat(size));
        assert.equal(ignored.code, 0, ignored.stderr);
    });

    test("exec without -i leaves its input alone", async () => {
        const id = await mcm.container("--rootfs", rootfs);
        const { code, stdout } = await mcm.run(["exec", id, "/bin/cat"], "not for it");
        assert.deepEqual([code, stdout], [0, ""]);
    });

    test("Ctrl-C on exec ends the command inside", async () => {
        const id = await mcm.container("--rootfs", rootfs);
        const { child, output, ended } = mcm.start(
            "exec",
            id,
            "/bin/sh",
            "-c",
            "trap 'echo caught; exit 7' INT; echo begun; while :; do sleep 0.1; done",
        );
        await eventually(() => output.stdout === "begun\n", "the command runs");
        child.kill("SIGINT");
        const { code, stdout } = await ended;
        assert.deepEqual([code, stdout], [7, "begun\ncaught\n"]);
    });

    test("options, a directory, a user and a variable reach the commands", async () => {
        const id = await mcm.container(
            ...["--rootfs", rootfs, "--hostname", "box", "--env", "A=b c", "--workdir", "/tmp"],
            ...["--volume", `${rootfs}:/mnt:ro`, "--pids", "50", "--cpuset", "0", "--name", "web"],
        );
        const show = "hostname; ls -d /mnt/bin; touch /mnt/x 2>/dev/null || echo read-only";
        assert.equal(
            await mcm.output("exec", "web", "/bin/sh", "-c", show),
            "box\n/mnt/bin\nread-only\n",
        );
        const exec = ["exec", "--user", "1000:100", "--workdir", "/mnt", "--env", "X=y"];
        const inside = "id -u; id -g; pwd; echo $X";
        assert.equal(
            await mcm.output(...exec, id, "/bin/sh", "-c", inside),
            "1000\n100\n/mnt\ny\n",
        );
        const { limits } = (await mcm.json("status", "web", "--json")) as ContainerStatus;
        assert.deepEqual(limits, { cpuset: "0", pids: 50 });
    });

    test("logs puts each stream where it belongs, and --tail shows the end", async () => {
        const id = await script("echo one; echo two; echo three >&2");
        await eventually(async () => (await state(id)) === "exited", "it has ended");
        const { code, stdout, stderr } = await mcm.run(["logs", id]);
        assert.deepEqual([code, stdout, stderr], [0, "one\ntwo\n", "three\n"]);
        const tail = await mcm.run(["logs", "--tail", "1", id]);
        assert.equal((tail.stdout + tail.stderr).split("\n").length, 2, "one line");
    });

    async function state(id: string): Promise<string> {
        return ((await mcm.json("status", id, "--json")) as ContainerStatus).state.kind;
    }

    test("logs --follow ends with the container", async () => {
        const id = await script("echo one; while [ ! -e /go ]; do sleep 0.05; done; echo two");
        const { output, ended } = mcm.start("logs", "--follow", id);
        await eventually(() => output.stdout === "one\n", "the first line");
        await mcm.output("exec", id, "/bin/touch", "/go");
        const { code, stdout } = await ended;
        assert.deepEqual([code, stdout], [0, "one\ntwo\n"]);
    });

    test("Ctrl-C ends logs --follow and stats cleanly", async () => {
        const id = await script("echo one; sleep 1000");
        for (const args of [["logs", "--follow", id], ["stats"], ["stats", "--json"]]) {
            const { child, output, ended } = mcm.start(...args);
            await eventually(() => output.stdout !== "", `${args.join(" ")} prints something`);
            child.kill("SIGINT");
            const { code, stderr } = await ended;
            assert.deepEqual([code, stderr], [0, ""], args.join(" "));
        }
    });

    test("stats --once has a figure of cpu for every running container", async () => {
        const id = await script("while :; do :; done", "--name", "busy", "--cpu", "0.2");
        const table = await mcm.output("stats", "--once");
        assert.match(
            table,
            new RegExp(`^${id} +busy +[0-9]+\\.[0-9]% +[0-9.]+ s +[0-9.]+ [KM]iB `, "m"),
        );
        const sample = (await mcm.json("stats", "--once", "--json")) as {
            host: { cpus: number };
            containers: { id: string; name: string; cpu: number; pids: number }[];
        };
        assert(sample.host.cpus >= 1);
        assert.deepEqual(
            sample.containers.map(({ name }) => name),
            ["busy"],
        );
        assert(sample.containers[0]!.cpu > 0 && sample.containers[0]!.cpu < 0.9);
        await mcm.output("rm", "--force", id);
        assert.match(await mcm.output("stats", "--once"), /^CONTAINER ID.*\n$/);
    });

    test("a reader that goes away is no error", async () => {
        const id = await script("yes | head -20000; sleep 1000");
        await eventually(
            async () => (await mcm.output("logs", "--tail", "1", id)) === "y\n",
            "the log is written",
        );
        const pipe = `"$0" "$1" logs ${id} | head -1; "$0" "$1" exec ${id} yes | head -1`;
        const { ended } = launch(["sh", "-c", pipe, process.execPath, CLI], roots.env);
        const { code, stdout, stderr } = await ended;
        assert.deepEqual([code, stdout, stderr], [0, "y\ny\n", ""]);
    });

    test("restart, kill and rename do what they say", async () => {
        const id = await script("trap 'echo hup' HUP; while :; do sleep 0.05; done", "--name", "a");
        assert.equal(await mcm.output("rename", "a", "b"), "");
        assert.equal(await mcm.output("kill", "--signal", "HUP", "b"), "b\n");
        await eventually(async () => (await mcm.output("logs", id)) === "hup\n", "the trap ran");
        assert.equal((await mcm.run(["restart", "--time", "0", "b"])).code, 0);
        assert.equal(await state("b"), "running");
        assert.equal(await mcm.output("kill", "b"), "b\n");
        await eventually(async () => (await state("b")) === "exited", "it was killed");
        assert.match(await mcm.output("list"), /exited \(SIGKILL\)|exited \(137/);
    });

    test("stop tells when the grace was over", async () => {
        const id = await script("trap '' TERM; while :; do sleep 0.05; done");
        const { code, stdout, stderr } = await mcm.run(["stop", "--time", "1", id]);
        assert.deepEqual([code, stdout], [0, `${id}\n`]);
        assert.match(stderr, /did not end within 1 s and was killed/);
    });

    test("run --rm leaves nothing when the command has ended", async () => {
        await script("true", "--rm");
        await eventually(
            async () => ((await mcm.json("list", "--json")) as unknown[]).length === 0,
            "it is gone",
        );
    });

    test("Ctrl-C takes an import back", async () => {
        const imports = join(roots.stateDir, "rootfs");
        const { child, ended } = mcm.start("rootfs", "import", "large", "/usr");
        await eventually(
            () => existsSync(imports) && readdirSync(imports).length > 0,
            "the import has begun",
        );
        child.kill("SIGINT");
        const { code, stdout, stderr } = await ended;
        assert.deepEqual([code, stdout], [130, ""]);
        assert.equal(stderr, "mcm: the import of large was interrupted and taken back\n");
        assert.deepEqual(readdirSync(imports), []);
        assert.deepEqual(await mcm.json("rootfs", "list", "--json"), []);
    });

    test("a rootfs is imported, used, shown and removed", async () => {
        assert.equal(
            await mcm.output("rootfs", "import", "busy", await exportedTarball()),
            "busy\n",
        );
        const id = await mcm.container("--rootfs", "busy", "--name", "user");
        assert.match(await mcm.output("exec", id, "id"), /^uid=0/);
        const [info] = (await mcm.json("rootfs", "list", "--json")) as RootfsInfo[];
        assert.deepEqual([info?.name, info?.usedBy], ["busy", ["user"]]);
        assert.match(await mcm.output("rootfs", "list"), /^busy +[0-9.]+ [KM]iB .* user /m);
        assert.match(await mcm.failure(125, "rootfs", "rm", "busy"), /user/);
        await mcm.output("rm", "--force", id);
        assert.equal(await mcm.output("rootfs", "rm", "busy"), "busy\n");
        assert.deepEqual(await mcm.json("rootfs", "list", "--json"), []);
    });
});

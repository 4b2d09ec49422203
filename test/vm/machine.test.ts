/** The machine from outside: what it tells of its command, and that nothing of it survives. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../support/fixtures";
import { runInMachine } from "./machine";

/** For the machines of these tests: what mentions it is theirs. */
let directory: string;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "mcm machine "));
});

after(() => rm(directory, { recursive: true }));

/** Pids of processes that were started with the directory in arguments or environment. */
function processes(): string[] {
    return readdirSync("/proc").filter((name) => {
        try {
            const files = ["cmdline", "environ"].map((file) => `/proc/${name}/${file}`);
            return (
                /^\d+$/.test(name) &&
                Number(name) !== process.pid &&
                files.some((file) => readFileSync(file, "latin1").includes(directory))
            );
        } catch {
            return false; // ended meanwhile
        }
    });
}

test("a command's output and exit code come out as they are", async () => {
    const script = "echo out; echo err >&2; exit 7";
    const result = await runInMachine(["sh", "-c", script], { timeoutMs: 120_000 });
    assert.deepEqual(result, { code: 7, stdout: "out\n", stderr: "err\n" });
});

test("a machine whose time is over is ended, and its maker told", async () => {
    await assert.rejects(
        runInMachine(["sleep", "1000"], { timeoutMs: 8000 }),
        /ended without a result \(limit 8 s\)/,
    );
});

test("when the program that made a machine is killed, nothing of it survives", async () => {
    const program = ["--import", "tsx", join(__dirname, "machine.ts")];
    const child = spawn(process.execPath, [...program, "sh", "-c", "echo up; sleep 1000"], {
        env: { ...process.env, TMPDIR: directory },
        stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    assert.ok(processes().length > 3, "the machine runs");
    child.kill("SIGKILL");
    await eventually(() => processes().length === 0, "no process is left", 30_000);
    const left = (): string[] =>
        readdirSync(directory).filter((name) => name.startsWith("mcm-vm-"));
    await eventually(() => left().length === 0, "its folder is gone");
});

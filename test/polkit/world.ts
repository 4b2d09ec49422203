/**
 * A place where another user, sudo and polkit can be set up for real without touching this computer:
 * namespaces of mounts and processes of its own, in which /etc, /run and /var/lib are copies-on-write.
 * When its first process ends, everything in it is gone.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmod, chown, mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePackages } from "../../scripts/lib/apt";
import { cacheDirectory } from "../../scripts/lib/cache";
import { run } from "../../scripts/lib/run";
import { eventually } from "../support/eventually";

/** A user that only this world has. */
export const USER = { name: "tester", uid: 4321, password: "correct-horse" };

/** What polkit answers when the user wants to become root; undefined: it would have to ask. */
export type Verdict = "YES" | "NO" | undefined;

/** Mounts, in the new namespaces. $1 is the world's directory, $2 the cache. */
const SETUP = `set -e
for name in etc var/lib; do
    upper=$1/changes/$name
    mkdir -p "$upper" "$upper.work"
    mount -t overlay overlay -o "lowerdir=/$name,upperdir=$upper,workdir=$upper.work" "/$name"
done
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/dbus /run/lock
# Containers' layers cannot lie on another overlay.
mkdir -p /var/lib/my-container-manager "$1/state"
mount --bind "$1/state" /var/lib/my-container-manager
# Root's home is closed to others; of the cache in it they need the programs.
case $2 in /root/*)
    exec 3<"$2"
    mount -t tmpfs -o mode=755 root /root
    mkdir -p "$2"
    mount --no-canonicalize --bind /proc/self/fd/3 "$2"
    exec 3<&-
esac
echo ready
exec sleep infinity
`;

export class World {
    private constructor(
        /** Of the user, and the only one it can write to. */
        readonly home: string,
        private readonly directory: string,
        private readonly holder: ChildProcess,
        private readonly pid: number,
        private readonly services: ChildProcess[],
    ) {}

    /** Makes one, with the user, who may use sudo with a password, and polkit running. */
    static async start(): Promise<World> {
        await ensurePackages(["dbus", "pkexec", "polkitd", "sudo"]);
        const directory = await mkdtemp(join(tmpdir(), "mcm world "));
        await chmod(directory, 0o711);
        const home = join(directory, "home");
        await mkdir(home);
        await chown(home, USER.uid, USER.uid);
        const isolation = [
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
        ];
        const shell = ["/bin/sh", "-c", SETUP, "world", directory, cacheDirectory()];
        const holder = spawn("unshare", [...isolation, "--mount-proc", ...shell], {
            stdio: ["ignore", "pipe", "inherit"],
        });
        await new Promise<void>((resolve, reject) => {
            holder.stdout.once("data", () => resolve());
            holder.once("exit", () => reject(new Error("the namespaces could not be set up")));
        });
        const world = new World(home, directory, holder, await childOf(holder.pid ?? 0), []);
        await world.addUser();
        await world.startPolkit();
        return world;
    }

    /** Words before a command that is to run in here, as root or as the user. */
    enter(who: "root" | "user"): string[] {
        const ids = [`--reuid=${USER.uid}`, `--regid=${USER.uid}`, "--init-groups"];
        const setpriv = who === "user" ? ["setpriv", ...ids] : [];
        return ["nsenter", `--target=${this.pid}`, "--mount", "--pid", "--", ...setpriv];
    }

    /** Runs a program in here and returns what it wrote. */
    async run(who: "root" | "user", ...command: string[]): Promise<string> {
        const [program = "", ...args] = [...this.enter(who), ...command];
        return run(program, args);
    }

    /** Sets what polkit answers from now on. */
    async polkitAnswers(verdict: Verdict): Promise<void> {
        const rule = `polkit.addRule(function (action, subject) {
    if (action.id === "org.freedesktop.policykit.exec" && subject.user === "${USER.name}") {
        return ${verdict === undefined ? "polkit.Result.NOT_HANDLED" : `polkit.Result.${verdict}`};
    }
});
`;
        const file = join(this.directory, "10-test.rules");
        await writeFile(file, rule, { mode: 0o644 });
        await this.run("root", "cp", file, "/etc/polkit-1/rules.d/10-test.rules");
        // polkitd watches the directory, but tells nobody when it has read it.
        await eventually(
            async () => verdictShown(await this.pkexecTrue()) === verdict,
            `polkit answers ${verdict ?? "nothing"}`,
        );
    }

    /** What pkexec says to the user, who has no agent that could ask for a password. */
    private pkexecTrue(): Promise<string> {
        const script = "pkexec --disable-internal-agent /bin/echo YES 2>&1 || :";
        return this.run("user", "sh", "-c", script);
    }

    /** Ends every process in here and removes what they wrote. */
    async stop(): Promise<void> {
        const ended = new Promise((resolve) => this.holder.once("exit", resolve));
        this.holder.kill("SIGKILL");
        await ended;
        await Promise.all(this.services.map(exited));
        await rm(this.directory, { recursive: true });
    }

    private async addUser(): Promise<void> {
        const { name, uid, password } = USER;
        const flags = ["--uid", String(uid), "--no-create-home", "--home-dir", this.home];
        await this.run("root", "useradd", ...flags, "--user-group", "--shell", "/bin/bash", name);
        await this.shell(`echo '${name}:${password}' | chpasswd`);
        await this.shell(`echo '${name} ALL=(ALL) ALL' >/etc/sudoers.d/test`);
    }

    private async startPolkit(): Promise<void> {
        await this.run("root", "dbus-uuidgen", "--ensure");
        await this.service("dbus-daemon", "--system", "--nofork", "--nopidfile");
        await eventually(
            () =>
                this.shell(
                    "dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId",
                ),
            "the message bus answers",
        );
        await this.service("/usr/lib/polkit-1/polkitd", "--no-debug");
    }

    private shell(script: string): Promise<string> {
        return this.run("root", "sh", "-c", script);
    }

    private async service(...command: string[]): Promise<void> {
        const [program = "", ...args] = [...this.enter("root"), ...command];
        const child = spawn(program, args, { stdio: "ignore" });
        this.services.push(child);
        await new Promise((resolve, reject) => {
            child.once("spawn", resolve);
            child.once("error", reject);
        });
    }
}

function verdictShown(output: string): Verdict | "unknown" {
    if (output.includes("No authentication agent found")) {
        return undefined;
    }
    return output === "YES\n" ? "YES" : output.includes("Not authorized") ? "NO" : "unknown";
}

/** The only child of a process: of unshare the one that is first in the new namespace. */
async function childOf(pid: number): Promise<number> {
    return Number((await run("pgrep", ["--parent", String(pid)])).trim());
}

async function exited(child: ChildProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) {
        await new Promise((resolve) => child.once("exit", resolve));
    }
}

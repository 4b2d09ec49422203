/** Debian's packages: installing missing ones, and where this computer gets them from. */
import { readFile } from "node:fs/promises";
import { withLock } from "./cache";
import { progress, run } from "./run";

/** Makes sure that these Debian packages are installed; says so when it has to install some. */
export async function ensurePackages(names: string[]): Promise<void> {
    if ((await missingPackages(names)).length === 0) {
        return;
    }
    await withLock("apt", async () => {
        const missing = await missingPackages(names);
        if (missing.length > 0) {
            await install(missing);
        }
    });
}

async function install(names: string[]): Promise<void> {
    const command = `apt-get install --no-install-recommends ${names.join(" ")}`;
    if (process.getuid?.() !== 0) {
        throw new Error(`Debian packages are missing; as root: ${command}`);
    }
    progress(`installing Debian packages: ${names.join(" ")}`);
    const options = { env: { DEBIAN_FRONTEND: "noninteractive" } };
    await run("apt-get", ["-q", "update"], options);
    const flags = ["-q", "-y", "-o", "DPkg::Lock::Timeout=600", "--no-install-recommends"];
    await run("apt-get", ["install", ...flags, ...names], options);
}

/** Those that dpkg does not have installed completely. */
async function missingPackages(names: string[]): Promise<string[]> {
    const status = await readFile("/var/lib/dpkg/status", "utf8");
    const installed = new Set(
        [...status.matchAll(/^Package: (\S+)\nStatus: \S+ ok installed$/gm)].map((m) => m[1]),
    );
    return names.filter((name) => !installed.has(name));
}

export interface DebianMirror {
    uri: string;
    /** Code name of the release, for example "bookworm". */
    suite: string;
    /** apt's proxy for http, where one is configured. */
    proxy?: string;
}

/** Where apt gets this release's main archive from. */
export async function debianMirror(): Promise<DebianMirror> {
    const release = await readFile("/etc/os-release", "utf8");
    const suite = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1];
    if (suite === undefined) {
        throw new Error("/etc/os-release names no VERSION_CODENAME; is this Debian?");
    }
    const format = "$(CREATED_BY) $(LABEL) $(COMPONENT) $(CODENAME) $(REPO_URI)";
    const targets = await run("apt-get", ["indextargets", "--format", format]);
    const prefix = `Packages Debian main ${suite} `;
    const uri = targets
        .split("\n")
        .find((line) => line.startsWith(prefix))
        ?.slice(prefix.length);
    if (uri === undefined) {
        throw new Error(`apt has no source for ${suite} main; try apt-get update`);
    }
    const proxy = await run("apt-config", ["shell", "PROXY", "Acquire::http::Proxy"]);
    return { uri, suite, proxy: /^PROXY='(.+)'$/m.exec(proxy)?.[1] };
}

/** Building the programs and the package of the extension. */
import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ensurePackages } from "./apt";
import { run } from "./run";
import { newerNode } from "./vscode";

/** Directory of the repository. */
export const root = resolve(__dirname, "../..");

/** What the package may weigh, in bytes. */
const PACKAGE_LIMIT = 1.5 * 1024 * 1024;

/** Bundles the TypeScript and compiles the C, to out/. */
export async function build(options: { production: boolean }): Promise<void> {
    await ensurePackages(["gcc", "libc6-dev", "make"]);
    const flags = options.production ? ["--production"] : [];
    await run(process.execPath, ["esbuild.mjs", ...flags], { cwd: root });
    await run("make", ["-C", "native"], { cwd: root });
}

/** Builds for production and makes the VSIX; returns its path. */
export async function makePackage(): Promise<string> {
    await build({ production: true });
    const { node, env } = await newerNode();
    await mkdir(join(root, "dist"), { recursive: true });
    const file = join(root, "dist/my-container-manager.vsix");
    const vsce = join(root, "node_modules/@vscode/vsce/vsce");
    const flags = [
        "--no-dependencies",
        "--allow-missing-repository",
        "--no-rewrite-relative-links",
    ];
    await run(node, [vsce, "package", ...flags, "--out", file], { cwd: root, env });
    const { size } = await stat(file);
    if (size > PACKAGE_LIMIT) {
        throw new Error(`${file} has ${size} bytes; ${PACKAGE_LIMIT} are allowed`);
    }
    return file;
}

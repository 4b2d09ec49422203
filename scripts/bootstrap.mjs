/**
 * What the npm scripts need before anything else of the project can be loaded: its packages. Plain
 * JavaScript that imports only what Node brings.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Installs the packages that package-lock.json names when node_modules is not of that lock. */
function installPackages() {
    if (isInstalled()) {
        return;
    }
    process.stderr.write("installing npm packages\n");
    const { status } = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
        cwd: root,
        stdio: ["ignore", "inherit", "inherit"],
    });
    if (status !== 0) {
        process.stderr.write("npm ci failed\n");
        process.exit(1);
    }
}

/** npm writes what it installed into node_modules/.package-lock.json. */
function isInstalled() {
    const record = join(root, "node_modules/.package-lock.json");
    if (!existsSync(record)) {
        return false;
    }
    const wanted = readPackages(join(root, "package-lock.json"));
    const present = readPackages(record);
    return Object.entries(wanted).every(
        ([name, { version, optional }]) =>
            name === "" || optional === true || present[name]?.version === version,
    );
}

function readPackages(path) {
    return JSON.parse(readFileSync(path, "utf8")).packages;
}

/**
 * Runs a TypeScript file of this folder in this process, with the packages it needs installed.
 *
 * @param {string} file name without folder
 */
export function runScript(file) {
    installPackages();
    // tsx is resolved from the repository, wherever this was started.
    const require = createRequire(join(root, "package.json"));
    require("tsx/cjs");
    require(join(root, "scripts", file));
}

/** `npm run fuzz`: random input for what parses outside text in native/, for as long as is wanted. */
import { parseArgs } from "node:util";
import { buildFuzzers, fuzzAtLength, fuzzTargets } from "./lib/fuzz";

const HELP = `npm run fuzz [-- OPTION… TARGET…]

Feeds the targets of test/fuzz with random input, one after the other. Input that is worth keeping
goes to out/fuzz/TARGET/ and is where the next run begins; input that ends a target goes to
out/fuzz/TARGET-crash-*, and belongs into test/fuzz/corpus/TARGET/ under a name, with its fix.

  --seconds N    for each target; 60 unless told
  --list         the targets
  --help         this text
`;

const DEFAULT_SECONDS = "60";

async function main(): Promise<boolean> {
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: {
            seconds: { type: "string", default: DEFAULT_SECONDS },
            list: { type: "boolean" },
            help: { type: "boolean" },
        },
    });
    const targets = await fuzzTargets();
    if (values.help === true || values.list === true) {
        process.stdout.write(values.help === true ? HELP : `${targets.join("\n")}\n`);
        return true;
    }
    const seconds = Number(values.seconds);
    if (!Number.isInteger(seconds) || seconds < 1) {
        throw new Error(`--seconds: '${values.seconds}' is not a number of seconds`);
    }
    const unknown = positionals.find((name) => !targets.includes(name));
    if (unknown !== undefined) {
        throw new Error(`there is no target ${unknown}; the targets are ${targets.join(", ")}`);
    }
    await buildFuzzers();
    let good = true;
    for (const target of positionals.length > 0 ? positionals : targets) {
        const { outcome, error } = await fuzzAtLength(target, seconds);
        process.stdout.write(`${target.padEnd(16)} ${outcome}\n${error ?? ""}`);
        good &&= outcome === "passed";
    }
    return good;
}

void main().then(
    (good) => (process.exitCode = good ? 0 : 1),
    (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
        process.exitCode = 1;
    },
);

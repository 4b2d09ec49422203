/** The options of limits, and the commands that change and pause containers. */
import type { Command } from "commander";
import { examples, ID_HELP, IDS_HELP, valueOption, type Definition } from "./define";
import type { TypedLimits } from "./lifecycle";
import {
    NONE,
    parseCount,
    parseCpuLimit,
    parseCpuset,
    parseMemoryLimit,
    parseRate,
} from "./values";

/** Reads the value of a limit. */
type ParseLimit<T> = (option: string, value: string) => T;

/** Takes also {@link NONE}. */
function clearable<T>(parse: ParseLimit<T>): ParseLimit<T | typeof NONE> {
    return (option, value) => (value === NONE ? NONE : parse(option, value));
}

/** A limit's parser as it is. */
function plain<T>(parse: ParseLimit<T>): ParseLimit<T> {
    return parse;
}

/** Adds the options of all limits. */
function addLimits(
    command: Command,
    wrap: <T>(parse: ParseLimit<T>) => ParseLimit<T | typeof NONE>,
): Command {
    const pids: ParseLimit<number> = (option, value) => parseCount(option, value, 1);
    return command
        .addOption(
            valueOption(
                "-m, --memory <size>",
                "most memory: digits with an optional K, M, G or T (binary)",
                wrap(parseMemoryLimit),
            ),
        )
        .addOption(
            valueOption("--cpu <cores>", "most cpu, in cores, at least 0.01", wrap(parseCpuLimit)),
        )
        .addOption(valueOption("--cpuset <list>", "cpus it may run on: 0-1,3", wrap(parseCpuset)))
        .addOption(valueOption("--pids <number>", "most processes and threads", wrap(pids)))
        .addOption(
            valueOption("--io-read <size>", "most bytes a second from its disks", wrap(parseRate)),
        )
        .addOption(
            valueOption("--io-write <size>", "most bytes a second to its disks", wrap(parseRate)),
        );
}

/** Adds the options of all limits of a new container. */
export function limitOptions(command: Command): Command {
    return addLimits(command, plain);
}

/** Defines `mcm update`, `mcm pause` and `mcm resume`. */
export function defineLimits({ program, context, action }: Definition): void {
    addLimits(program.command("update"), clearable)
        .summary("change limits of a container")
        .description(
            "Changes limits of a container: all of those given, or none, at once when it runs, " +
                `and from its next start on. Those not given stay; ${NONE} clears one.`,
        )
        .argument("<id>", ID_HELP)
        .action(
            action(async (id: string, options: TypedLimits) =>
                (await import("./lifecycle")).update(id, options, context),
            ),
        )
        .addHelpText(
            "after",
            examples(
                ["mcm update --memory 200M --io-write 5M web", "two limits, the others stay"],
                [`mcm update --cpu ${NONE} web`, "as much cpu as there is"],
            ),
        );
    program
        .command("pause")
        .summary("make containers stand still")
        .description("Makes every process of containers stand still until they are resumed.")
        .argument("<id...>", IDS_HELP)
        .action(action(async (ids: string[]) => (await import("./lifecycle")).pause(ids, context)))
        .addHelpText("after", examples(["mcm pause web", "it keeps its memory, and uses no cpu"]));
    program
        .command("resume")
        .summary("let paused containers go on")
        .description("Lets paused containers go on where they stood.")
        .argument("<id...>", IDS_HELP)
        .action(action(async (ids: string[]) => (await import("./lifecycle")).resume(ids, context)))
        .addHelpText("after", examples(["mcm resume web", ""]));
}

/** The command line as a whole: its commands, and how a mistake in it is told. */
import { Command, CommanderError } from "commander";
import { version } from "../../package.json";
import type { Context } from "./context";
import type { Definition } from "./define";
import { defineLifecycle, defineShow } from "./define-containers";
import { defineLimits } from "./define-limits";
import { defineBackend, defineDoctor, defineRootfs } from "./define-others";
import { defineRun } from "./define-run";
import { CliError, EXIT } from "./errors";

/**
 * Does what the arguments say.
 *
 * @param args without the program's own name
 * @returns the exit code
 * @throws CliError for a mistake in the arguments; whatever the command throws
 */
export async function execute(args: readonly string[], context: Context): Promise<number> {
    let exitCode: number = EXIT.ok;
    const program = defineProgram(context, (code) => (exitCode = code));
    try {
        await program.parseAsync(args, { from: "user" });
    } catch (error) {
        if (!(error instanceof CommanderError)) {
            throw error;
        }
        return endOfHelp(
            error,
            program.commands.find((command) => command.name() === args[0]),
        );
    }
    return exitCode;
}

/** Every command with its options; `finish` is told the exit code of the one that ran. */
export function defineProgram(context: Context, finish: (exitCode: number) => void): Command {
    const program = new Command("mcm")
        .description("Runs and manages Linux containers with nothing underneath but the kernel.")
        .version(version, "-V, --version", "print the version")
        .helpOption("-h, --help", "print this help")
        .helpCommand("help [command]", "print the help of a command")
        .enablePositionalOptions()
        .showSuggestionAfterError()
        .exitOverride()
        .configureOutput({
            writeOut: (text) => context.io.stdout.write(text),
            writeErr: (text) => context.io.stderr.write(text),
            outputError: () => undefined, // told by whoever catches the error, in one line
        })
        .addHelpText("after", "\nmcm COMMAND --help shows the options of a command and examples.");
    const definition: Definition = {
        program,
        context,
        action:
            (run) =>
            async (...args) =>
                finish(await run(...args)),
    };
    defineRun(definition);
    defineShow(definition);
    defineLifecycle(definition);
    defineLimits(definition);
    defineRootfs(definition);
    defineBackend(definition);
    defineDoctor(definition);
    return program;
}

/** Commander ends help in an error too. A mistake becomes one of ours. */
function endOfHelp({ code, exitCode, message }: CommanderError, command?: Command): number {
    if (exitCode === 0) {
        return EXIT.ok;
    }
    if (code === "commander.help") {
        return EXIT.failed; // a command without its subcommand: its help was the answer
    }
    const text = message.replace(/^error: /, "").replaceAll("\n", " ");
    throw new CliError(`${text}; see mcm ${command ? `${command.name()} ` : ""}--help`);
}

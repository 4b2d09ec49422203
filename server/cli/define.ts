/** What the definitions of the commands have in common. */
import { Option, type Command } from "commander";
import type { Context } from "./context";

/** Adds commands to the program. */
export interface Definition {
    program: Command;
    context: Context;
    /** Makes an action for commander of one that gives the exit code of the program. */
    action: <A extends unknown[]>(
        run: (...args: A) => Promise<number>,
    ) => (...args: A) => Promise<void>;
}

/** Reads the value of an option; throws a CliError that names the option. */
type Parse<T> = (option: string, value: string, before?: T) => T;

/** An option whose value is parsed. */
export function valueOption<T>(flags: string, description: string, parse: Parse<T>): Option {
    const option = new Option(flags, description);
    const name = option.long ?? flags;
    return option.argParser<T>((value, before) => parse(name, value, before));
}

/** Examples at the end of a command's help: what to type, and what it is for. */
export function examples(...lines: readonly (readonly [command: string, does: string])[]): string {
    const width = Math.max(...lines.map(([command]) => command.length));
    const text = lines.map(([command, does]) => `  ${command.padEnd(width)}  ${does}`);
    return `\nExamples:\n${text.join("\n")}`;
}

/** What an ID is, for the help of every command that takes one. */
export const TRACE_HELP = "show on stderr each step of the start, with its values and microseconds";
export const ID_HELP = "an id, a unique beginning of one, or the container's name";

/** The same for a command that takes several. */
export const IDS_HELP = `${ID_HELP}; several are done at once, each failure is told`;

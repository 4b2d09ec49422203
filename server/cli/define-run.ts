/** The options of `mcm run`, `mcm exec` and `mcm attach`. */
import type { Command } from "commander";
import { examples, ID_HELP, TRACE_HELP, valueOption, type Definition } from "./define";
import { limitOptions } from "./define-limits";
import type { ExecOptions, RunOptions } from "./run";
import { parseEnv, parseRootfs, parseVolume } from "./values";

const EXIT_CODES = `
Exit codes:
  a command's own; 128+n when signal n ended it; 125 a failure of mcm itself;
  126 the command cannot be executed; 127 it was not found`;

/** Defines the commands that run something in a container. */
export function defineRun({ program, context, action }: Definition): void {
    runOptions(program.command("run"))
        .action(
            action(async (command: string[], options: RunOptions) =>
                (await import("./run")).run(command, options, context),
            ),
        )
        .addHelpText("after", RUN_HELP);
    execOptions(program.command("exec"))
        .action(
            action(async (id: string, command: string[], options: ExecOptions) =>
                (await import("./run")).exec(id, command, options, context),
            ),
        )
        .addHelpText("after", EXEC_HELP);
    program
        .command("attach")
        .summary("connect this terminal with a container's command")
        .description(
            "Connects this terminal with the command of a container that was started with -i. " +
                "What it has written lately is shown again. ctrl-p ctrl-q leave a terminal; " +
                "the container runs on.",
        )
        .argument("<id>", ID_HELP)
        .action(action(async (id: string) => (await import("./run")).attach(id, context)))
        .addHelpText(
            "after",
            examples(["mcm attach brave-otter", "back where ctrl-p ctrl-q left"]),
        );
}

function runOptions(command: Command): Command {
    command
        .summary("make a container and start it")
        .description(
            "Makes a container, starts it in the background and prints its id. Without a command " +
                "it waits, alive, until it is stopped. With -i -t this terminal becomes the " +
                "command's; ctrl-p ctrl-q leave it, the container runs on.",
        )
        .argument("[command...]", "the program and its arguments; options of mcm stand before it")
        .usage("[options] [--] [COMMAND [ARG...]]")
        .passThroughOptions()
        .option("--name <name>", "name of the container (default: made up)")
        .addOption(
            valueOption(
                "--rootfs <dir|name>",
                "root file system: a directory, an imported one, or host, this computer's own " +
                    "/usr copy-on-write (default: host)",
                parseRootfs,
            ),
        );
    return limitOptions(command)
        .option("--hostname <name>", "host name inside (default: the container's name)")
        .addOption(valueOption("-e, --env <key=value>", "environment variable; repeat", parseEnv))
        .option("-w, --workdir <dir>", "working directory inside (default: /)")
        .option("-u, --user <user[:group]>", "names or numbers inside (default: root)")
        .addOption(
            valueOption(
                "-v, --volume <src:dst[:mode]>",
                "a directory or file of this computer inside; ro read-only, rw (default), or " +
                    "cow: changes stay in the container; \\: is a : in a path; repeat",
                parseVolume,
            ),
        )
        .option("-i, --interactive", "keep recent output for whoever attaches")
        .option("-t, --tty", "give the command a terminal; with -i: this one")
        .option("--rm", "remove the container once it has ended")
        .option("--trace", TRACE_HELP)
        .option("--json", "print the container, and its trace, as JSON instead of the id");
}

function execOptions(command: Command): Command {
    return command
        .summary("run one more command in a running container")
        .description(
            "Runs one more command in a running container and ends as it does. Its stdout and " +
                "stderr stay apart, unless -t gives it a terminal.",
        )
        .argument("<id>", ID_HELP)
        .argument("<command...>", "the program and its arguments")
        .usage("[options] ID COMMAND [ARG...]")
        .passThroughOptions()
        .option("-i, --interactive", "connect the input of this command")
        .option("-t, --tty", "give it a terminal, this one")
        .option("-u, --user <user[:group]>", "names or numbers inside (default: root)")
        .option("-w, --workdir <dir>", "working directory inside")
        .addOption(valueOption("-e, --env <key=value>", "environment variable; repeat", parseEnv))
        .option("--trace", TRACE_HELP);
}

const RUN_JSON = `
JSON: one object as in mcm list --json, with --trace also trace: [{who, step, call,
  detail, at, us}], the steps in the order of their ends; at and us are microseconds
  since the beginning and of the step itself.`;

const RUN_HELP =
    examples(
        ["mcm run --memory 100M --cpu 0.5 /bin/sh", "a shell in the background, with limits"],
        ["mcm run -it --rm bash", "a shell right here, gone afterwards"],
        ["mcm run --rootfs ./debian --volume .:/work:ro make", "another system, this directory"],
        ["mcm run --name web --env PORT=80 -- httpd -f", "a name, a variable, a command"],
        ["mcm run --trace --rm true", "every step of how a container starts"],
    ) +
    EXIT_CODES +
    "\n" +
    RUN_JSON;

const EXEC_HELP =
    examples(
        ["mcm exec web ps", "one command"],
        ["mcm exec -it web bash", "a shell in this terminal"],
        ["mcm exec -i web tar -x < files.tar", "this command's input is its input"],
    ) + EXIT_CODES;

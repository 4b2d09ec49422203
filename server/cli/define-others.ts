/** The options of `mcm rootfs …` and `mcm backend …`. */
import type { Command } from "commander";
import type { UidOption } from "./backend";
import type { DoctorOptions } from "./doctor";
import { examples, valueOption, type Definition } from "./define";
import type { JsonOption } from "./show";
import { parseCount, parseRootfs } from "./values";

/** Defines the commands of root file systems. */
export function defineRootfs({ program, context, action }: Definition): void {
    const rootfs = program
        .command("rootfs")
        .summary("root file systems to make containers from")
        .description(
            "Imports, lists and removes root file systems that mcm run --rootfs can name.",
        );
    rootfs
        .command("list")
        .summary("the imported ones")
        .description("Lists the imported root file systems.")
        .option("--json", "print one JSON value instead of a table")
        .action(
            action(async (options: JsonOption) =>
                (await import("./rootfs")).listRootfs(options, context),
            ),
        )
        .addHelpText("after", examples(["mcm rootfs list", "with the containers that use them"]))
        .addHelpText("after", "\nJSON: an array of {name, size, importedAt, source, usedBy}.");
    rootfs
        .command("import")
        .summary("import a directory or a tarball")
        .description("Copies a directory, or a tarball as docker export writes it, under a name.")
        .argument("<name>", "name to give it")
        .argument("<tarball|dir>", "where it comes from")
        .action(
            action(async (name: string, source: string) =>
                (await import("./rootfs")).importRootfs(name, source, context),
            ),
        )
        .addHelpText(
            "after",
            examples(
                ["mcm rootfs import debian ./debian", "a directory, made by debootstrap"],
                ["mcm rootfs import alpine alpine.tar.gz", "a tarball"],
            ),
        );
    rootfs
        .command("rm")
        .summary("remove imported ones")
        .description("Removes imported root file systems that no container is made from.")
        .argument("<name...>", "as mcm rootfs list shows it")
        .action(
            action(async (names: string[]) =>
                (await import("./rootfs")).removeRootfs(names, context),
            ),
        )
        .addHelpText("after", examples(["mcm rootfs rm alpine", ""]));
}

function uidOption(command: Command, does = "the user it serves (default: you)"): Command {
    return command.addOption(
        valueOption("--uid <uid>", does, (option, value) => parseCount(option, value, 0)),
    );
}

/** Defines `mcm doctor`. */
export function defineDoctor({ program, context, action }: Definition): void {
    uidOption(program.command("doctor"), "ask the backend of this user (default: yours)")
        .summary("what this computer has and lacks for containers")
        .description(
            "Tries what containers need of this computer, and tells what follows from what is " +
                "missing and what to do. Leaves nothing behind.",
        )
        .addOption(
            valueOption(
                "--rootfs <dir|name>",
                "a root file system to examine, too",
                (option, value) => parseRootfs(option, value),
            ),
        )
        .option("--json", "print one JSON value instead of lines")
        .action(
            action(async (options: DoctorOptions) =>
                (await import("./doctor")).doctor(options, context),
            ),
        )
        .addHelpText(
            "after",
            examples(
                ["mcm doctor", "also without root, as far as that can tell"],
                ["mcm doctor --rootfs /srv/debian", "whether this one can be used"],
            ),
        )
        .addHelpText(
            "after",
            `
Each line begins with a sign: fine (✓ or +), limited in some way (!), preventing
containers (✗ or x), not to be tried without root (?). The exit code is 1 when
something prevents containers.

JSON: {ok, findings, backend}. findings is an array of {name, subject, outcome, code,
  detail, number}, with outcome "works", "fails" or "unknown"; backend is what mcm
  backend info --json prints with {containers, running, stateSize}, absent without one.`,
        );
}

/** Defines the commands of the backend. */
export function defineBackend({ program, context, action }: Definition): void {
    const backend = program
        .command("backend")
        .summary("the process that serves a user's VS Code and mcm")
        .description(
            "Starts, ends and describes the process that serves one user's VS Code and mcm. " +
                "Root's own mcm needs none. Containers run on without it.",
        );
    uidOption(backend.command("info"))
        .summary("what it is and what this computer can do")
        .description("Shows the running backend and what this computer can do.")
        .option("--json", "print one JSON value instead of a table")
        .action(
            action(async (options: JsonOption & UidOption) =>
                (await import("./backend")).backendInfo(options, context),
            ),
        )
        .addHelpText("after", examples(["mcm backend info", "of your own"]))
        .addHelpText(
            "after",
            `
JSON: {protocolVersion, version, pid, servesUid, startedAt, clients, kernel, cgroups,
  controllers, stateDirectory, runDirectory, log}.`,
        );
    uidOption(backend.command("start"))
        .summary("make sure that one runs (root)")
        .description("Makes sure, as root, that a backend runs for a user; prints its socket.")
        .action(
            action(async (options: UidOption) =>
                (await import("./backend")).backendStart(options, context),
            ),
        )
        .addHelpText("after", examples(["sudo mcm backend start --uid 1000", "for that user"]));
    uidOption(backend.command("stop"))
        .summary("end it; containers run on")
        .description("Ends the backend for all its clients; containers run on.")
        .action(
            action(async (options: UidOption) => (await import("./backend")).backendStop(options)),
        )
        .addHelpText("after", examples(["mcm backend stop", "your own"]));
}

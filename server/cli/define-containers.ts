/** The options of the commands that show containers and lead them through their life. */
import type { Command } from "commander";
import { examples, ID_HELP, IDS_HELP, TRACE_HELP, valueOption, type Definition } from "./define";
import type { StartOptions, StopOptions } from "./lifecycle";
import type { LogsOptions } from "./logs";
import type { JsonOption } from "./show";
import type { StatsOptions } from "./stats";
import { parseCount } from "./values";

/** Defines the commands that only look. */
export function defineShow({ program, context, action }: Definition): void {
    program
        .command("list")
        .summary("all containers")
        .description("Lists all containers, running ones first.")
        .option("--json", JSON_HELP)
        .action(
            action(async (options: JsonOption) => (await import("./show")).list(options, context)),
        )
        .addHelpText(
            "after",
            examples(["mcm list", "a table"], ["mcm list --json | jq '.[].id'", "the ids"]),
        )
        .addHelpText("after", LIST_JSON);
    program
        .command("status")
        .summary("how a container is and what it uses")
        .description("Shows the state of a container and, while it runs, what it uses.")
        .argument("<id>", ID_HELP)
        .option("--json", JSON_HELP)
        .action(
            action(async (id: string, options: JsonOption) =>
                (await import("./show")).status(id, options, context),
            ),
        )
        .addHelpText("after", examples(["mcm status web", "memory used of its limit, cpu, pids"]))
        .addHelpText("after", STATUS_JSON);
    program
        .command("inspect")
        .summary("everything that is known of a container")
        .description("Prints everything that is known of a container as one JSON object.")
        .argument("<id>", ID_HELP)
        .action(action(async (id: string) => (await import("./show")).inspect(id, context)))
        .addHelpText("after", examples(["mcm inspect web | jq .cgroups", "where its cgroups are"]))
        .addHelpText("after", INSPECT_JSON);
    program
        .command("stats")
        .summary("what running containers use, live")
        .description("Shows what running containers use, every second until Ctrl-C.")
        .option("--json", "print one JSON object a line, one for each sample")
        .option("--once", "print one sample and end")
        .action(
            action(async (options: StatsOptions) =>
                (await import("./stats")).stats(options, context),
            ),
        )
        .addHelpText(
            "after",
            examples(["mcm stats", "refreshed in place"], ["mcm stats --once", "now"]),
        )
        .addHelpText("after", STATS_JSON);
    defineLogs({ program, context, action });
    defineDiff({ program, context, action });
}

function defineLogs({ program, context, action }: Definition): void {
    program
        .command("logs")
        .summary("what a container's command has written")
        .description("Prints what a container's command has written, each stream where it belongs.")
        .argument("<id>", ID_HELP)
        .option("-f, --follow", "go on until the container ends, or Ctrl-C")
        .addOption(
            valueOption("-n, --tail <lines>", "only the last so many lines", (option, value) =>
                parseCount(option, value, 0),
            ),
        )
        .action(
            action(async (id: string, options: LogsOptions) =>
                (await import("./logs")).logs(id, options, context),
            ),
        )
        .addHelpText(
            "after",
            examples(["mcm logs --tail 20 --follow web", "the end, and what comes"]),
        );
}

function defineDiff({ program, context, action }: Definition): void {
    program
        .command("diff")
        .summary("what a container has changed")
        .description(
            "Shows what a container has changed relative to its root file system, running or not:\n" +
                "A added, M modified, D deleted.",
        )
        .argument("<id>", ID_HELP)
        .option("--json", JSON_HELP)
        .action(
            action(async (id: string, options: JsonOption) =>
                (await import("./diff")).diff(id, options, context),
            ),
        )
        .addHelpText("after", examples(["mcm diff web | grep '^A'", "what is new"]))
        .addHelpText("after", DIFF_JSON);
}

function stopTime(command: Command): Command {
    return command.addOption(
        valueOption(
            "--time <seconds>",
            "how long it may take to end before it is killed",
            (option, value) => parseCount(option, value, 0),
        ).default(10),
    );
}

/** Defines the commands that change containers. */
export function defineLifecycle({ program, context, action }: Definition): void {
    stopTime(program.command("stop"))
        .summary("end containers: TERM, a grace, KILL")
        .description("Asks containers to end, and kills what is left after a grace.")
        .argument("<id...>", IDS_HELP)
        .action(
            action(async (ids: string[], options: StopOptions) =>
                (await import("./lifecycle")).stop(ids, options, context),
            ),
        )
        .addHelpText(
            "after",
            examples(["mcm stop web db", "both"], ["mcm stop --time 0 web", "at once"]),
        );
    program
        .command("start")
        .summary("start stopped containers again")
        .description("Starts stopped containers again, with everything they have written.")
        .argument("<id...>", IDS_HELP)
        .option("--trace", TRACE_HELP)
        .action(
            action(async (ids: string[], options: StartOptions) =>
                (await import("./lifecycle")).start(ids, options, context),
            ),
        )
        .addHelpText("after", examples(["mcm start web", "as it was made"]));
    stopTime(program.command("restart"))
        .summary("stop containers that run, and start them")
        .description("Stops containers, if they run, and starts them again.")
        .argument("<id...>", IDS_HELP)
        .action(
            action(async (ids: string[], options: StopOptions) =>
                (await import("./lifecycle")).restart(ids, options, context),
            ),
        )
        .addHelpText(
            "after",
            examples(["mcm restart --time 3 web", "it has three seconds to end"]),
        );
    program
        .command("kill")
        .summary("send a signal to containers")
        .description("Sends a signal to the commands of containers.")
        .argument("<id...>", IDS_HELP)
        .option("--signal <signal>", "SIGHUP, HUP or 1", "KILL")
        .action(
            action(async (ids: string[], options: { signal: string }) =>
                (await import("./lifecycle")).kill(ids, options, context),
            ),
        )
        .addHelpText("after", examples(["mcm kill --signal HUP web", "as kill -HUP does"]));
    defineRemoveAndRename({ program, context, action });
}

function defineRemoveAndRename({ program, context, action }: Definition): void {
    program
        .command("rm")
        .summary("remove containers and what they have written")
        .description("Removes containers and everything they have written.")
        .argument("<id...>", IDS_HELP)
        .option("-f, --force", "kill it first if it runs")
        .action(
            action(async (ids: string[], options: { force?: boolean }) =>
                (await import("./lifecycle")).remove(ids, options, context),
            ),
        )
        .addHelpText(
            "after",
            examples(["mcm rm web", "a stopped one"], ["mcm rm --force web", "any"]),
        );
    program
        .command("rename")
        .summary("give a container another name")
        .description("Gives a container another name; its host name stays.")
        .argument("<id>", ID_HELP)
        .argument("<name>", "letters, digits, _ . and -, at most 63")
        .action(
            action(async (id: string, name: string) =>
                (await import("./lifecycle")).rename(id, name, context),
            ),
        )
        .addHelpText("after", examples(["mcm rename brave-otter web", ""]));
}

const JSON_HELP = "print one JSON value instead of a table";

const LIST_JSON = `
JSON: an array of
  {id, name, rootfs, command, limits, createdAt, tty, interactive, state}
  rootfs is {kind: "host"}, {kind: "directory", path} or {kind: "imported", name}, absent of a
  broken one, whose createdAt is "";
  limits has those of memory (bytes), cpu (cores), cpuset, pids, ioRead and ioWrite (bytes a
  second) that are set;
  state is {kind: "created"}, {kind: "running", pid, startedAt}, {kind: "paused", pid,
  startedAt}, {kind: "exited", exit}, {kind: "lost"} or {kind: "broken", reason};
  exit is {exitCode, signal, oomKilled,
  startedAt, finishedAt, memoryPeak, cpuUsageUsec}. Times are RFC 3339.`;

const STATUS_JSON = `
JSON: one object as in mcm list --json, with, while it runs, usage: {time, cpu,
  cpuUsageUsec, throttledUsec, cpuPeriods, throttledPeriods, memory, memoryLimit, memoryPeak,
  pids, pidsLimit, ioReadBytes, ioWriteBytes, oomKills, pressure}; pressure has {some, full}, in
  percent of the last 10 s, of cpu, memory and io. A figure that this host cannot give is absent.`;

const DIFF_JSON = `
JSON: {changes: [{path, change: added|modified|deleted, type: file|directory|link|special,
  size}], leftOut: how many more there are}; size in bytes, of files that are there.`;

const INSPECT_JSON = `
JSON: as in mcm list --json, with hostname, env, workdir, user, volumes [{source, target,
  mode}], autoRemove, idBase, paths {state, upper, log}, cgroups by controller, warnings.`;

const STATS_JSON = `
JSON: {time, host: {cpus, memory}, containers: [{id, name, and usage as in mcm status
  --json}]}; time is in milliseconds since the epoch.`;

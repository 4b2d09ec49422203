/** Which endings of containers are worth a word, and what it is. Knows nothing of VS Code. */
import * as l10n from "@vscode/l10n";
import type { ContainerSummary, ExitRecord } from "../server/protocol";
import { formatLimit } from "./view/format";

/** Signals that a program gets for its own mistakes; see signal(7). */
const CRASHES = new Set(["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"]);

/** Whether a container ended as nobody wants it to: not by itself, and not because it was told to. */
export function endedBadly({ oomKilled, signal, exitCode }: ExitRecord): boolean {
    if (oomKilled || signal !== null) {
        return oomKilled || CRASHES.has(signal ?? "");
    }
    // From 129 on, shells report the signal that ended a command.
    return exitCode === null || (exitCode > 0 && exitCode <= 128);
}

/**
 * What to tell of a container that ended unasked, or undefined when that is no news: it was done,
 * or somebody ended it with a signal.
 */
export function endingText({ name, state, limits }: ContainerSummary): string | undefined {
    if (state.kind === "lost") {
        return l10n.t("“{0}” ended, and nobody saw how.", name);
    }
    if (state.kind !== "exited" || !endedBadly(state.exit)) {
        return undefined;
    }
    const { oomKilled, signal, exitCode } = state.exit;
    if (!oomKilled) {
        return signal === null
            ? l10n.t("“{0}” ended with exit code {1}.", name, exitCode ?? "?")
            : l10n.t("“{0}” crashed: {1}.", name, signal);
    }
    return limits.memory === undefined
        ? l10n.t("“{0}” was killed by the kernel: this computer ran out of memory.", name)
        : l10n.t(
              "“{0}” was killed by the kernel: it reached its memory limit of {1}.",
              name,
              formatLimit(limits.memory),
          );
}

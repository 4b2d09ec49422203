/** "Run Command…": asks for a command, with those run before, and runs it in a terminal. */
import * as vscode from "vscode";
import type { ContainerSummary } from "../../server/protocol";
import { splitWords } from "../run/words";
import type { Services } from "../services";

const HISTORY_KEY = "commands";
const HISTORY_LENGTH = 20;

export async function runCommand(services: Services, container: ContainerSummary): Promise<void> {
    const memory = services.context.globalState;
    const history = memory.get<string[]>(HISTORY_KEY, []);
    const line = await askForCommand(container.name, history);
    const words = line === undefined ? undefined : splitWords(line);
    if (line === undefined || words?.kind !== "words" || words.words.length === 0) {
        return;
    }
    const rest = history.filter((known) => known !== line);
    await memory.update(HISTORY_KEY, [line, ...rest].slice(0, HISTORY_LENGTH));
    services.terminals.runCommandInTerminal(container, words.words);
}

/** A list of what was run before, whose first entry is what is being typed. */
function askForCommand(container: string, history: string[]): Promise<string | undefined> {
    const pick = vscode.window.createQuickPick();
    pick.title = vscode.l10n.t("Run a command in “{0}”", container);
    pick.placeholder = vscode.l10n.t("Program and arguments, for example: ls -l /tmp");
    const draw = () => {
        const typed = pick.value.trim();
        const entries = history.filter((line) => line !== typed);
        pick.items = [...(typed === "" ? [] : [entryFor(typed)]), ...entries.map(entryFor)];
    };
    pick.onDidChangeValue(draw);
    draw();
    return new Promise((resolve) => {
        pick.onDidAccept(() => {
            const [chosen] = pick.selectedItems;
            if (chosen !== undefined && splitWords(chosen.label).kind === "words") {
                resolve(chosen.label);
                pick.hide();
            }
        });
        pick.onDidHide(() => {
            resolve(undefined);
            pick.dispose();
        });
        pick.show();
    });
}

function entryFor(line: string): vscode.QuickPickItem {
    const words = splitWords(line);
    return words.kind === "words" ? { label: line } : { label: line, description: words.problem };
}

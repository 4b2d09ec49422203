/** Changing the limits of a container that is there. */
import * as vscode from "vscode";
import { type ContainerSummary, type LimitChanges, UpdateRequest } from "../../server/protocol";
import { limitsOf, type LimitTexts, limitTexts } from "../run/draft";
import { askChoice, BACK } from "../run/input";
import { askLimit, limitQuestions } from "../run/steps";
import type { Services } from "../services";

/** What differs between two sets of limits; null for one that is gone. */
function changesOf(before: LimitTexts, after: LimitTexts): LimitChanges {
    const limits = limitsOf(after);
    const names = limitQuestions().map(({ key }) => key);
    const changed = names.filter((name) => before[name] !== after[name]);
    return Object.fromEntries(changed.map((name) => [name, limits[name] ?? null]));
}

/** Lets limits be set one by one; undefined when that was called off. */
async function askTexts(name: string, before: LimitTexts): Promise<LimitTexts | undefined> {
    let texts = before;
    for (;;) {
        const apply = {
            label: vscode.l10n.t("Apply"),
            iconPath: new vscode.ThemeIcon("check"),
            limit: undefined,
        };
        const rows = limitQuestions().map((limit) => ({
            label: limit.title,
            description: texts[limit.key] || vscode.l10n.t("no limit"),
            iconPath: new vscode.ThemeIcon(limit.icon),
            limit,
        }));
        const isChanged = Object.keys(changesOf(before, texts)).length > 0;
        const chosen = await askChoice(isChanged ? [apply, ...rows] : rows, {
            title: vscode.l10n.t("Limits of “{0}”", name),
            canGoBack: false,
        });
        if (chosen === undefined || chosen === BACK) {
            return undefined;
        }
        if (chosen.limit === undefined) {
            return texts;
        }
        const text = await askLimit(chosen.limit, texts[chosen.limit.key]);
        if (text === undefined) {
            return undefined;
        }
        if (text !== BACK) {
            texts = { ...texts, [chosen.limit.key]: text };
        }
    }
}

/** Shows the limits, lets them be changed, and applies all of that at once. */
export async function changeLimits(services: Services, container: ContainerSummary): Promise<void> {
    const { connection, model } = services;
    const before = limitTexts(container.limits);
    const after = await askTexts(container.name, before);
    if (after !== undefined) {
        await model.during(container.id, "limiting", async () => {
            const params = { container: container.id, limits: changesOf(before, after) };
            model.update(await connection.request(UpdateRequest, params));
        });
    }
}

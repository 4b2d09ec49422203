/** Questions with a way back, for flows of several steps. */
import * as vscode from "vscode";
import type { Problem } from "./validate";

/** Answers a question: to the step before. */
export const BACK = Symbol("back");

/** Undefined when the question was dismissed. */
export type Answer<T> = T | typeof BACK | undefined;

export interface Question {
    title: string;
    /** Where in the flow this is, from 1; nothing is shown without it. */
    step?: number;
    totalSteps?: number;
    /** Whether there is a way back. */
    canGoBack: boolean;
    placeholder?: string;
}

function prepare(input: vscode.QuickInput, question: Question): void {
    input.title = question.title;
    input.step = question.step;
    input.totalSteps = question.totalSteps;
    // One looks something up elsewhere and comes back.
    input.ignoreFocusOut = true;
}

/** Lets one choose from a list. */
export function askChoice<T extends vscode.QuickPickItem>(
    items: readonly T[],
    question: Question,
    active?: T,
): Promise<Answer<T>> {
    const pick = vscode.window.createQuickPick<T>();
    prepare(pick, question);
    pick.items = items;
    pick.placeholder = question.placeholder;
    pick.matchOnDescription = true;
    pick.buttons = question.canGoBack ? [vscode.QuickInputButtons.Back] : [];
    if (active !== undefined) {
        pick.activeItems = [active];
    }
    return new Promise((resolve) => {
        pick.onDidTriggerButton(() => finish(BACK));
        pick.onDidAccept(() => {
            const [chosen] = pick.selectedItems;
            if (chosen !== undefined) {
                finish(chosen);
            }
        });
        pick.onDidHide(() => {
            resolve(undefined);
            pick.dispose();
        });
        function finish(answer: Answer<T>): void {
            resolve(answer);
            pick.hide();
        }
        pick.show();
    });
}

export interface TextQuestion extends Question {
    prompt: string;
    value: string;
    /** Said while one types; an answer with a problem is not taken. */
    problem(value: string): Problem;
}

/** Lets one type a text; blanks around it are dropped. */
export function askText(question: TextQuestion): Promise<Answer<string>> {
    const input = vscode.window.createInputBox();
    prepare(input, question);
    input.prompt = question.prompt;
    input.placeholder = question.placeholder;
    input.value = question.value;
    input.buttons = question.canGoBack ? [vscode.QuickInputButtons.Back] : [];
    const validate = () => {
        input.validationMessage = question.problem(input.value.trim());
        return input.validationMessage === undefined;
    };
    return new Promise((resolve) => {
        input.onDidChangeValue(validate);
        input.onDidTriggerButton(() => finish(BACK));
        input.onDidAccept(() => {
            if (validate()) {
                finish(input.value.trim());
            }
        });
        input.onDidHide(() => {
            resolve(undefined);
            input.dispose();
        });
        function finish(answer: Answer<string>): void {
            resolve(answer);
            input.hide();
        }
        input.show();
    });
}

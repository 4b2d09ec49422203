/** Stands in for vscode.MarkdownString where there is no VS Code, and tells texts from markup. */
import type { Markdown } from "../../extension/view/hover";

export interface RecordedMarkdown extends Markdown {
    /** All of it. */
    value(): string;
    /** What was given as text, and will be escaped. */
    texts(): string[];
    /** What was given as markup. */
    markup(): string;
}

export function markdown(): RecordedMarkdown {
    const parts: { text: boolean; value: string }[] = [];
    const joined = (some: typeof parts) => some.map(({ value }) => value).join("");
    return {
        appendText: (value) => parts.push({ text: true, value }),
        appendMarkdown: (value) => parts.push({ text: false, value }),
        value: () => joined(parts),
        texts: () => parts.filter(({ text }) => text).map(({ value }) => value),
        markup: () => joined(parts.filter(({ text }) => !text)),
    };
}

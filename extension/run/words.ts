/** A command line taken apart as a shell would, without what a shell would put in. */
import * as l10n from "@vscode/l10n";

export type Split = { kind: "words"; words: string[] } | { kind: "bad"; problem: string };

/**
 * Splits at blanks; quotes and backslashes keep blanks together, as in POSIX sh. Variables, globs,
 * pipes and the like are not looked at: `sh -c '…'` is for those.
 */
export function splitWords(line: string): Split {
    const words: string[] = [];
    let word: string | undefined;
    let quote: '"' | "'" | undefined;
    for (let at = 0; at < line.length; at += 1) {
        const letter = line.charAt(at);
        if (quote !== undefined && letter === quote) {
            quote = undefined;
        } else if (letter === "\\" && quote !== "'") {
            const next = line.charAt(at + 1);
            if (next === "") {
                return { kind: "bad", problem: l10n.t("A backslash at the end has no effect.") };
            }
            const isEscape = quote === undefined || '"\\$`'.includes(next);
            word = (word ?? "") + (isEscape ? next : `\\${next}`);
            at += 1;
        } else if (quote === undefined && (letter === '"' || letter === "'")) {
            quote = letter;
            word ??= "";
        } else if (quote === undefined && /\s/.test(letter)) {
            if (word !== undefined) {
                words.push(word);
                word = undefined;
            }
        } else {
            word = (word ?? "") + letter;
        }
    }
    if (quote !== undefined) {
        return { kind: "bad", problem: l10n.t("A closing {0} is missing.", quote) };
    }
    return { kind: "words", words: word === undefined ? words : [...words, word] };
}

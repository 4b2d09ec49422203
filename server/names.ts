/** Names for containers that were given none: "brave-otter". */
import { randomInt } from "node:crypto";

const ADJECTIVES = (
    "able amber bold brave brisk calm clear clever crisp deft eager early fair fleet gentle glad " +
    "golden happy keen kind light lively lucky mellow merry mild neat nimble noble patient plain " +
    "proud quick quiet ready rosy royal shy silver sleek smart steady sunny swift tidy vivid warm " +
    "wise witty zesty"
).split(" ");

const NOUNS = (
    "alder badger beaver birch bison cedar comet condor crane dolphin eagle elm falcon ferret finch " +
    "fjord fox gecko harbor hare hawk heron ibex island jay kestrel lark lemur lynx maple marten " +
    "meadow moose newt oak orca otter owl panda pine puffin raven reef robin seal sparrow spruce " +
    "swan tern thrush tiger walrus willow wren"
).split(" ");

function pick(words: string[]): string {
    return words[randomInt(words.length)] ?? "";
}

/** A name by chance. From `attempt` 10 on a number makes it longer, as the short ones run out. */
export function randomName(attempt: number): string {
    const name = `${pick(ADJECTIVES)}-${pick(NOUNS)}`;
    return attempt < 10 ? name : `${name}-${randomInt(10_000)}`;
}

/** The part of classic BPF that seccomp filters use (seccomp(2), linux/filter.h), interpreted. */

export interface Instruction {
    code: number;
    jt: number;
    jf: number;
    k: number;
}

/** What a filter sees of a system call: `struct seccomp_data`. */
export interface SystemCall {
    architecture: number;
    number: number;
    args?: readonly bigint[];
}

/** SECCOMP_RET_*, without the data in the low half. */
export const ALLOW = 0x7fff0000;
export const ERRNO = 0x00050000;
export const KILL_PROCESS = 0x80000000;

const LOAD_WORD = 0x20;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_OR_EQUAL = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Offset of the first argument in `struct seccomp_data`; the instruction pointer is before it. */
const ARGUMENTS = 16;

/** Reads the rows that seccomp_generate writes: `{0x20, 0, 0, 0x00000004},`. */
export function parseProgram(text: string): Instruction[] {
    return text
        .trim()
        .split("\n")
        .map((line) => {
            const row = /^\{(0x[0-9a-f]{2}), (\d+), (\d+), (0x[0-9a-f]{8})\},$/.exec(line);
            if (row === null) {
                throw new Error(`no instruction: ${line}`);
            }
            const [code = NaN, jt = NaN, jf = NaN, k = NaN] = row.slice(1).map(Number);
            return { code, jt, jf, k };
        });
}

/** The call as the kernel lays it out, little-endian. */
function encode(call: SystemCall): DataView {
    const data = new DataView(new ArrayBuffer(64));
    data.setUint32(0, call.number, true);
    data.setUint32(4, call.architecture, true);
    (call.args ?? []).forEach((arg, index) => {
        data.setBigUint64(ARGUMENTS + 8 * index, arg, true);
    });
    return data;
}

/**
 * Runs a filter on a call.
 *
 * @returns what the filter returns, as an unsigned number, and how many instructions it took
 * @throws on an instruction that is not one of those above, and on leaving the program
 */
export function evaluate(
    program: readonly Instruction[],
    call: SystemCall,
): { result: number; steps: number } {
    const data = encode(call);
    let accumulator = 0;
    let next = 0;
    for (let steps = 1; ; steps++) {
        const instruction = program[next];
        if (instruction === undefined) {
            throw new Error(`left the program, to instruction ${next}`);
        }
        const { code, jt, jf, k } = instruction;
        next++;
        switch (code) {
            case LOAD_WORD:
                accumulator = data.getUint32(k, true);
                break;
            case JUMP:
                next += k;
                break;
            case JUMP_EQUAL:
                next += accumulator === k ? jt : jf;
                break;
            case JUMP_GREATER_OR_EQUAL:
                next += accumulator >= k ? jt : jf;
                break;
            case JUMP_ANY_BIT:
                next += (accumulator & k) !== 0 ? jt : jf;
                break;
            case RETURN:
                return { result: k, steps };
            default:
                throw new Error(`instruction ${next - 1} has the unknown code ${code}`);
        }
    }
}

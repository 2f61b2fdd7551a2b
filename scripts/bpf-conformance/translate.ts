/** The vectors' assembly (`jne %r0, 0x1, fail`) in the words of our assembler (`if r0 != 1 goto fail`). */

const ALU: Readonly<Record<string, string>> = {
  ...{ add: '+=', sub: '-=', mul: '*=', div: '/=', mod: '%=', sdiv: 's/=', smod: 's%=', mov: '=' },
  ...{ or: '|=', and: '&=', xor: '^=', lsh: '<<=', rsh: '>>=', arsh: 's>>=' },
};
const JUMPS: Readonly<Record<string, string>> = {
  ...{ jeq: '==', jne: '!=', jgt: '>', jge: '>=', jlt: '<', jle: '<=', jset: '&' },
  ...{ jsgt: 's>', jsge: 's>=', jslt: 's<', jsle: 's<=' },
};
const ATOMICS: Readonly<Record<string, string>> = { add: '+=', or: '|=', and: '&=', xor: '^=' };
const BITS: Readonly<Record<string, number>> = { b: 8, h: 16, w: 32, dw: 64 };

class Unreadable extends Error {}

function fail(text: string): never {
  throw new Unreadable(text);
}

/** `%r3` as `r3`, or `w3` where 32 bits count; anything else is an immediate. */
function operand(text: string | undefined, wide = true): string {
  if (text === undefined) return fail('too few operands');
  const register = /^%r(\d+)$/.exec(text)?.[1];
  return register === undefined ? text : `${wide ? 'r' : 'w'}${register}`;
}

/** `[%r10-8]` */
function place(text: string | undefined): string {
  const match = /^\[%r(\d+)(?:([+-])((?:0x)?[\da-fA-F]+))?\]$/.exec((text ?? '').replaceAll(' ', ''));
  if (match === null) return fail(`no address: ${text}`);
  const [, register, sign = '+', offset = '0'] = match;
  return `(r${register} ${sign}${Number(offset)})`;
}

function atomic(words: readonly string[], to: string, source: string): string {
  const last = words[words.length - 1] ?? '';
  const bits = last.endsWith('32') ? 32 : 64;
  const op = last.replace(/32$/, '');
  const at = `*(u${bits} *)${place(to)}`;
  const call = `((u${bits} *)${place(to)}, `;
  const name = bits === 64 ? 'atomic64' : 'atomic';
  const register = operand(source);
  if (words[0] === 'fetch') return `${register} = ${name}_fetch_${op}${call}${register})`;
  if (op === 'xchg') return `${register} = ${name}_xchg${call}${register})`;
  if (op === 'cmpxchg') return `r0 = ${name}_cmpxchg${call}r0, ${register})`;
  return `lock ${at} ${ATOMICS[op] ?? fail(`no atomic operation: ${op}`)} ${register}`;
}

function statement(line: string): string {
  const [mnemonic = '', ...rest] = line.split(/\s+/);
  if (mnemonic === 'lock') {
    const match = /^((?:[a-z]+\d*\s+)+)(\[[^\]]*\]),\s*(%r\d+)$/.exec(rest.join(' '));
    return match === null ? fail(`cannot read: ${line}`) : atomic(match[1]!.trim().split(/\s+/), match[2]!, match[3]!);
  }
  const [first, second, third, ...more] = rest
    .join(' ')
    .split(/\s*,\s*/)
    .filter((part) => part !== '') as (string | undefined)[];
  if (more.length > 0) return fail(`too many operands: ${line}`);
  const [, stem = '', width] = /^([a-z]+?)(32)?$/.exec(mnemonic) ?? [];
  const wide = width === undefined;
  if (mnemonic === 'exit') return 'exit';
  if (mnemonic === 'ja') return `goto ${jumpTarget(first)}`;
  if (mnemonic === 'ja32') return `gotol ${jumpTarget(first)}`;
  if (mnemonic === 'lddw') return `${operand(first)} = ${second ?? fail('too few operands')} ll`;
  if (mnemonic === 'call') return call(first);
  if (stem === 'neg') return `${operand(first, wide)} = -${operand(first, wide)}`;
  if (stem in ALU) return `${operand(first, wide)} ${ALU[stem]} ${operand(second, wide)}`;
  if (stem in JUMPS)
    return `if ${operand(first, wide)} ${JUMPS[stem]} ${operand(second, wide)} goto ${jumpTarget(third)}`;
  const swap = /^(le|be|bswap|swap)(16|32|64)$/.exec(mnemonic);
  if (swap !== null) {
    const order = swap[1] === 'swap' ? 'bswap' : swap[1];
    return `${operand(first)} = ${order}${swap[2]} ${operand(first)}`;
  }
  const extend = /^movsx(8|16|32)(32|64)$/.exec(mnemonic);
  if (extend !== null) {
    const whole = extend[2] === '64';
    return `${operand(first, whole)} = (s${extend[1]}) ${operand(second, whole)}`;
  }
  const load = /^ldx(b|h|w|dw)$|^ldx?s(b|h|w)$|^ldxs(b|h|w)$/.exec(mnemonic);
  if (load !== null) {
    const size = BITS[load[1] ?? load[2] ?? load[3]!];
    return `${operand(first)} = *(${load[1] === undefined ? 's' : 'u'}${size} *)${place(second)}`;
  }
  const store = /^stx?(b|h|w|dw)$/.exec(mnemonic);
  if (store !== null) return `*(u${BITS[store[1]!]} *)${place(first)} = ${operand(second)}`;
  return fail(`no instruction: ${mnemonic}`);
}

function jumpTarget(text: string | undefined): string {
  if (text === undefined) return fail('no target');
  return /^[+-]?\d/.test(text) ? `pc${text.startsWith('-') ? '' : '+'}${text.replace('+', '')}` : text;
}

function call(text: string | undefined): string {
  const local = /^local\s+(\w+)$/.exec(text ?? '')?.[1];
  if (local !== undefined) return `call ${local}`;
  const register = /^%r(\d+)$/.exec(text ?? '')?.[1];
  return register === undefined ? `call ${text ?? fail('no callee')}` : `callx r${register}`;
}

/** The text for our assembler, or what is wrong with the vector's. */
export function translate(lines: readonly string[]): { readonly text: string } | { readonly problem: string } {
  const out: string[] = [];
  const labels = new Set<string>();
  try {
    for (const raw of lines) {
      const line = raw.replace(/[#;].*/, '').trim();
      const label = /^(\w+):$/.exec(line)?.[1];
      if (label !== undefined) labels.add(label);
      if (line !== '') out.push((label ?? line === '') ? `${label}:` : statement(line));
    }
  } catch (error) {
    if (error instanceof Unreadable) return { problem: error.message };
    throw error;
  }
  // `exit` is the name of the last instruction that is one.
  if (!labels.has('exit')) {
    const last = out.lastIndexOf('exit');
    if (last >= 0) out.splice(last, 0, 'exit:');
  }
  return { text: out.join('\n') };
}

import { linesOf } from '../isa/assemble.ts';
import { encodeInsns } from '../isa/codec.ts';
import type { Insn } from '../isa/instruction.ts';
import { fail, type RawResult } from './raw-result.ts';

/** One line of hex digits a slot. */
export function encodeHex(insns: readonly Insn[]): string {
  return insns.map((insn) => `${Buffer.from(encodeInsns([insn])).toString('hex')}\n`).join('');
}

/** Digits of a line in runs; undefined when something else stands there. No pattern spans a run: one may hold a whole program. */
function hexRuns(line: string): readonly string[] | undefined {
  const runs = line.split(/[\s,]+/).map((run) => (run.startsWith('0x') ? run.slice(2) : run));
  return runs.some((run) => run.length % 2 !== 0 || /[^0-9a-fA-F]/.test(run)) ? undefined : runs;
}

function stripComment(line: string): string {
  const at = line.search(/[;#]|\/\//);
  return at < 0 ? line : line.slice(0, at);
}

/** Bytes from hex digits in pairs, with any spaces, commas, `0x` and comments between. */
export function readHex(text: string): RawResult<Uint8Array> {
  const bytes: number[] = [];
  for (const [index, raw] of linesOf(text).entries()) {
    const line = stripComment(raw);
    const runs = hexRuns(line);
    if (runs === undefined) {
      const what = !/[^0-9a-fA-F\sx,]/.test(line)
        ? 'an odd number of hex digits'
        : `'${line.trim()}', which is not hex`;
      return fail(`expected bytes as hex, got ${what}`, index + 1);
    }
    for (const run of runs) {
      for (let at = 0; at < run.length; at += 2) bytes.push(parseInt(run.slice(at, at + 2), 16));
    }
  }
  return { ok: true, value: Uint8Array.from(bytes) };
}

/** Control characters never stand in text, and opcodes and zero bytes always stand in programs. */
export const isText = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
/** Whether text is nothing but hex digits. */
export const isHex = (text: string): boolean =>
  linesOf(text).every((line) => hexRuns(stripComment(line)) !== undefined) && /[0-9a-fA-F]/.test(text);

import type { Machine } from '../machine.ts';
import { loadText } from '../memory/arena.ts';
import { DATA_LOC } from '../tracepoint-formats.ts';
import type { TraceEvent } from './event.ts';
import { loadInteger } from './print-format.ts';

/** `__filename_val`: the text that the argument `filename` points to. */
const VALUE_FIELD = /^__(\w+)_val$/;
/** CONFIG_TRACE_SYSCALL_BUF_SIZE_DEFAULT. */
const LONGEST = 63;

/** Copies the texts that a system call's arguments point to behind its record (syscall_get_data of 6.19). */
export function fillUserStrings(m: Machine, event: TraceEvent, data: Uint8Array): Uint8Array {
  const wanted = event.fields.flatMap((field) => {
    const name = field.type.startsWith(DATA_LOC) ? VALUE_FIELD.exec(field.name)?.[1] : undefined;
    const source = event.fields.find((candidate) => candidate.name === name);
    return source === undefined ? [] : [{ field, source }];
  });
  if (wanted.length === 0) return data;
  const fixed = Math.max(...event.fields.map(({ offset, size }) => offset + size));
  const texts = wanted.map(({ source }) => {
    const address = Number(loadInteger(data, source.offset, 8, false));
    const at = m.currentTask.process?.mm.find(address, 1) ?? -1;
    return at < 0 ? '' : loadText(m.arena.bytes, at, LONGEST);
  });
  const whole = new Uint8Array(fixed + texts.reduce((sum, text) => sum + text.length + 1, 0));
  whole.set(data.subarray(0, fixed));
  const view = new DataView(whole.buffer);
  let tail = fixed;
  wanted.forEach(({ field }, i) => {
    const text = texts[i]!;
    view.setUint32(field.offset, tail | ((text.length + 1) << 16), true);
    for (let c = 0; c < text.length; c += 1) whole[tail + c] = text.charCodeAt(c);
    tail += text.length + 1;
  });
  return whole;
}

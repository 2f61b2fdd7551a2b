import { SECOND } from '../../time/units.ts';
import { errorText } from '../error-text.ts';
import { STDIN, STDOUT } from '../output.ts';
import { command } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';

const OPERANDS = ['if', 'of', 'bs', 'ibs', 'obs', 'count', 'skip', 'seek', 'iflag', 'oflag', 'conv', 'status'] as const;
type Operand = (typeof OPERANDS)[number];
const UNITS: Readonly<Record<string, number>> = {
  c: 1,
  w: 2,
  b: 512,
  kB: 1000,
  K: 1024,
  k: 1024,
  KiB: 1024,
  MB: 1e6,
  M: 2 ** 20,
  MiB: 2 ** 20,
  GB: 1e9,
  G: 2 ** 30,
  GiB: 2 ** 30,
};
/** Programs of the lab have a buffer of this size at most. */
const LARGEST_BLOCK = 2 ** 24;
const O_DIRECT = 0o40000;
const O_WRITE_CREATE = 0o101;
const O_TRUNC = 0o1000;
const NEW_FILE_MODE = 0o666;

/** `512`, `4k`, `1M`; undefined: no number. */
function size(text: string): number | undefined {
  const match = /^(\d+)([a-zA-Z]*)$/.exec(text);
  const unit = match === null || match[2] === '' ? 1 : UNITS[match[2]!];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
/** What dd says of bytes in larger units, too. */
function bytesText(bytes: number): string {
  const scaled = (base: number, names: readonly string[]): string => {
    const power = Math.min(names.length - 1, Math.floor(Math.log(Math.max(1, bytes)) / Math.log(base)));
    const value = bytes / base ** power;
    return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${names[power]!}`;
  };
  const decimal = scaled(1000, ['B', 'kB', 'MB', 'GB']);
  const binary = scaled(1024, ['B', 'KiB', 'MiB', 'GiB']);
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1024 ? `${bytes} bytes (${decimal})` : `${bytes} bytes (${decimal}, ${binary})`;
}
function rateText(bytes: number, seconds: number): string {
  const rate = bytes / Math.max(seconds, 1e-9);
  const power = Math.min(3, Math.max(0, Math.floor(Math.log(Math.max(1, rate)) / Math.log(1000))));
  const value = rate / 1000 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${['B/s', 'kB/s', 'MB/s', 'GB/s'][power]!}`;
}

const DIGITS = 6;
/** C's %g: numbers below 0.0001 with an exponent. */
function shortNumber(value: number): string {
  if (value === 0 || value >= 1e-4) return String(Number(value.toPrecision(DIGITS)));
  const [digits = '', exponent = ''] = value.toExponential(DIGITS - 1).split('e');
  return `${Number(digits)}e-${exponent.slice(1).padStart(2, '0')}`;
}

/** What was copied: whole blocks and parts of one, in and out. */
interface Copied {
  readonly whole: [number, number];
  readonly parts: [number, number];
  bytes: number;
}
function* copy(c: CommandContext, from: number, to: number, block: number, count: number): Steps<Copied | number> {
  const { u } = c;
  const buffer = u.buffer(block);
  const copied: Copied = { whole: [0, 0], parts: [0, 0], bytes: 0 };
  for (let i = 0; i < count; i += 1) {
    const length = yield u.read(from, buffer, block);
    if (length <= 0) return length < 0 ? length : copied;
    (length === block ? copied.whole : copied.parts)[0] += 1;
    const written = yield u.write(to, buffer, length);
    if (written < 0) return written;
    (written === block ? copied.whole : copied.parts)[1] += 1;
    copied.bytes += written;
  }
  return copied;
}

export const DD: MakeCommand = command('dd', function* (c, args) {
  const given = new Map<Operand, string>();
  for (const arg of args) {
    const equals = arg.indexOf('=');
    const name = arg.slice(0, Math.max(0, equals)) as Operand;
    if (!OPERANDS.includes(name))
      return yield* c.complain(`unrecognized operand '${arg}'\nTry 'dd --help' for more information.`);
    given.set(name, arg.slice(equals + 1));
  }
  const numbers = new Map<Operand, number>();
  for (const name of ['bs', 'ibs', 'count', 'skip', 'seek'] as const) {
    const text = given.get(name);
    const value = text === undefined ? undefined : size(text);
    if (text !== undefined && (value === undefined || (name.endsWith('bs') && value === 0)))
      return yield* c.complain(`invalid number: '${text}'`);
    if (value !== undefined) numbers.set(name, value);
  }
  const block = numbers.get('bs') ?? numbers.get('ibs') ?? 512;
  if (block > LARGEST_BLOCK) return yield* c.complain(`memory exhausted by input buffer of size ${block} bytes`);
  const { u } = c;
  const input = given.get('if');
  const output = given.get('of');
  const direct = (flags: string | undefined): number => (flags?.split(',').includes('direct') === true ? O_DIRECT : 0);
  const from = input === undefined ? STDIN : yield u.openat(input, direct(given.get('iflag')));
  if (from < 0) return yield* c.complain(`failed to open '${input!}': ${errorText(from)}`);
  const seek = numbers.get('seek') ?? 0;
  const keeps = seek > 0 || given.get('conv')?.includes('notrunc') === true ? 0 : O_TRUNC;
  const to =
    output === undefined
      ? STDOUT
      : yield u.openat(output, O_WRITE_CREATE | keeps | direct(given.get('oflag')), NEW_FILE_MODE);
  if (to < 0) return yield* c.complain(`failed to open '${output!}': ${errorText(to)}`);
  if (numbers.has('skip')) yield u.call('lseek', from, numbers.get('skip')! * block, 0);
  if (seek > 0) yield u.call('lseek', to, seek * block, 0);
  const started = c.machine.now();
  const copied = yield* copy(c, from, to, block, numbers.get('count') ?? Infinity);
  if (typeof copied === 'number') {
    const [verb, name] = copied === -28 || output !== undefined ? ['writing', output] : ['reading', input];
    return yield* c.complain(`error ${verb} '${name ?? 'standard input'}': ${errorText(copied)}`);
  }
  const seconds = (c.machine.now() - started) / SECOND;
  if (given.get('status') === 'none') return 0;
  const { whole, parts, bytes } = copied;
  yield* c.report(`${whole[0]}+${parts[0]} records in\n${whole[1]}+${parts[1]} records out\n`);
  if (given.get('status') !== 'noxfer')
    yield* c.report(`${bytesText(bytes)} copied, ${shortNumber(seconds)} s, ${rateText(bytes, seconds)}\n`);
  return 0;
});

import { traceTime } from '../../../tracefs/trace-text.ts';
import { type CommandContext, type Steps } from '../command.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { OptionRows } from './options.ts';
import { readRecording, type Place, type Sample } from './samples.ts';

const FIELDS = ['comm', 'pid', 'tid', 'cpu', 'time', 'period', 'event', 'trace', 'ip', 'sym', 'dso'] as const;
type Field = (typeof FIELDS)[number];
const USAGE = 'perf script [<options>]';
const OPTIONS: OptionRows = {
  input: { names: ['-i', '--input'], value: true },
  fields: { names: ['-F', '--fields'], value: true },
  noCalls: { names: ['-G', '--hide-call-graph'], value: false },
  comms: { names: ['-c', '--comms'], value: true },
  verbose: { names: ['-v', '--verbose'], value: false },
};

/** `ffffffff8101f414 do_sys_openat2+0x4 ([kernel.kallsyms])` */
function placeText({ address, symbol, offset, object }: Place, fields: ReadonlySet<Field>): string {
  return [
    ...(fields.has('ip') ? [address.padStart(16)] : []),
    ...(fields.has('sym') ? [symbol === '' ? '[unknown]' : `${symbol}+0x${offset.toString(16)}`] : []),
    ...(fields.has('dso') ? [`(${object})`] : []),
  ].join(' ');
}

/** The columns in front of the place, as they are always set. */
function frontText(sample: Sample, fields: ReadonlySet<Field>, hasChain: boolean): string {
  const { comm, pid, tid, cpu, timeNs, period, event, text } = sample;
  const ids = [...(fields.has('pid') ? [pid] : []), ...(fields.has('tid') ? [tid] : [])];
  return [
    ...(fields.has('comm') ? [`${hasChain ? comm : comm.padStart(16)} `] : []),
    ...(ids.length > 0
      ? [`${String(ids[0]).padStart(7)}${ids.length > 1 ? `/${String(ids[1]).padEnd(7)}` : ''} `]
      : []),
    ...(fields.has('cpu') ? [`[${String(cpu).padStart(3, '0')}] `] : []),
    ...(fields.has('time') ? [`${traceTime(timeNs)}: `] : []),
    ...(fields.has('period') ? [`${String(period).padStart(10)} `] : []),
    ...(fields.has('event') ? [`${event}: `] : []),
    ...(fields.has('trace') ? [text] : []),
  ].join('');
}

function sampleText(
  sample: Sample,
  asked: ReadonlySet<Field> | undefined,
  isTracepoint: boolean,
  shows: boolean,
): string {
  const { chain, place } = sample;
  const hasChain = shows && chain.length > 0;
  const usual: readonly Field[] = isTracepoint
    ? ['comm', 'tid', 'cpu', 'time', 'event', 'trace', ...(hasChain ? (['ip', 'sym', 'dso'] as const) : [])]
    : ['comm', 'tid', 'cpu', 'time', 'period', 'event', 'ip', 'sym', 'dso'];
  const fields = asked ?? new Set(usual);
  const front = frontText(sample, fields, hasChain);
  if (!['ip', 'sym', 'dso'].some((field) => fields.has(field as Field))) return `${front.trimEnd()}\n`;
  if (!hasChain) return `${front} ${placeText(place, fields)}\n`;
  return `${front}\n${chain.map((frame) => `\t${placeText(frame, fields)}\n`).join('')}\n`;
}

/** perf script: sample by sample. */
export function* perfScript(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, false);
  if (typeof given === 'string') return yield* misuse(c, given, USAGE);
  const { options } = given;
  const asked = options
    .get('fields')
    ?.at(-1)
    ?.split(',')
    .map((name) => name.trim());
  const unknown = asked?.find((name) => !FIELDS.some((field) => field === name));
  if (unknown !== undefined) return yield* misuse(c, `Invalid field requested.`, USAGE);
  const recording = yield* readRecording(c, options.get('input')?.at(-1));
  if (recording === undefined) return 1;
  const fields = asked && new Set(asked as Field[]);
  const comms = options.get('comms')?.flatMap((list) => list.split(','));
  const shown = recording.samples.filter(({ comm }) => comms?.includes(comm) !== false);
  yield* c.print(
    shown
      .map((sample) =>
        sampleText(sample, fields, recording.isTracepoint[sample.event] === true, !options.has('noCalls')),
      )
      .join(''),
  );
  return 0;
}

import type { Step } from '../../simkernel/programs/steps.ts';
import type { SyscallName } from '../../simkernel/programs/syscall-numbers.ts';
import { countAmount, durationAmount, part, size, sizeAmount, times } from './quantities.ts';
import {
  absolutePath,
  listOf,
  mapped,
  oneKeyOf,
  oneOf,
  oneOrMore,
  optional,
  parsed,
  record,
  required,
  shortOr,
  text,
  truth,
  wholeNumber,
} from './schema.ts';
import type { Shape } from './schema.ts';

/** open(2) flags by the words of a scenario file (include/uapi/asm-generic/fcntl.h). */
const OPEN_FLAGS = {
  read: 0,
  write: 1,
  'read-write': 2,
  create: 0o100,
  truncate: 0o1000,
  append: 0o2000,
  direct: 0o40000,
} as const;
const flagsOf = (words: readonly (keyof typeof OPEN_FLAGS)[] = ['read']): number =>
  words.reduce((flags, word) => flags | OPEN_FLAGS[word], 0);

const place = parsed("'next', 'random' or an offset", 'for example next, random or 4096', (word) =>
  word === 'next' || word === 'random' ? word : /^\d+$/.test(word) ? Number(word) : undefined,
);
const touchPlace = oneOf(['next', 'random'] as const);

// The table below and the steps inside steps need each other.
const steps: Shape<readonly Step[]> = (node, reading) => listOf(step, 'steps')(node, reading);

const transfer = (kind: 'read' | 'write'): Shape<Step> =>
  mapped(
    record(`a ${kind}`, { file: required(text), bytes: required(sizeAmount), at: optional(place) }),
    ({ file, bytes, at }): Step => ({ do: kind, file, bytes, at: at ?? 'next' }),
  );
const onePath = (call: SyscallName): Shape<Step> =>
  mapped(absolutePath, (path): Step => ({ do: 'paths', call, paths: [path] }));
const twoPaths = (call: SyscallName): Shape<Step> =>
  mapped(record(`a ${call}`, { from: required(absolutePath), to: required(absolutePath) }), ({ from, to }): Step => ({
    do: 'paths',
    call,
    paths: [from, to],
  }));
const syncing = (dataOnly: boolean): Shape<Step> => mapped(text, (file): Step => ({ do: 'fsync', file, dataOnly }));

/** Words of a command, or one line of it. */
const command = mapped(oneOrMore(text, 'words'), (words) => (words.length === 1 ? words[0]!.split(/\s+/) : words));

/** What a program may do: a row is the key of a step and the shape of its value. */
const STEPS = {
  work: mapped(durationAmount, (ns): Step => ({ do: 'work', ns })),
  sleep: mapped(durationAmount, (ns): Step => ({ do: 'sleep', ns })),
  open: shortOr(
    mapped(absolutePath, (path): Step => ({ do: 'open', path, as: path, flags: 0 })),
    mapped(
      record('an open', {
        path: required(absolutePath),
        as: optional(text),
        for: optional(oneOrMore(oneOf(Object.keys(OPEN_FLAGS) as (keyof typeof OPEN_FLAGS)[]), 'flags')),
      }),
      ({ path, as, for: words }): Step => ({ do: 'open', path, as: as ?? path, flags: flagsOf(words) }),
    ),
  ),
  close: mapped(text, (file): Step => ({ do: 'close', file })),
  read: transfer('read'),
  write: transfer('write'),
  fsync: syncing(false),
  fdatasync: syncing(true),
  stat: onePath('stat'),
  lstat: onePath('lstat'),
  statfs: onePath('statfs'),
  mkdir: onePath('mkdir'),
  rmdir: onePath('rmdir'),
  unlink: onePath('unlink'),
  chdir: onePath('chdir'),
  rename: twoPaths('rename'),
  link: twoPaths('link'),
  sync: mapped(truth, (): Step => ({ do: 'paths', call: 'sync', paths: [] })),
  list: mapped(absolutePath, (path): Step => ({ do: 'list', path })),
  map: mapped(record('a map', { bytes: required(size), as: required(text) }), ({ bytes, as }): Step => ({
    do: 'map',
    as,
    bytes,
  })),
  touch: mapped(
    record('a touch', { map: required(text), pages: required(countAmount), at: optional(touchPlace) }),
    ({ map, pages, at }): Step => ({ do: 'touch', map, pages, at: at ?? 'next' }),
  ),
  unmap: mapped(text, (map): Step => ({ do: 'unmap', map })),
  run: mapped(command, (argv): Step => ({ do: 'run', argv, wait: true })),
  start: mapped(command, (argv): Step => ({ do: 'run', argv, wait: false })),
  fork: mapped(steps, (inner): Step => ({ do: 'fork', steps: inner, wait: false })),
  forever: mapped(steps, (inner): Step => ({ do: 'repeat', times: Infinity, steps: inner })),
  repeat: mapped(record('a repeat', { times: required(times), steps: required(steps) }), (row): Step => ({
    do: 'repeat',
    ...row,
  })),
  sometimes: mapped(record("a 'sometimes'", { chance: required(part), steps: required(steps) }), (row): Step => ({
    do: 'sometimes',
    ...row,
  })),
  choose: mapped(
    listOf(record('a choice', { weight: required(wholeNumber(1, 1_000_000)), steps: required(steps) }), 'choices'),
    (choices): Step => ({ do: 'choose', among: choices.map((choice) => [choice.weight, choice.steps] as const) }),
  ),
  function: mapped(record('a function', { name: required(text), steps: required(steps) }), (row): Step => ({
    do: 'function',
    ...row,
  })),
  exit: mapped(wholeNumber(0, 255), (status): Step => ({ do: 'exit', status })),
} as const satisfies Readonly<Record<string, Shape<Step>>>;

const step: Shape<Step> = oneKeyOf('a step', STEPS);
export const program: Shape<readonly Step[]> = steps;

import { describe, expect, test } from 'vitest';
import { COMMAND_NAMES, commandRow } from '../../src/repl/model/commands.ts';
import { KEYMAP } from '../../src/repl/model/keymap.ts';
import { KeyDecoder } from '../../src/repl/model/keys.ts';
import { initialModel, type Effect, type Model, type ReplEvent } from '../../src/repl/model/model.ts';
import { update } from '../../src/repl/model/update.ts';
import { INITIAL } from './harness.ts';

/** A model after keys and other events, with what they asked for. */
function after(
  events: readonly (string | ReplEvent)[],
  start: Partial<Model> = {},
): { model: Model; effects: Effect[] } {
  const decoder = new KeyDecoder();
  let model: Model = { ...initialModel({ ...INITIAL, history: ['first', 'second one', 'third'] }), ...start };
  const effects: Effect[] = [];
  for (const event of events) {
    const all = typeof event === 'string' ? [...decoder.push(event), ...decoder.flush()] : [event];
    for (const one of all) {
      const step = update(model, one);
      model = step.model;
      effects.push(...step.effects);
    }
  }
  return { model, effects };
}

const requests = (effects: readonly Effect[]): readonly unknown[] =>
  effects.flatMap((effect) => (effect.kind === 'engine' ? [effect.request] : []));
const text = (keys: string): string => after([keys]).model.editor.text;

const UP = '\u001b[A';
const DOWN = '\u001b[B';
const SCRIPT = 'kprobe:vfs_read { @ = count(); }';
const ATTACHED: ReplEvent = { kind: 'engine', event: { kind: 'attached', name: 'vfs_read', text: SCRIPT } };

describe('Enter', () => {
  test('runs a finished script', () => {
    const { effects, model } = after([`${SCRIPT}\r`]);
    expect(requests(effects).at(-1)).toEqual({ kind: 'run', text: SCRIPT, durationNs: undefined });
    // It stays in the editor until it is known to be in order.
    expect(model.editor.text).toBe(SCRIPT);
  });

  test.each([
    ['begins a line in an unfinished one', 'kprobe:f {\r', 'kprobe:f {\n  '],
    ['begins a line in the middle of a finished one', `${SCRIPT}\u0001\r`, `\n${SCRIPT}`],
    ['does nothing in an empty editor', '\r', ''],
  ])('%s', (_, keys, expected) => {
    expect(text(keys)).toBe(expected);
  });

  test('empties the editor when the script is attached, and remembers it', () => {
    const { model, effects } = after([SCRIPT, ATTACHED]);
    expect(model.editor.text).toBe('');
    expect(model.attached).toEqual([{ name: 'vfs_read', text: SCRIPT, startedNs: 0 }]);
    expect(model.history.entries.at(-1)).toBe(SCRIPT);
    expect(effects).toContainEqual({ kind: 'remember', entry: SCRIPT });
  });
});

describe('history', () => {
  test.each([
    [UP, 'third'],
    [UP + UP, 'second one'],
    [UP + UP + UP + UP, 'first'],
    [`new${UP}${DOWN}`, 'new'],
    [`${UP}${UP}${DOWN}`, 'third'],
    [DOWN, ''],
  ])('%j leads to %j', (keys, expected) => {
    expect(text(keys)).toBe(expected);
  });

  test.each([
    ['\u0012ir', 'third'],
    ['\u0012ir\u0012', 'first'],
    ['\u0012one\r', 'second one'],
    ['\u0012ir\u0012\u0012', 'first'],
    ['\u0012zzz', ''],
    ['mine\u0012one\u001b', 'mine'],
    ['\u0012onex\u007f\u001b[C', 'second one'],
  ])('searched by %j finds %j', (keys, expected) => {
    expect(text(keys)).toBe(expected);
  });

  test('an entry that is run again moves to the end', () => {
    const { model } = after([{ kind: 'engine', event: { kind: 'attached', name: 'a', text: 'first' } }]);
    expect(model.history.entries).toEqual(['second one', 'third', 'first']);
  });
});

describe('keys while something is attached and nothing is written', () => {
  const running = { attached: [{ name: 'vfs_read', text: SCRIPT, startedNs: 0 }] };
  test.each<[string, unknown]>([
    [' ', { kind: 'pause' }],
    ['  ', { kind: 'resume' }],
    ['n', { kind: 'step' }],
    ['+', { kind: 'speed', factor: 10 }],
    ['++', { kind: 'speed', factor: Infinity }],
    ['-', { kind: 'speed', factor: 0.1 }],
    ['\u0003', { kind: 'detach', name: 'vfs_read' }],
  ])('%j asks for %j', (keys, request) => {
    const { effects, model } = after([keys], running);
    expect(requests(effects).at(-1)).toEqual(request);
    expect(model.editor.text).toBe('');
  });

  test('are letters again in a script', () => {
    expect(after(['begin { n + 1'], running).model.editor.text).toBe('begin { n + 1');
  });
});

describe('Ctrl-C, Ctrl-D and Esc', () => {
  test('Ctrl-C empties the editor when nothing runs', () => {
    expect(text('abc\u0003')).toBe('');
  });
  test('Ctrl-C never leaves', () => {
    const { model, effects } = after(['\u0003\u0003']);
    expect(model.isLeaving).toBe(false);
    expect(effects).toEqual([]);
    expect(model.message).toBe('Ctrl-D or :quit leaves');
  });
  test('Ctrl-D leaves an empty editor and deletes in another', () => {
    expect(after(['\u0004']).effects).toEqual([{ kind: 'quit' }]);
    expect(text('abc\u0001\u0004')).toBe('bc');
  });
  test('Esc closes the pane', () => {
    const { model, effects } = after([':timeline\r', '\u001b']);
    expect(model.pane).toBeUndefined();
    expect(requests(effects)).toEqual([
      { kind: 'watch', pane: 'timeline' },
      { kind: 'watch', pane: undefined },
    ]);
  });
});

describe('commands', () => {
  test.each<[string, unknown]>([
    [':seed 7', { kind: 'machine', settings: { ...INITIAL.settings, seed: 7 } }],
    [':scenario idle', { kind: 'machine', settings: { ...INITIAL.settings, scenario: 'idle' } }],
    [':cpus 2', { kind: 'machine', settings: { ...INITIAL.settings, cpus: 2 } }],
    [':speed max', { kind: 'speed', factor: Infinity }],
    [':columns 100us', { kind: 'columns', ns: 100_000 }],
    [':interr', { kind: 'watch', pane: 'interrupts' }],
  ])('%s asks the engine for %j', (line, request) => {
    expect(requests(after([`${line}\r`]).effects)).toEqual([request]);
  });

  test.each<[string, Effect]>([
    [':load a.bt', { kind: 'load', path: 'a.bt' }],
    [':scenario my.yaml', { kind: 'load-scenario', path: 'my.yaml' }],
    [':save a.bt', { kind: 'save', path: 'a.bt', text: `${SCRIPT}\n` }],
    [
      ':golden reads',
      { kind: 'golden', name: 'reads', text: `// tsbpftrace: --scenario server --seed 1\n${SCRIPT}\n` },
    ],
    [':quit', { kind: 'quit' }],
  ])('%s asks the host for %j', (line, effect) => {
    expect(after([`${line}\r`], { last: { text: SCRIPT, ranNs: undefined } }).effects).toContainEqual(effect);
  });

  test('a golden case ends when the script was stopped', () => {
    const { effects } = after([':golden reads\r'], { last: { text: SCRIPT, ranNs: 1234.5 } });
    expect(effects).toContainEqual({
      kind: 'golden',
      name: 'reads',
      text: `// tsbpftrace: --scenario server --seed 1 --duration 1235ns\n${SCRIPT}\n`,
    });
  });

  test.each([
    [':nonsense', 'no command :nonsense; :help lists them'],
    [':s', 'may be :step, :speed, :scenario, :seed, :save'],
    [':seed x', 'a whole number from 0 on is needed'],
    [':cpus 0', 'a whole number from 1 on is needed'],
    [':cpus 65', 'at most 64'],
    [':scenario nowhere', ':scenario is one of'],
    [':duration soon', ':duration takes a time'],
    [':columns 1ns', ':columns takes a time'],
    [':speed -1', ':speed takes a number or max'],
    [':detach nobody', 'nothing is attached as nobody'],
    [':detach', 'nothing is attached'],
    [':pause', 'nothing is attached'],
    [':step', 'nothing is attached'],
    [':load', 'a file is needed'],
    [':save', 'a name is needed'],
  ])('%s says %j', (line, message) => {
    const { model, effects } = after([`${line}\r`], { history: { entries: [], at: undefined, draft: '' } });
    expect(model.message).toContain(message);
    expect(effects.filter(({ kind }) => kind !== 'remember')).toEqual([]);
  });

  test('a message goes away with the next key', () => {
    expect(after([':nonsense\r', 'x']).model.message).toBe('');
  });

  test(':examples N puts a script into the editor', () => {
    expect(after([':examples 1\r']).model.editor.text).toBe('kprobe:vfs_read { @[comm] = count(); }');
  });

  test('every command and every key with a name is explained', () => {
    expect(COMMAND_NAMES.filter((name) => commandRow(name).help === '')).toEqual([]);
    expect(KEYMAP.filter(({ label, help }) => (label === undefined) !== (help === undefined))).toEqual([]);
  });
});

describe('what is asked while somebody writes', () => {
  test('answers to an older text are dropped', () => {
    const { model, effects } = after(['begin { $x']);
    const asked = requests(effects).find((request) => (request as { kind: string }).kind === 'check') as { id: number };
    const note = { severity: 'error', message: 'old', hints: [] } as const;
    const answer = (id: number): ReplEvent => ({ kind: 'engine', event: { kind: 'checked', id, notes: [note] } });
    expect(update(model, answer(asked.id - 1)).model.notes).toEqual([]);
    expect(update(model, answer(asked.id)).model.notes).toEqual([note]);
  });

  test('mistakes move with what they are about until the next answer', () => {
    const start = after(['begin { @ = cuont(); }']);
    const place = { start: 12, end: 17 };
    const noted = update(start.model, {
      kind: 'engine',
      event: {
        kind: 'checked',
        id: start.model.version,
        notes: [{ severity: 'error', message: 'm', hints: [], place }],
      },
    }).model;
    const moved = after(['\u0001', '  '], noted).model;
    expect(moved.notes[0]!.place).toEqual({ start: 14, end: 19 });
    expect(after(['\u0003'], noted).model.notes).toEqual([]);
  });

  test('commands are not checked as scripts', () => {
    expect(requests(after([':hel']).effects)).toEqual([]);
  });
});

test('a paste is put in as it is, however it looks', () => {
  const { model, effects } = after(['\u001b[200~begin { }\nend { }\u001b[201~']);
  expect(model.editor.text).toBe('begin { }\nend { }');
  expect(requests(effects).some((request) => (request as { kind: string }).kind === 'run')).toBe(false);
});

test('what a script prints cannot move the cursor of the terminal', () => {
  const output = (printed: string): ReplEvent => ({
    kind: 'engine',
    event: { kind: 'output', name: 'a', stream: 'stdout', text: printed },
  });
  const { model } = after([output('a\u001b[2J\u0007b\tc'), output('d\ne\n')]);
  expect(model.transcript.map((line) => line.text)).toEqual(['ab      cd', 'e']);
});

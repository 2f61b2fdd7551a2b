import { ARCH_NAMES, SCENARIO_NAMES } from '../../pipeline/settings.ts';
import { edit } from './editor.ts';
import { EXAMPLES } from './examples.ts';
import { ask, step, type Effect, type Model, type Step } from './model.ts';
import { openPane } from './open-pane.ts';
import { PANE_NAMES, paneRow } from './panes.ts';
import { say } from './transcript.ts';

export interface CommandRow {
  readonly operand?: string;
  readonly help: string;
  /** What the operand may be, for completion. */
  readonly choices?: (model: Model) => readonly string[];
  readonly run: (model: Model, operand: string) => Step;
}

export const SPEEDS: readonly number[] = [0.001, 0.01, 0.1, 1, 10, Infinity];
export const speedName = (factor: number): string => (factor === Infinity ? 'max' : `${factor}`);

const complain = (model: Model, message: string): Step => step({ ...model, message });
const names = ({ attached }: Model): readonly string[] => attached.map(({ name }) => name);
/** What is being written, or what was run last. */
const currentScript = ({ editor, last, history }: Model): string =>
  editor.text.trim() === '' || /^\s*:/.test(editor.text) ? (last?.text ?? history.entries.at(-1) ?? '') : editor.text;

function wholeNumber(model: Model, operand: string, low: number, use: (n: number) => Step): Step {
  const value = Number(operand);
  return /^\d+$/.test(operand) && value >= low && value <= 0xffff_ffff
    ? use(value)
    : complain(model, `a whole number from ${low} on is needed`);
}

/** Asks for a machine that differs in something. */
export const remake = (model: Model, change: Partial<Model['settings']>): Step =>
  step(model, ask({ kind: 'machine', settings: { ...model.settings, ...change } }));

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9 };
function parseTime(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m)?$/.exec(text);
  return match === null ? undefined : Math.round(Number(match[1]) * UNITS[match[2] ?? 's']!);
}

/** The command line that runs a script as it was run here. */
function goldenHeader({ settings, last, durationNs }: Model): string {
  const ns = last?.ranNs ?? durationNs;
  const words = [
    `--scenario ${settings.scenario}`,
    `--seed ${settings.seed}`,
    ...(settings.cpus === undefined ? [] : [`--cpus ${settings.cpus}`]),
    ...(settings.arch === undefined ? [] : [`--arch ${settings.arch}`]),
    ...(ns === undefined || ns === Infinity ? [] : [`--duration ${Math.ceil(ns)}ns`]),
  ];
  return `// tsbpftrace: ${words.join(' ')}\n`;
}

const withFile = (model: Model, operand: string, use: (text: string) => Effect): Step => {
  const text = currentScript(model);
  if (operand === '') return complain(model, 'a name is needed');
  return text === ''
    ? complain(model, 'there is no script yet')
    : step(model, use(text.endsWith('\n') ? text : `${text}\n`));
};

/** What can be said instead of a script. */
const OWN_COMMANDS = {
  examples: {
    operand: '[N]',
    help: 'scripts to begin with; with a number, one to edit',
    choices: () => EXAMPLES.map((_, i) => String(i + 1)),
    run(model, operand) {
      const example = EXAMPLES[Number(operand) - 1];
      if (example !== undefined)
        return step({ ...model, editor: edit(model.editor, example.script, example.script.length) });
      const list = EXAMPLES.map(
        ({ question, script }, i) => `${i + 1}  ${question}\n   ${script.replaceAll('\n', '\n   ')}`,
      );
      return step(say(model, 'note', `${list.join('\n')}\n:examples N puts one into the editor.`));
    },
  },
  pause: {
    help: 'stop the machine; again, or Space, goes on',
    run: (model) => togglePause(model),
  },
  step: { help: 'run until a probe fires', run: (model) => stepOnce(model) },
  speed: {
    operand: 'FACTOR',
    help: 'virtual seconds a second: 0.01, 1, 10, max',
    choices: () => SPEEDS.map(speedName),
    run(model, operand) {
      const factor = operand === 'max' ? Infinity : Number(operand);
      return factor > 0 ? setSpeed(model, factor) : complain(model, ':speed takes a number or max');
    },
  },
  duration: {
    operand: 'TIME',
    help: 'virtual time after which a script ends: 5s, 500ms, off; scenario for its length',
    choices: () => ['5s', '500ms', 'off', 'scenario'],
    run(model, operand) {
      if (operand === 'off') return step({ ...model, durationNs: Infinity, message: 'scripts run until Ctrl-C' });
      if (operand === 'scenario')
        return step({ ...model, durationNs: undefined, message: 'scripts run as long as the scenario lasts' });
      const ns = parseTime(operand);
      return ns === undefined || ns <= 0
        ? complain(model, ':duration takes a time such as 5s or 500ms, off or scenario')
        : step({ ...model, durationNs: ns, message: `scripts run for ${operand} of virtual time` });
    },
  },
  detach: {
    operand: '[NAME]',
    help: 'end a script as Ctrl-C would; without a name, all',
    choices: names,
    run(model, operand) {
      if (operand !== '' && !names(model).includes(operand))
        return complain(model, `nothing is attached as ${operand}`);
      return detach(model, operand === '' ? names(model) : [operand]);
    },
  },
  scenario: {
    operand: 'NAME',
    help: `what the machine does: ${SCENARIO_NAMES.join(', ')}, or a YAML file`,
    choices: () => SCENARIO_NAMES,
    run(model, operand) {
      const scenario = SCENARIO_NAMES.find((name) => name === operand);
      if (scenario !== undefined) return remake(model, { scenario, yaml: undefined });
      return /[./]/.test(operand)
        ? step(model, { kind: 'load-scenario', path: operand })
        : complain(model, `:scenario is one of ${SCENARIO_NAMES.join(', ')}, or a YAML file`);
    },
  },
  seed: {
    operand: 'N',
    help: 'seed of all chance in the machine',
    run: (model, operand) => wholeNumber(model, operand, 0, (seed) => remake(model, { seed })),
  },
  cpus: {
    operand: 'N',
    help: 'number of CPUs',
    run: (model, operand) =>
      wholeNumber(model, operand, 1, (cpus) => (cpus > 64 ? complain(model, 'at most 64') : remake(model, { cpus }))),
  },
  arch: {
    operand: 'ARCH',
    help: `what its CPUs are: ${ARCH_NAMES.join(', ')}`,
    choices: () => ARCH_NAMES,
    run(model, operand) {
      const arch = ARCH_NAMES.find((name) => name === operand);
      return arch === undefined ? complain(model, `:arch is one of ${ARCH_NAMES.join(', ')}`) : remake(model, { arch });
    },
  },
  columns: {
    operand: 'TIME',
    help: 'virtual time of a column of the timeline: 100us, 1ms',
    choices: () => ['20us', '100us', '1ms', '10ms'],
    run(model, operand) {
      const ns = parseTime(operand);
      return ns === undefined || ns < 1000
        ? complain(model, ':columns takes a time from 1us on')
        : step(model, ask({ kind: 'columns', ns }));
    },
  },
  load: {
    operand: 'FILE',
    help: 'put a script into the editor',
    run: (model, operand) =>
      operand === '' ? complain(model, 'a file is needed') : step(model, { kind: 'load', path: operand }),
  },
  save: {
    operand: 'FILE',
    help: 'write the script to a file',
    run: (model, operand) => withFile(model, operand, (text) => ({ kind: 'save', path: operand, text })),
  },
  golden: {
    operand: 'NAME',
    help: 'record the last script and what it prints as NAME.bt and NAME.out',
    run: (model, operand) =>
      withFile(model, operand, (text) => ({ kind: 'golden', name: operand, text: goldenHeader(model) + text })),
  },
  clear: { help: 'empty the transcript', run: (model) => step({ ...model, transcript: [], scroll: 0 }) },
  quit: { help: 'leave', run: (model) => leave(model) },
} as const satisfies Record<string, CommandRow>;

const PANE_COMMANDS = Object.fromEntries(
  PANE_NAMES.map((name) => [
    name,
    { help: `show ${paneRow(name).help}`, run: (model: Model) => openPane(model, name) },
  ]),
);

const COMMANDS: Readonly<Record<string, CommandRow>> = { ...PANE_COMMANDS, ...OWN_COMMANDS };
export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

export function commandRow(name: string): CommandRow {
  return COMMANDS[name]!;
}

/** Does what a line that begins with a colon says; the beginning of a name is enough where it is the only one. */
export function runCommand(model: Model, line: string): Step {
  const [, word = '', operand = ''] = /^\s*:\s*(\S*)\s*([^]*?)\s*$/.exec(line)!;
  const matching = COMMAND_NAMES.filter((name) => name.startsWith(word));
  const name = COMMAND_NAMES.find((one) => one === word) ?? (matching.length === 1 ? matching[0] : undefined);
  if (name !== undefined && word !== '') return commandRow(name).run(model, operand);
  return complain(
    model,
    matching.length > 1 && word !== ''
      ? `:${word} may be :${matching.join(', :')}`
      : `no command :${word}; :help lists them`,
  );
}

export function togglePause(model: Model): Step {
  if (model.attached.length === 0) return complain(model, 'nothing is attached');
  return step({ ...model, isPaused: !model.isPaused }, ask({ kind: model.isPaused ? 'resume' : 'pause' }));
}

export function stepOnce(model: Model): Step {
  if (model.attached.length === 0) return complain(model, 'nothing is attached');
  return step({ ...model, isPaused: true }, ask({ kind: 'step' }));
}

export function setSpeed(model: Model, factor: number): Step {
  return step({ ...model, speed: factor }, ask({ kind: 'speed', factor }));
}

export function detach(model: Model, which: readonly string[]): Step {
  if (which.length === 0) return complain(model, 'nothing is attached');
  return step(model, ...which.map((name) => ask({ kind: 'detach', name })));
}

export function leave(model: Model): Step {
  return step({ ...model, isLeaving: true }, { kind: 'quit' });
}

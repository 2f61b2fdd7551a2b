import type { DebugStage } from '../../pipeline/settings.ts';
import type { MachinePane } from '../protocol.ts';

export interface PaneRow {
  readonly title: string;
  readonly help: string;
  /** The key that opens and closes it. */
  readonly key?: string;
  /** It shows what a stage made of the script. */
  readonly stage?: DebugStage;
  /** It shows the machine. */
  readonly machine?: MachinePane;
}

/** Everything that can be shown beside the transcript. */
const PANES = {
  help: { title: 'Help', help: 'keys and commands', key: 'f1' },
  tokens: { title: 'Tokens', help: 'what the scanner cuts the script into', stage: 'tokens' },
  ast: { title: 'Syntax tree', help: 'what the parser makes of the script', key: 'f2', stage: 'ast' },
  types: { title: 'Types', help: 'what the type checker knows of maps and variables', stage: 'types' },
  ir: { title: 'Intermediate representation', help: 'the script as SSA, optimised', key: 'f3', stage: 'ir' },
  bytecode: { title: 'eBPF', help: "the bytecode under the script's lines", key: 'f4', stage: 'bytecode' },
  verifier: { title: 'Verifier', help: "the verifier's log, and why it refuses", key: 'f5', stage: 'verifier' },
  js: { title: 'JavaScript', help: 'what the JIT makes of the bytecode', key: 'f6', stage: 'js' },
  interrupts: { title: '/proc/interrupts', help: 'interrupts by CPU', key: 'f7', machine: 'interrupts' },
  timeline: { title: 'CPUs', help: 'what each CPU runs', key: 'f8', machine: 'timeline' },
} as const satisfies Record<string, PaneRow> & Record<DebugStage | MachinePane, PaneRow>;
export type PaneName = keyof typeof PANES;

export const PANE_NAMES = Object.keys(PANES) as readonly PaneName[];

export function paneRow(name: PaneName): PaneRow {
  return PANES[name];
}

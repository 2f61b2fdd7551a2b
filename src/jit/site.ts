import type { CurrentLocations } from '../abi/execution.ts';
import type { MemoryAccess } from '../abi/verified-image.ts';
import type { Step } from './control-flow.ts';
import type { Halves } from './liveness.ts';
import { hasHigh, hasLow } from './liveness.ts';
import type { StackWords } from './stack-words.ts';
import type { State } from './transfer.ts';
import type { Value } from './value.ts';
import { hasHighVariable, HIGH } from './value.ts';

/** One instruction about to be translated. */
export interface Site {
  readonly step: Step;
  /** What comes behind it in its block. */
  readonly next: Step | undefined;
  /** Registers before it. */
  readonly state: State;
  /** Variables of registers that are read after it. */
  readonly live: Halves;
  readonly access: MemoryAccess | undefined;
  /** Words of the stack that are in variables. */
  readonly stackWords: StackWords;
  readonly isMain: boolean;
}

/** Names in generated code of what ExecutionEnvironment.current tells. */
export const CURRENT_SYMBOLS: Record<keyof CurrentLocations, string> = {
  cpu: 'CPU',
  time: 'TIME',
  pidTgid: 'PID_TGID',
  uidGid: 'UID_GID',
  comm: 'COMM',
  task: 'TASK',
  probedFunction: 'PROBED_FUNCTION',
};

/** The local variable with a register's low half. */
export function lowName(register: number): string {
  return `r${register}`;
}

/** The local variable with a register's high half, where it needs one. */
export function highName(register: number): string {
  return `h${register}`;
}

/** `symbol + offset`, without parentheses. */
export function addressText(symbol: string, offset: number): string {
  if (offset === 0) return symbol;
  return offset < 0 ? `${symbol} - ${-offset}` : `${symbol} + ${offset}`;
}

/** The low half of a register as an int32 operand. */
export function lowText(value: Value, register: number): string {
  if (value.low === undefined) return lowName(register);
  if (value.symbol === undefined) return String(value.low);
  return value.low === 0 ? value.symbol : `(${addressText(value.symbol, value.low)})`;
}

/** The low half as an unsigned number. */
export function unsignedText(value: Value, register: number): string {
  if (value.low !== undefined && value.symbol === undefined) return String(value.low >>> 0);
  return `(${lowText(value, register)} >>> 0)`;
}

/** The high half of a register as an int32 operand. */
export function highText(value: Value, register: number): string {
  if (value.high !== undefined) return String(value.high);
  if ((value.highs & HIGH.zero) !== 0) return '0';
  if ((value.highs & HIGH.pointer) !== 0) return 'KERNEL';
  const low = lowText(value, register);
  if ((value.highs & HIGH.sign) !== 0) {
    return value.low !== undefined && value.symbol === undefined ? String(value.low >> 31) : `(${low} >> 31)`;
  }
  if ((value.highs & HIGH.pointerOrNull) !== 0) return `(${low} === 0 ? 0 : KERNEL)`;
  return highName(register);
}

/** Whether the high half of `register`, which becomes `value`, must be put in its variable. */
export function needsHigh(site: Site, register: number, value: Value): boolean {
  return hasHigh(site.live, register) && hasHighVariable(value);
}

/** Whether anything reads the variables of `register` afterwards. */
export function isRead({ live }: Site, register: number): boolean {
  return hasLow(live, register) || hasHigh(live, register);
}

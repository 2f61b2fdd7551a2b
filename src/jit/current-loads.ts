import type { CurrentLocations } from '../abi/execution.ts';
import type { HelperName } from '../abi/helpers.ts';

/** A helper that returns a word of ExecutionEnvironment.current. */
export interface CurrentLoad {
  readonly location: keyof CurrentLocations;
  /** Whether the word has a high half there. */
  readonly wide: boolean;
  /**
   * Whether the 64 bits, taken for a double, are a number: times and process ids stay below 2 ** 62. As doubles such words
   * are copied in one go; the bits of a NaN are the engine's to choose.
   */
  readonly isNumber: boolean;
}

const row = (location: keyof CurrentLocations, wide: boolean, isNumber: boolean): CurrentLoad => ({
  location,
  wide,
  isNumber,
});

export const CURRENT_LOADS: Partial<Record<HelperName, CurrentLoad>> = {
  ktime_get_ns: row('time', true, true),
  get_current_pid_tgid: row('pidTgid', true, true),
  get_current_uid_gid: row('uidGid', true, false),
  get_current_task: row('task', true, false),
  get_func_ip: row('probedFunction', true, false),
  get_smp_processor_id: row('cpu', false, false),
};

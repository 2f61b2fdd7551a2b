import { ELF_COMMANDS } from './elf.ts';
import { MODULE_COMMANDS } from './modules.ts';
import { PERF_COMMANDS } from './perf.ts';
import { SYSTEM_COMMANDS } from './system.ts';
import { STRACE } from './strace.ts';
import { TEXT_COMMANDS } from './text.ts';
import type { MakeCommand } from './command.ts';

/** Every program of the lab. */
export const LAB_COMMANDS: readonly MakeCommand[] = [
  ...TEXT_COMMANDS,
  ...SYSTEM_COMMANDS,
  ...ELF_COMMANDS,
  ...PERF_COMMANDS,
  ...MODULE_COMMANDS,
  STRACE,
];

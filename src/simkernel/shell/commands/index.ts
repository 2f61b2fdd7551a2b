import { BASIC_PROGRAMS } from './basics.ts';
import { FILE_COMMANDS } from './change-files.ts';
import { DD } from './dd.ts';
import { END_COMMANDS } from './ends.ts';
import { ELF_COMMANDS } from './elf.ts';
import { KERNEL_COMMANDS } from './kernel.ts';
import { LS } from './list-files.ts';
import { MODULE_COMMANDS } from './modules.ts';
import { PERF_COMMANDS } from './perf.ts';
import { SCHEDULING_COMMANDS } from './scheduling.ts';
import { SYSTEM_COMMANDS } from './system.ts';
import { PROCESS_COMMANDS } from './processes.ts';
import { SED } from './sed.ts';
import { STRACE } from './strace.ts';
import { TEXT_COMMANDS } from './text.ts';
import type { MakeCommand } from './command.ts';

/** Every program of the lab. */
export const LAB_COMMANDS: readonly MakeCommand[] = [
  ...TEXT_COMMANDS,
  ...END_COMMANDS,
  ...SYSTEM_COMMANDS,
  ...FILE_COMMANDS,
  ...ELF_COMMANDS,
  ...PERF_COMMANDS,
  ...MODULE_COMMANDS,
  ...KERNEL_COMMANDS,
  ...PROCESS_COMMANDS,
  ...SCHEDULING_COMMANDS,
  ...BASIC_PROGRAMS,
  LS,
  DD,
  SED,
  STRACE,
];

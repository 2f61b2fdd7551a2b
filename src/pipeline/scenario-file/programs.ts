import type { Image } from '../../simkernel/programs/image.ts';
import { BORG } from '../../simkernel/programs/images/backup.ts';
import { PYTHON } from '../../simkernel/programs/images/batch.ts';
import { BASH, CONSOLE_BASH } from '../../simkernel/programs/images/bash.ts';
import { SERIAL_LOGGER } from '../../simkernel/programs/images/console.ts';
import { MYSQLD } from '../../simkernel/programs/images/database.ts';
import { SNMP_PASS, SNMPD } from '../../simkernel/programs/images/monitoring.ts';
import { SSH_SESSION } from '../../simkernel/programs/images/ssh.ts';
import { COMMANDS, CRON, SH } from '../../simkernel/programs/images/shell.ts';
import { NGINX } from '../../simkernel/programs/images/web.ts';

/** Built-in programs that a scenario file may run by name, and what they execute. */
export const PROGRAMS: Readonly<Record<string, { readonly image: Image; readonly runs?: readonly Image[] }>> = {
  nginx: { image: NGINX },
  mysqld: { image: MYSQLD },
  borg: { image: BORG },
  python3: { image: PYTHON },
  cron: { image: CRON, runs: [SH, ...COMMANDS] },
  bash: { image: SSH_SESSION, runs: [BASH, ...COMMANDS] },
  'bash-on-keyboard': { image: CONSOLE_BASH, runs: COMMANDS },
  'serial-logger': { image: SERIAL_LOGGER },
  snmpd: { image: SNMPD },
  'snmp-pass': { image: SNMP_PASS },
};

/** /etc/passwd of the machine: names of user ids. */
export const USERS: ReadonlyMap<number, string> = new Map([
  [0, 'root'],
  [33, 'www-data'],
  [110, 'mysql'],
  [112, 'Debian-snmp'],
  [1000, 'user'],
]);

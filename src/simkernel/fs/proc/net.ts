import type { Machine } from '../../machine.ts';

const HEAD =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';
/** Widths of the columns: bytes, packets, errs, drop, fifo, then three that differ between the ways. */
const RECEIVE = [7, 7, 4, 4, 4, 5, 10, 9] as const;
const TRANSMIT = [8, 7, 4, 4, 4, 5, 7, 10] as const;
const row = (widths: readonly number[], values: readonly number[]): string =>
  widths.map((width, i) => String(values[i] ?? 0).padStart(width)).join(' ');

/** Errors, FIFO overruns, collisions and the like do not happen to simulated devices. */
export function netDevText(m: Machine): string {
  return (
    HEAD +
    m.netDevices
      .map(({ name, stats }) => {
        const received = row(RECEIVE, [stats.rxBytes, stats.rxPackets, 0, stats.rxDropped]);
        const sent = row(TRANSMIT, [stats.txBytes, stats.txPackets]);
        return `${name.padStart(6)}: ${received} ${sent}\n`;
      })
      .join('')
  );
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');
export function inet6Text(m: Machine): string {
  return m.netDevices
    .map(({ name, index, inet6 }) =>
      inet6 === null
        ? ''
        : `${inet6.address} ${[index, inet6.prefix, inet6.scope, inet6.flags].map(hex).join(' ')} ${name.padStart(8)}\n`,
    )
    .join('');
}

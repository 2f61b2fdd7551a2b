import { symbolText } from './print-format.ts';
import type { TraceArray } from './trace-array.ts';

/** seq_print_ip_sym(): an address as the options sym-offset and sym-addr want it. */
export function shownSymbol({ machine, options }: TraceArray, address: bigint): string {
  const name = symbolText(machine, address, options.get('sym-offset'));
  return options.get('sym-addr') ? `${name} <${address.toString(16)}>` : name;
}

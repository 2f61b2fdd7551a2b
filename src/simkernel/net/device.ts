/** struct net_device and its rtnl_link_stats64, as far as the machine counts. */
export interface NetDevice {
  readonly name: string;
  readonly index: number;
  readonly stats: Record<'rxPackets' | 'rxBytes' | 'rxDropped' | 'txPackets' | 'txBytes', number>;
  /** Its IPv6 address (32 hex digits), prefix length, scope and flags, as /proc/net/if_inet6 has them. */
  readonly inet6: {
    readonly address: string;
    readonly prefix: number;
    readonly scope: number;
    readonly flags: number;
  } | null;
}

const IFA_F_PERMANENT = 0x80;
const IPV6_ADDR_LOOPBACK = 0x10;

/** lo: every machine has it. */
export function createLoopback(): NetDevice {
  return {
    name: 'lo',
    index: 1,
    stats: { rxPackets: 0, rxBytes: 0, rxDropped: 0, txPackets: 0, txBytes: 0 },
    inet6: { address: `${'0'.repeat(31)}1`, prefix: 128, scope: IPV6_ADDR_LOOPBACK, flags: IFA_F_PERMANENT },
  };
}

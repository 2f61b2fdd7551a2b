/** Why a packet is dropped (enum skb_drop_reason of Linux 7.2), by the kernel's names without their prefix. */
export const DROP = {
  NOT_SPECIFIED: 2,
  NO_SOCKET: 3,
  SOCKET_RCVBUFF: 6,
  OTHERHOST: 13,
  IP_NOPROTO: 19,
  SOCKET_BACKLOG: 29,
  TCP_FLAGS: 30,
  TCP_ABORT_ON_DATA: 31,
  TCP_ZEROWINDOW: 32,
  TCP_OLD_DATA: 33,
  TCP_OVERWINDOW: 34,
  TCP_OFOMERGE: 35,
  TCP_LISTEN_OVERFLOW: 40,
  TCP_OLD_SEQUENCE: 41,
  TCP_INVALID_SEQUENCE: 42,
  TCP_RESET: 45,
  TCP_CLOSE: 47,
  TCP_OLD_ACK: 49,
  TCP_OFO_DROP: 53,
  NEIGH_FAILED: 58,
  NEIGH_QUEUEFULL: 59,
  QDISC_DROP: 64,
  CPU_BACKLOG: 66,
} as const;
export type DropReason = (typeof DROP)[keyof typeof DROP];

/** Why a connection is reset (enum sk_rst_reason). */
export const RESET = {
  NOT_SPECIFIED: 0,
  NO_SOCKET: 1,
  TCP_ABORT_ON_DATA: 8,
  TCP_ABORT_ON_CLOSE: 11,
  TCP_STATE: 14,
} as const;

/** A capture file as libpcap writes it (pcap-savefile(5)): one global header, then packets with a header each. */
const MAGIC = 0xa1b2c3d4;
const VERSION = { major: 2, minor: 4 } as const;
const SNAPSHOT_LENGTH = 65_535;
/** LINKTYPE_RAW: packets begin with their IP header. */
const LINK_TYPE = 101;
const FILE_HEADER = 24;
const PACKET_HEADER = 16;

/** A packet, and when it was seen: nanoseconds since the epoch. */
export interface CapturedPacket {
  readonly timeNs: bigint;
  readonly bytes: Uint8Array;
}

/** The file's bytes. */
export function encodeCapture(packets: readonly CapturedPacket[]): Uint8Array {
  const size = packets.reduce((sum, { bytes }) => sum + PACKET_HEADER + bytes.length, FILE_HEADER);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, VERSION.major, true);
  view.setUint16(6, VERSION.minor, true);
  view.setUint32(16, SNAPSHOT_LENGTH, true);
  view.setUint32(20, LINK_TYPE, true);
  let at = FILE_HEADER;
  for (const { timeNs, bytes } of packets) {
    view.setUint32(at, Number(timeNs / 1_000_000_000n), true);
    view.setUint32(at + 4, Number((timeNs % 1_000_000_000n) / 1000n), true);
    view.setUint32(at + 8, bytes.length, true);
    view.setUint32(at + 12, bytes.length, true);
    file.set(bytes, at + PACKET_HEADER);
    at += PACKET_HEADER + bytes.length;
  }
  return file;
}

import { type CapturedPacket, encodeCapture } from './output/pcap.ts';
import type { Kernel } from './kernel.ts';

/** The capture files of skboutput(), on the machine that is traced: scripts never reach the host's. Each holds the packets of all calls that name it. */
export class Captures {
  readonly #kernel: Kernel;
  readonly #files: ReadonlyMap<string, CapturedPacket[]>;

  constructor(kernel: Kernel, paths: readonly string[]) {
    this.#kernel = kernel;
    this.#files = new Map(paths.map((path) => [path, []]));
    this.write();
  }

  /** The packet from `offset` on; nothing when it is shorter. */
  add(path: string, timeNs: bigint, packet: Uint8Array, offset: number): void {
    if (offset < packet.length) this.#files.get(path)?.push({ timeNs, bytes: packet.slice(offset) });
  }

  write(): void {
    for (const [path, packets] of this.#files) this.#kernel.writeFile?.(path, encodeCapture(packets));
  }
}

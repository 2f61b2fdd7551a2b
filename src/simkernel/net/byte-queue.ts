/** Bytes in order of arrival: what lies in a pipe. */
export class ByteQueue {
  length = 0;
  private readonly chunks: Uint8Array[] = [];
  /** Read position in the first chunk. */
  private at = 0;

  /** Keeps a copy. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.chunks.push(bytes.slice());
    this.length += bytes.length;
  }
  /** Moves what is there into `to`, as far as it fits; returns how much that was. */
  take(to: Uint8Array): number {
    let done = 0;
    while (done < to.length) {
      const first = this.chunks[0];
      if (first === undefined) break;
      const part = first.subarray(this.at, this.at + to.length - done);
      to.set(part, done);
      done += part.length;
      this.at += part.length;
      if (this.at === first.length) {
        this.chunks.shift();
        this.at = 0;
      }
    }
    this.length -= done;
    return done;
  }
}

import { badObject, demand } from '../bad-object.ts';

/** Reads fields one after the other; every field must lie in the section. */
export class DwarfCursor {
  readonly bytes: Uint8Array;
  at: number;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }
  private take(size: number): number {
    const { at } = this;
    demand(size >= 0 && at + size <= this.bytes.length, 'debugging information ends in the middle');
    this.at += size;
    return at;
  }
  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  s8(): number {
    return this.view.getInt8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  u64(): number {
    return Number(this.view.getBigUint64(this.take(8), true));
  }
  /** Of one to eight bytes. */
  unsigned(size: number): number {
    const start = this.take(size);
    let value = 0;
    for (let i = size - 1; i >= 0; i -= 1) value = value * 256 + this.bytes[start + i]!;
    return value;
  }
  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      if (scale > 2 ** 63) badObject('a number of debugging information does not end');
    }
  }
  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - scale * 128;
      if (scale > 2 ** 63) badObject('a number of debugging information does not end');
    }
  }
  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    demand(end >= 0, 'a text of debugging information does not end');
    const text = new TextDecoder().decode(this.bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }
  block(size: number): Uint8Array {
    const start = this.take(size);
    return this.bytes.subarray(start, start + size);
  }
  /** initial_length: the size of what follows, and of offsets in it. */
  length(): { readonly end: number; readonly offsetSize: 4 | 8 } {
    const short = this.u32();
    const isLong = short === 0xffff_ffff;
    const size = isLong ? this.u64() : short;
    demand(this.at + size <= this.bytes.length, 'a unit of debugging information ends behind its section');
    return { end: this.at + size, offsetSize: isLong ? 8 : 4 };
  }
}

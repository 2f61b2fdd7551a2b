import type { Resources } from '../../../src/lang/resources.ts';
import { CONFIG, type Config } from '../../../src/lang/config.ts';
import type { ValueContext } from '../../../src/runtime/output/value-context.ts';
import type { OutputStreams } from '../../../src/runtime/output/output.ts';
import { bytesToText } from '../../../src/runtime/output/byte-text.ts';

/** Little-endian bytes: numbers are u64, strings are themselves, [value, size] sets the size. */
export function bytes(
  ...parts: (bigint | number | string | readonly [bigint | number | string, number])[]
): Uint8Array {
  const chunks = parts.map((part) => {
    const [value, size] = typeof part === 'object' ? part : [part, typeof part === 'string' ? part.length : 8];
    const chunk = new Uint8Array(size);
    if (typeof value === 'string') chunk.set(Uint8Array.from(value, (c) => c.charCodeAt(0)).subarray(0, size));
    else {
      let rest = BigInt.asUintN(size * 8, BigInt(value));
      for (let i = 0; i < size; i++, rest >>= 8n) chunk[i] = Number(rest & 0xffn);
    }
    return chunk;
  });
  return Uint8Array.from(chunks.flatMap((chunk) => [...chunk]));
}

export function testContext(overrides: Partial<ValueContext> = {}): ValueContext {
  return {
    truncationTrailer: '..',
    demangles: true,
    showsSource: true,
    maxStringLength: 1024,
    timeFormats: [],
    bootTimeNs: 0n,
    kernel: { kernelSymbol: () => undefined, userSymbol: () => undefined, userName: () => undefined },
    ...overrides,
  };
}

export const DEFAULT_CONFIG = Object.fromEntries(
  Object.entries(CONFIG).map(([name, row]) => [name, row.default]),
) as unknown as Config;

export function testResources(overrides: Partial<Resources>): Resources {
  return {
    config: DEFAULT_CONFIG,
    attachments: [],
    maps: [],
    ringBuffer: 0,
    actions: [],
    timeFormats: [],
    stackMaps: [],
    ...overrides,
  };
}

/** Streams that remember what was written, as byte text. */
export function captureStreams(): OutputStreams & { readonly out: () => string; readonly err: () => string } {
  let out = '';
  let err = '';
  return {
    stdout: (chunk) => void (out += bytesToText(chunk)),
    stderr: (text) => void (err += text),
    out: () => out,
    err: () => err,
  };
}

import { demangle } from '../../btf/cxx/demangle.ts';
import type { StackMode } from '../../lang/types.ts';
import type { SourcePlace, UserSource } from '../kernel.ts';
import { byteText } from './byte-text.ts';
import type { ValueContext } from './value-context.ts';

/** Text of a kernel address: its symbol, or the address as C++ prints a pointer. */
export function kernelSymbolText(context: ValueContext, address: bigint): string {
  const hit = resolve((low, high) => context.kernel.kernelSymbol(low, high), address);
  return hit === undefined ? addressHex(address) : byteText(hit.name);
}

export function userSymbolText(context: ValueContext, pid: number, address: bigint): string {
  const hit = resolve((low, high) => context.kernel.userSymbol(pid, low, high), address);
  return hit === undefined ? addressHex(address) : userName(context, hit.name);
}
const userName = ({ demangles }: ValueContext, name: string): string =>
  byteText((demangles ? demangle(name) : undefined) ?? name);

const INDENT = ' '.repeat(8);
const UNWIND_FAILURE = 0xffff_ffff_ffff_ffffn;

/** The lines of a stack, with an empty one in front. `pid` for a user stack. */
export function stackText(
  context: ValueContext,
  mode: StackMode,
  addresses: readonly bigint[],
  pid: number | undefined,
): string {
  let result = '\n';
  for (const address of addresses) {
    if (address === UNWIND_FAILURE) return `${result}${INDENT}<unwind failure>\n`;
    for (const line of frameTexts(context, mode, address, pid)) result += `${line}\n`;
  }
  return result;
}

/** The frames of one address: more than one where functions are inlined. */
function frameTexts(
  context: ValueContext,
  mode: StackMode,
  address: bigint,
  pid: number | undefined,
): readonly string[] {
  const hex = address.toString(16);
  if (mode === 'raw' || mode === 'build_id') return [hex];
  const isPerf = mode === 'perf';
  const texts = pid === undefined ? [kernelFrame(context, address)] : userFrames(context, address, pid, isPerf);
  return texts.map((text) => (isPerf ? `\t${hex} ${text}` : `${INDENT}${text}`));
}

function kernelFrame({ kernel }: ValueContext, address: bigint): string {
  const hit = resolve((low, high) => kernel.kernelSymbol(low, high), address);
  return hit === undefined ? addressHex(address) : `${byteText(hit.name)}+${hit.offset}`;
}

function userFrames(context: ValueContext, address: bigint, pid: number, isPerf: boolean): readonly string[] {
  const source = userSource(context, address, pid);
  if (source === undefined) return [isPerf ? `${addressHex(address)} ([unknown])` : addressHex(address)];
  const { symbol, place, inlined } = source;
  const outer = `${userName(context, symbol.name)}+${symbol.offset}`;
  return [
    ...inlined.map(({ name, place: at }) => {
      const text = userName(context, name);
      return isPerf ? `${text} (inlined)` : `[inlined] ${text}${placeText(at)}`;
    }),
    isPerf ? `${outer} (${byteText(symbol.module)})` : `${outer}${placeText(place)}`,
  ];
}
function userSource({ kernel, showsSource }: ValueContext, address: bigint, pid: number): UserSource | undefined {
  const source = showsSource ? resolve((low, high) => kernel.userSource?.(pid, low, high), address) : undefined;
  if (source !== undefined) return source;
  const symbol = resolve((low, high) => kernel.userSymbol(pid, low, high), address);
  return symbol && { symbol, place: undefined, inlined: [] };
}
const placeText = (place: SourcePlace | undefined): string =>
  place === undefined ? '' : `@${byteText(place.file)}:${place.line}`;

const BUILD_ID_SIZE = 20;
const STATUS_VALID = 1;

/** Frames of struct bpf_stack_build_id: the build id and the offset in the file where it is known, else the address. */
export function buildIdText(frames: readonly DataView[]): string {
  let result = '\n';
  for (const frame of frames) {
    const ip = frame.getBigUint64(24, true).toString(16);
    if (frame.getInt32(0, true) === STATUS_VALID) {
      for (let i = 0; i < BUILD_ID_SIZE; i++)
        result += frame
          .getUint8(4 + i)
          .toString(16)
          .padStart(2, '0');
      result += ` 0x${ip.padStart(2, '0')}\n`;
    } else result += `${ip}\n`;
  }
  return result;
}

function resolve<T>(find: (low: number, high: number) => T, address: bigint): T {
  return find(Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
}

/** A null pointer prints as a lone 0. */
function addressHex(address: bigint): string {
  return address === 0n ? '0' : `0x${address.toString(16)}`;
}

import { demangle } from '../../btf/cxx/demangle.ts';
import type { StackMode } from '../../lang/types.ts';
import type { SymbolHit } from '../kernel.ts';
import { byteText } from './byte-text.ts';
import type { ValueContext } from './value-context.ts';

type Resolve = (low: number, high: number) => SymbolHit | undefined;

/** Text of a kernel address: its symbol, or the address as C++ prints a pointer. */
export function kernelSymbolText(context: ValueContext, address: bigint): string {
  const hit = resolve((low, high) => context.kernel.kernelSymbol(low, high), address);
  return hit === undefined ? addressHex(address) : byteText(hit.name);
}

export function userSymbolText(context: ValueContext, pid: number, address: bigint): string {
  const hit = resolve((low, high) => context.kernel.userSymbol(pid, low, high), address);
  return hit === undefined ? addressHex(address) : byteText(userName(context, hit));
}
const userName = ({ demangles }: ValueContext, { name }: SymbolHit): string =>
  (demangles ? demangle(name) : undefined) ?? name;

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
    result += frameText(context, mode, address, pid);
  }
  return result;
}

function frameText(context: ValueContext, mode: StackMode, address: bigint, pid: number | undefined): string {
  const hex = address.toString(16);
  if (mode === 'raw' || mode === 'build_id') return `${hex}\n`;
  const { kernel } = context;
  const hit =
    pid === undefined
      ? resolve((low, high) => kernel.kernelSymbol(low, high), address)
      : resolve((low, high) => kernel.userSymbol(pid, low, high), address);
  const name = hit === undefined || pid === undefined ? hit?.name : userName(context, hit);
  let text = name === undefined ? addressHex(address) : `${byteText(name)}+${hit!.offset}`;
  if (mode === 'bpftrace') return `${INDENT}${text}\n`;
  // perf mode names the binary of user addresses only.
  if (pid !== undefined) text += hit === undefined ? ' ([unknown])' : ` (${byteText(hit.module)})`;
  return `\t${hex} ${text}\n`;
}

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

function resolve(find: Resolve, address: bigint): SymbolHit | undefined {
  return find(Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
}

/** A null pointer prints as a lone 0. */
function addressHex(address: bigint): string {
  return address === 0n ? '0' : `0x${address.toString(16)}`;
}

import type { AttachTarget } from '../lang/attach-target.ts';
import { usdtPlaces, type UserFile, type UserSymbol } from '../lang/target.ts';
import type { HookTarget, Kernel } from './kernel.ts';

/** Places in a file, or why they are none, as bpftrace says it before it asks the kernel. */
export type UserPlaces =
  | {
      readonly kind: 'hooks';
      readonly targets: readonly HookTarget[];
      readonly warning?: string;
      readonly isOne?: true;
    }
  | { readonly kind: 'unsupported'; readonly reason: string };

type FunctionTarget = Extract<AttachTarget, { kind: 'uprobe' | 'uretprobe' }>;

const problem = (reason: string): UserPlaces => ({ kind: 'unsupported', reason });
const UNSAFE =
  '\nUse --unsafe to force attachment. WARNING: This option could lead to data corruption in the target process.';

/** Offsets in the file of what a uprobe names. */
export function userPlaces(target: FunctionTarget, kernel: Kernel): UserPlaces {
  const unsafe = target.unchecked === true;
  const file = kernel.executable(target.path);
  if (file === undefined) return problem(`Could not resolve symbol: ${target.path}:${target.function}`);
  if (target.address !== undefined) return placeAt(target, Number(target.address), file, unsafe);
  const targets: HookTarget[] = [];
  for (const name of target.functions ?? [target.function]) {
    const symbol = file.symbols.find((row) => row.name === name);
    if (symbol === undefined) return problem(`Could not resolve symbol: ${target.path}:${name}`);
    const refused = refuse(target, symbol, target.offset, file, unsafe);
    if (refused !== undefined) return problem(refused);
    targets.push(placeOf(target, file, symbol.address + target.offset));
  }
  return { kind: 'hooks', targets };
}

/** Every place of a static probe, numbered by its cookie. */
export function staticProbePlaces(
  { path, provider, name }: Extract<AttachTarget, { kind: 'usdt' }>,
  kernel: Kernel,
): UserPlaces {
  const file = kernel.executable(path);
  const places = file === undefined ? [] : usdtPlaces(file, provider, name);
  if (file === undefined || places.length === 0)
    return problem('Failed to attach usdt probe: No such file or directory');
  return {
    kind: 'hooks',
    isOne: true,
    targets: places.map(({ address, semaphore }, cookie) => ({
      kind: 'uprobe',
      path,
      fileOffset: file.fileOffset(address),
      cookie,
      ...(semaphore === 0 ? {} : { semaphoreOffset: file.fileOffset(semaphore) }),
    })),
  };
}

function placeAt(target: FunctionTarget, address: number, file: UserFile, unsafe: boolean): UserPlaces {
  const symbol = file.symbols.find((row) => address >= row.address && address < row.address + row.size);
  if (symbol === undefined) {
    if (!unsafe) return problem(`Could not resolve address: ${target.path}:0x${address.toString(16)}`);
    const warning =
      `Could not determine instruction boundary for ${target.kind}:${target.path}:${address} ` +
      '(binary appears stripped). Misaligned probes can lead to tracee crashes!';
    return { kind: 'hooks', targets: [placeOf(target, file, address)], warning };
  }
  const refused = refuse(target, symbol, address - symbol.address, file, unsafe);
  return refused === undefined ? { kind: 'hooks', targets: [placeOf(target, file, address)] } : problem(refused);
}

function placeOf({ kind, path }: FunctionTarget, file: UserFile, address: number): HookTarget {
  return { kind, path, fileOffset: file.fileOffset(address) };
}

/** resolve_offset_uprobe: what bpftrace does not let through. */
function refuse(
  target: FunctionTarget,
  symbol: UserSymbol,
  offset: number,
  file: UserFile,
  unsafe: boolean,
): string | undefined {
  if (target.kind === 'uretprobe' && offset !== 0) {
    return `uretprobes cannot be attached at function offset. (address resolved to: ${symbol.name}+${offset})`;
  }
  if (symbol.size === 0 && offset === 0) {
    return unsafe ? undefined : `Could not determine boundary for ${symbol.name} (symbol has size 0).${UNSAFE}`;
  }
  if (offset >= symbol.size) return `Offset outside the function bounds ('${symbol.name}' size is ${symbol.size})`;
  if (offset === 0 || unsafe || file.isInstruction(symbol.address + offset)) return undefined;
  return `Could not add ${target.kind} into middle of instruction: ${target.path}:${symbol.name}+${offset}${UNSAFE}`;
}

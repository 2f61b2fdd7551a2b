/**
 * The workloads as one would write them in JavaScript, with its own numbers and maps, in the order of WORKLOADS. The current
 * process and the time are fields of `machine`.
 */
export interface ReferenceMachine {
  readonly context: DataView;
  readonly pid: number;
  readonly time: bigint;
}

export function createReferences({ context, pid, time }: ReferenceMachine): readonly (() => number)[] {
  const counts = new Map<number, number>();
  const histogram = new Float64Array(64);
  const events: { type: number; time: bigint; pid: number; a: bigint; b: bigint }[] = [];
  const compare = (step: number, load: (at: number) => unknown): number => {
    for (let i = 0; i < 64; i += step) if (load(256 + i) !== load(512 + i)) return 0;
    return 1;
  };
  return [
    () => 0,
    () => {
      let hash = 0xcbf29ce484222325n;
      for (let i = 0n; i < 1000n; i++) {
        hash = BigInt.asUintN(64, (hash ^ i) * 0x100000001b3n);
        hash ^= hash >> 29n;
      }
      return Number(BigInt.asIntN(32, hash));
    },
    () => {
      let count = 0;
      for (let candidate = 2; candidate < 1000; candidate++) {
        let divisor = 2;
        while (divisor * divisor <= candidate && candidate % divisor !== 0) divisor++;
        if (divisor * divisor > candidate) count++;
      }
      return count;
    },
    () => {
      let total = 0;
      for (let i = 0; i < 1024; i++) total += context.getUint8(i);
      return total;
    },
    () => {
      counts.set(pid, (counts.get(pid) ?? 0) + 1);
      return 0;
    },
    () => {
      const value = Number(context.getBigUint64(0, true));
      const bucket = value === 0 ? 0 : 1 + Math.floor(Math.log2(value));
      histogram[bucket]!++;
      return 0;
    },
    () => compare(1, (at) => context.getUint8(at)),
    () => compare(8, (at) => context.getBigUint64(at, true)),
    () => {
      events.push({ type: 7, time, pid, a: context.getBigUint64(0, true), b: context.getBigUint64(8, true) });
      if (events.length === 512) events.length = 0;
      return 0;
    },
    () => {
      const a = context.getBigUint64(8, true);
      const b = context.getBigUint64(16, true);
      return Number(BigInt.asIntN(32, a / b + (a % b)));
    },
  ];
}

import { describe, expect, test } from 'vitest';
import { openArena } from '../../../src/runtime/arena.ts';
import { createHelpers, createRandom } from '../../../src/runtime/helpers/create-helpers.ts';
import type { HelperHost, RunContext } from '../../../src/runtime/helpers/helper-host.ts';
import { createMap } from '../../../src/runtime/maps/create-map.ts';
import { createTestMachine } from '../test-machine.ts';

function setUp(
  callback: (slot: number, args: Int32Array) => number = () => 0,
  run: RunContext = { atReturn: false, cookie: 0 },
) {
  const machine = createTestMachine();
  const arena = openArena(machine.kernel.memory);
  const { allocate, kernelHigh } = machine.kernel.memory;
  const map = createMap({ name: 'm', type: 'hash', keySize: 8, valueSize: 8, maxEntries: 8, flags: 0 }, 0, {
    arena,
    cpus: 2,
    cpu: machine.kernel.current.cpu,
  });
  if ('error' in map) throw new Error(map.error);
  const host: HelperHost = {
    kernel: machine.kernel,
    arena,
    maps: [map],
    resultHigh: allocate(8, 8),
    scratch: allocate(4096, 8),
    random: createRandom(1),
    run,
    callback: () => callback,
  };
  const helpers = createHelpers(host);
  /** The 64-bit result of a helper that returned its low half. */
  const wide = (low: number): bigint => (BigInt(arena.words[host.resultHigh >> 2]!) << 32n) | BigInt(low >>> 0);
  return { machine, arena, helpers, map, wide, kernelHigh, buffer: allocate(256, 8), allocate };
}
const text = (string: string): Uint8Array => new TextEncoder().encode(string);

describe('probe reads', () => {
  test('copy kernel memory and return 0', () => {
    const { helpers, arena, kernelHigh, buffer, allocate, wide } = setUp();
    const from = allocate(16, 8);
    arena.bytes.set(text('kernel'), from);
    expect(wide(helpers.probe_read_kernel(buffer, 6, from, kernelHigh))).toBe(0n);
    expect(String.fromCharCode(...arena.bytes.subarray(buffer, buffer + 6))).toBe('kernel');
  });
  test('zero the buffer and return -EFAULT when the address is bad', () => {
    const { helpers, arena, buffer, wide } = setUp();
    arena.bytes.fill(0xff, buffer, buffer + 8);
    expect(wide(helpers.probe_read_kernel(buffer, 8, 0, 0))).toBe(-14n);
    expect([...arena.bytes.subarray(buffer, buffer + 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });
  test('read user memory through the mappings of the process', () => {
    const { helpers, machine, arena, buffer, wide } = setUp();
    machine.mapUser(0x5000, text('user'));
    expect(wide(helpers.probe_read_user(buffer, 4, 0x5000, 0))).toBe(0n);
    expect(String.fromCharCode(...arena.bytes.subarray(buffer, buffer + 4))).toBe('user');
    expect(wide(helpers.probe_read_user(buffer, 4, 0x7000, 0))).toBe(-14n);
  });
  test.each([
    ['fits with its NUL', 'hello\0xx', 16, 6, 'hello\0'],
    ['is cut and still ends in NUL', 'hello world\0', 6, 6, 'hello\0'],
    ['is exactly as long as the buffer', 'hello\0', 6, 6, 'hello\0'],
    ['is empty', '\0', 8, 1, '\0'],
  ])('return the length with NUL of a string that %s', (_name, string, size, length, copied) => {
    const { helpers, machine, arena, buffer, wide } = setUp();
    machine.mapUser(0x5000, text(string));
    expect(wide(helpers.probe_read_user_str(buffer, size, 0x5000, 0))).toBe(BigInt(length));
    expect(String.fromCharCode(...arena.bytes.subarray(buffer, buffer + length))).toBe(copied);
  });
  test('leave the bytes behind a string alone', () => {
    const { helpers, machine, arena, buffer } = setUp();
    machine.mapUser(0x5000, text('ab\0cd'));
    arena.bytes.fill(7, buffer, buffer + 8);
    helpers.probe_read_user_str(buffer, 8, 0x5000, 0);
    expect([...arena.bytes.subarray(buffer, buffer + 8)]).toEqual([97, 98, 0, 7, 7, 7, 7, 7]);
  });
  test('follow a string over a page boundary, and fault where the next page is missing', () => {
    const { helpers, machine, arena, buffer, wide } = setUp();
    machine.mapUser(0x5ffc, text('abcd'));
    arena.bytes.fill(7, buffer, buffer + 16);
    expect(wide(helpers.probe_read_user_str(buffer, 16, 0x5ffc, 0))).toBe(-14n);
    expect([...arena.bytes.subarray(buffer, buffer + 16)]).toEqual(new Array(16).fill(0));
    machine.mapUser(0x6000, text('ef\0'));
    expect(wide(helpers.probe_read_user_str(buffer, 16, 0x5ffc, 0))).toBe(7n);
    expect(String.fromCharCode(...arena.bytes.subarray(buffer, buffer + 6))).toBe('abcdef');
  });
});

describe('current task', () => {
  test('has pid, thread group and command', () => {
    const { helpers, machine, arena, buffer, wide } = setUp();
    machine.setTask(42, 41, 'a-very-long-command-name');
    expect(wide(helpers.get_current_pid_tgid())).toBe((41n << 32n) | 42n);
    arena.bytes.fill(1, buffer, buffer + 20);
    helpers.get_current_comm(buffer, 20);
    expect(String.fromCharCode(...arena.bytes.subarray(buffer, buffer + 20))).toBe('a-very-long-com\0\0\0\0\0');
    helpers.get_current_comm(buffer, 4);
    expect(String.fromCharCode(...arena.bytes.subarray(buffer, buffer + 4))).toBe('a-v\0');
  });
  test('gets signals as a thread group', () => {
    const { helpers, machine } = setUp();
    machine.setTask(42, 41, 'x');
    helpers.send_signal(9, 0);
    expect(machine.signals).toEqual([[41, 9]]);
  });
});

test('clocks count from boot, TAI from the epoch', () => {
  const { helpers, machine, wide } = setUp();
  machine.setTime(5_000_000_123);
  expect(wide(helpers.ktime_get_ns())).toBe(5_000_000_123n);
  expect(wide(helpers.ktime_get_boot_ns())).toBe(5_000_000_123n);
  expect(wide(helpers.ktime_get_tai_ns())).toBe(1_700_000_005_000_000_123n);
});

test('random numbers repeat with their seed', () => {
  const draw = (seed: number): number[] => Array.from({ length: 3 }, createRandom(seed));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

describe('stacks', () => {
  test('are copied and the rest of the buffer is zeroed', () => {
    const { helpers, machine, arena, buffer, wide } = setUp();
    machine.kernelStack.push(1n, 2n, 3n);
    arena.bytes.fill(0xff, buffer, buffer + 40);
    expect(wide(helpers.get_stack(0, buffer, 32, 1, 0))).toBe(16n);
    expect([0, 8, 16, 24, 32].map((i) => arena.view.getBigUint64(buffer + i, true))).toEqual([
      2n,
      3n,
      0n,
      0n,
      0xffff_ffff_ffff_ffffn,
    ]);
  });
  test('that are empty are no error, unless frames are skipped', () => {
    const { helpers, machine, arena, buffer, wide } = setUp();
    const stack = (skip: number): bigint => {
      arena.bytes.fill(0xff, buffer, buffer + 8);
      const result = wide(helpers.get_stack(0, buffer, 8, skip, 0));
      expect(arena.view.getBigUint64(buffer, true)).toBe(0n);
      return result;
    };
    expect([stack(0), stack(1)]).toEqual([0n, -14n]);
    machine.kernelStack.push(1n);
    expect([stack(1), stack(2)]).toEqual([0n, -14n]);
  });
});

describe('loops', () => {
  test('call back with the index and context until one returns non-zero', () => {
    const calls: number[][] = [];
    const { helpers, wide } = setUp((slot, args) => {
      calls.push([slot, args[0]!, args[2]!, args[3]!]);
      return args[0] === 2 ? 1 : 0;
    });
    expect(wide(helpers.loop(10, 0, 5, 100, 200, 0, 0))).toBe(3n);
    expect(calls).toEqual([
      [5, 0, 100, 200],
      [5, 1, 100, 200],
      [5, 2, 100, 200],
    ]);
  });
  test('refuse flags and too many rounds', () => {
    const { helpers, wide } = setUp();
    expect(wide(helpers.loop(1, 0, 0, 0, 0, 1, 0))).toBe(-22n);
    expect(wide(helpers.loop(8388609, 0, 0, 0, 0, 0, 0))).toBe(-7n);
  });
  test('over a map pass pointers to key and value', () => {
    const seen: number[] = [];
    const { helpers, map, arena, buffer, wide, kernelHigh } = setUp((_slot, args) => {
      expect([args[1], args[3], args[5]]).toEqual([kernelHigh, kernelHigh, kernelHigh]);
      seen.push(arena.view.getInt32(args[2]!, true), arena.view.getInt32(args[4]!, true));
      return 0;
    });
    for (const [key, value] of [
      [1, 10],
      [2, 20],
    ]) {
      arena.view.setInt32(buffer, key!, true);
      arena.view.setInt32(buffer + 8, value!, true);
      helpers.map_update_elem(map.location.address, buffer, buffer + 8, 0, 0);
    }
    expect(wide(helpers.for_each_map_elem(map.location.address, 3, 0, 0, 0, 0))).toBe(2n);
    expect(seen).toEqual([1, 10, 2, 20]);
  });
});

test.each([
  ['abc\0', 'abc\0', 4, 0n],
  ['abd\0', 'abc\0', 4, 1n],
  ['abb\0', 'abc\0', 4, -1n],
  ['abx\0', 'abc\0', 2, 0n],
  ['a\0x', 'a\0y', 3, 0n],
])('strncmp of %j and %j over %i bytes is %s', (a, b, size, result) => {
  const { helpers, arena, buffer, wide } = setUp();
  arena.bytes.set(text(a), buffer);
  arena.bytes.set(text(b), buffer + 16);
  expect(wide(helpers.strncmp(buffer, size, buffer + 16))).toBe(result);
});

describe('numbers from text', () => {
  test.each<['strtol' | 'strtoul', string, number, bigint, bigint | undefined]>([
    ['strtol', '123abc', 10, 3n, 123n],
    ['strtol', '  -42', 0, 5n, -42n],
    ['strtol', '0x1F', 0, 4n, 31n],
    ['strtol', '0x1F', 16, 4n, 31n],
    ['strtol', '0755', 0, 4n, 493n],
    ['strtol', '0', 0, 1n, 0n],
    ['strtol', '9223372036854775807', 10, 19n, 9223372036854775807n],
    ['strtol', '9223372036854775808', 10, -34n, undefined],
    ['strtol', '-9223372036854775808', 10, 20n, -9223372036854775808n],
    ['strtol', '-9223372036854775809', 10, -34n, undefined],
    ['strtol', 'abc', 10, -22n, undefined],
    ['strtol', '1', 7, -22n, undefined],
    ['strtol', '1', 10 | 32, -22n, undefined],
    ['strtoul', '18446744073709551615', 10, 20n, -1n],
    ['strtoul', '18446744073709551616', 10, -34n, undefined],
    ['strtoul', '-1', 10, -22n, undefined],
  ])('%s(%j, base %i) returns %i', (name, string, flags, result, value) => {
    const { helpers, arena, buffer, wide } = setUp();
    arena.bytes.set(text(string), buffer);
    arena.view.setBigInt64(buffer + 64, 99n, true);
    expect(BigInt.asIntN(64, wide(helpers[name](buffer, string.length, flags, 0, buffer + 64)))).toBe(result);
    expect(arena.view.getBigInt64(buffer + 64, true)).toBe(value ?? 99n);
  });
});

describe('large buffers', () => {
  const SIZE = 400_000;
  const withBuffer = () => {
    const base = setUp();
    return { ...base, large: base.arena.memory.allocate(SIZE, 8) };
  };
  test('hold numbers behind any number of spaces', () => {
    const { helpers, arena, buffer, large, wide } = withBuffer();
    arena.bytes.fill(0x20, large, large + SIZE);
    arena.bytes.set(text('-42'), large + SIZE - 3);
    expect(wide(helpers.strtol(large, SIZE, 10, 0, buffer))).toBe(BigInt(SIZE));
    expect(arena.view.getBigInt64(buffer, true)).toBe(-42n);
  });
  test('hold formats', () => {
    const { helpers, arena, buffer, large, wide } = withBuffer();
    arena.bytes.fill(0x78, large, large + SIZE - 1);
    expect(wide(helpers.snprintf(buffer, 4, large, 0, 0))).toBe(BigInt(SIZE));
    expect(String.fromCharCode(...arena.bytes.subarray(buffer, buffer + 4))).toBe('xxx\0');
  });
  test('are shown up to 1023 characters of a trace line', () => {
    const { helpers, machine, arena, large, wide } = withBuffer();
    const lines: string[] = [];
    machine.kernel.tracePrintk = (line) => void lines.push(line);
    arena.bytes.fill(0x78, large, large + SIZE - 1);
    expect(wide(helpers.trace_printk(large, SIZE, 0, 0, 0, 0, 0, 0))).toBe(BigInt(SIZE - 1));
    expect(lines).toEqual(['x'.repeat(1023)]);
  });
});

describe('formatted text', () => {
  test('goes into a buffer, and the length counts the NUL and what did not fit', () => {
    const { helpers, arena, buffer, wide } = setUp();
    arena.bytes.set(text('%d:%d\0'), buffer);
    arena.view.setBigUint64(buffer + 16, 12n, true);
    arena.view.setBigUint64(buffer + 24, 345n, true);
    expect(wide(helpers.snprintf(buffer + 64, 16, buffer, buffer + 16, 16))).toBe(7n);
    expect(String.fromCharCode(...arena.bytes.subarray(buffer + 64, buffer + 71))).toBe('12:345\0');
    expect(wide(helpers.snprintf(buffer + 96, 4, buffer, buffer + 16, 16))).toBe(7n);
    expect(String.fromCharCode(...arena.bytes.subarray(buffer + 96, buffer + 101))).toBe('12:\0\0');
    expect(wide(helpers.snprintf(buffer + 64, 16, buffer, buffer + 16, 12))).toBe(-22n);
  });
  test('goes to the trace buffer, if the format ends in its bounds', () => {
    const { helpers, machine, arena, buffer, wide } = setUp();
    const lines: string[] = [];
    machine.kernel.tracePrintk = (line) => void lines.push(line);
    arena.bytes.set(text('pid %d\n\0'), buffer);
    expect(wide(helpers.trace_printk(buffer, 8, 7, 0, 0, 0, 0, 0))).toBe(6n);
    expect(wide(helpers.trace_printk(buffer, 7, 7, 0, 0, 0, 0, 0))).toBe(-22n);
    expect(lines).toEqual(['pid 7\n']);
  });
});

test('an iterator writes text and bytes to the file that is read', () => {
  const { helpers, machine, arena, buffer, wide } = setUp();
  const written: number[] = [];
  machine.kernel.writeSequence = (low, high, bytes) => {
    if (low !== 64 || high !== 5) return -14;
    written.push(...bytes);
    return 0;
  };
  arena.bytes.set(text('n %d\n\0'), buffer);
  arena.view.setBigUint64(buffer + 16, 12n, true);
  expect(wide(helpers.seq_printf(64, 5, buffer, 6, buffer + 16, 8))).toBe(0n);
  expect(wide(helpers.seq_write(64, 5, buffer, 2))).toBe(0n);
  expect(wide(helpers.seq_write(64, 6, buffer, 2))).toBe(-14n);
  expect(String.fromCharCode(...written)).toBe('n 12\nn ');
});

test('ticks come at 250 Hz, and their count runs over 32 bits five minutes after boot', () => {
  const { helpers, machine, wide } = setUp();
  machine.setTime(11_999_999);
  expect(wide(helpers.ktime_get_coarse_ns())).toBe(8_000_000n);
  expect(wide(helpers.jiffies64())).toBe(2n ** 32n - 75_000n + 2n);
  machine.setTime(300_000_000_000);
  expect(wide(helpers.jiffies64())).toBe(2n ** 32n);
});

test('the first PID namespace is the only one', () => {
  const { helpers, machine, arena, buffer, wide } = setUp();
  machine.setTask(42, 41, 'x');
  const ask = (device: number, inode: number, size = 8): bigint =>
    wide(helpers.get_ns_current_pid_tgid(device, 0, inode, 0, buffer, size));
  expect(ask(4, 0xeffffffc | 0)).toBe(0n);
  expect([arena.view.getUint32(buffer, true), arena.view.getUint32(buffer + 4, true)]).toEqual([42, 41]);
  expect([ask(3, 0xeffffffc | 0), ask(4, 1), ask(4, 0xeffffffc | 0, 4)]).toEqual([-22n, -22n, -22n]);
  expect(arena.view.getUint32(buffer, true)).toBe(0);
});

test('a signal to the thread goes to the thread', () => {
  const { helpers, machine } = setUp();
  machine.setTask(42, 41, 'x');
  helpers.send_signal_thread(10, 0);
  expect(machine.signals).toEqual([[42, 10]]);
});

describe('the call that a tracing program sees', () => {
  function traced(atReturn: boolean) {
    const set = setUp(() => 0, { atReturn, cookie: 0 });
    const block = set.allocate(64, 8);
    const view = new DataView(set.arena.memory.buffer);
    [2n, 11n, 22n, 33n].forEach((word, index) => view.setBigUint64(block + 8 * index, word, true));
    const read = (): bigint => view.getBigUint64(set.buffer, true);
    return { ...set, context: block + 8, read };
  }
  test('has as many arguments as stand in front of them', () => {
    const { helpers, wide, context, buffer, read } = traced(false);
    expect(wide(helpers.get_func_arg_cnt(context))).toBe(2n);
    expect(wide(helpers.get_func_arg(context, 1, 0, buffer))).toBe(0n);
    expect(read()).toBe(22n);
    expect(wide(helpers.get_func_arg(context, 2, 0, buffer))).toBe(-22n);
    expect(wide(helpers.get_func_arg(context, 0, 1, buffer))).toBe(-22n);
    expect(read()).toBe(22n);
  });
  test('has a result at the function’s return only', () => {
    const atEntry = traced(false);
    expect(atEntry.wide(atEntry.helpers.get_func_ret(atEntry.context, atEntry.buffer))).toBe(-95n);
    const { helpers, wide, context, buffer, read } = traced(true);
    expect(wide(helpers.get_func_ret(context, buffer))).toBe(0n);
    expect(read()).toBe(33n);
  });
});

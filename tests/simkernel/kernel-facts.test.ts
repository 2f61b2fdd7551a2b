import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { ARCHITECTURES } from '../../src/simkernel/arch/architectures.ts';
import { PT_REGS, PT_REGS_SIZE } from '../../src/btf/pt-regs.ts';
import { printType } from '../../src/btf/print.ts';
import { decodeBase64 } from '../../src/simkernel/base64.ts';
import { traceableFunction, traceableFunctions } from '../../src/simkernel/listing.ts';
// Declares the functions that are listed.
import '../../src/simkernel/machine.ts';
import {
  allKernelTypes,
  fieldOf,
  findField,
  kernelTypes,
  offsetOf,
  rawTracepointNames,
  rawTracepointParameters,
  sizeOfStruct,
} from '../../src/simkernel/kernel-types.ts';
import { syscallByName, syscallByNumber, syscalls } from '../../src/simkernel/syscalls.ts';
import { listTracepoints, tracepointFormat, tracepointRecord } from '../../src/simkernel/tracepoint-formats.ts';

// Numbers of Debian's 7.2.13 amd64 kernel, as bpftool prints them from its own BTF.
test.each<[string, string, number]>([
  ['pt_regs', 'di', 112],
  ['pt_regs', 'orig_ax', 120],
  ['task_struct', 'pid', 2808],
  ['task_struct', 'comm', 3344],
  ['task_struct', 'se.vruntime', 248],
  ['sock', '__sk_common.skc_dport', 12],
  ['sockaddr_in', 'sin_addr.s_addr', 4],
  ['path', 'dentry', 8],
])('struct %s has %s at %d', (struct, path, offset) => {
  expect(offsetOf(struct, path)).toBe(offset);
});

test('a bit field says its integer, shift and width', () => {
  expect(fieldOf('iphdr', 'version')).toMatchObject({ offset: 0, size: 1, bits: { shift: 4, width: 4 } });
});

test('a member that the kernel does not have is not found', () => {
  expect(findField('task_struct', 'nonesuch')).toBeUndefined();
  expect(findField('nonesuch', 'pid')).toBeUndefined();
  expect(() => fieldOf('task_struct', 'nonesuch')).toThrow('task_struct.nonesuch');
});

test('pt_regs has the size that the entry code pushes', () => {
  expect(sizeOfStruct('pt_regs')).toBe(168);
});

test('kernel functions have parameter names and types', () => {
  const read = kernelTypes().function('vfs_read')!;
  expect(read.parameters.map(({ name, type }) => `${printType(type)} ${name}`)).toEqual([
    'struct file * file',
    'char * buf',
    'size_t count',
    'loff_t * pos',
  ]);
  expect(printType(read.returns)).toBe('ssize_t');
});

test('raw tracepoints give the arguments of the call site', () => {
  expect(rawTracepointParameters('sched_switch')!.map(({ name }) => name)).toEqual([
    'preempt',
    'prev',
    'next',
    'prev_state',
  ]);
  expect(rawTracepointNames()).toContain('sys_enter');
  expect(rawTracepointParameters('nonesuch')).toBeUndefined();
});

test('a tracepoint format is the one that tracefs shows', () => {
  const format = tracepointFormat('sched', 'sched_switch')!;
  expect(format.fields.map((f) => `${f.type} ${f.name}${f.dimensions} ${f.offset}:${f.size}:${f.signed}`)).toEqual([
    'char prev_comm[16] 8:16:false',
    'pid_t prev_pid 24:4:true',
    'int prev_prio 28:4:true',
    'long prev_state 32:8:true',
    'char next_comm[16] 40:16:false',
    'pid_t next_pid 56:4:true',
    'int next_prio 60:4:true',
  ]);
  expect(format.print).toMatch(/^"prev_comm=%s prev_pid=%d .*REC->next_prio$/);
  expect(tracepointFormat('sched', 'nonesuch')).toBeUndefined();
  expect(tracepointFormat('constructor', 'nonesuch')).toBeUndefined();
});

test('a record has its fields at the offsets of the format, __data_loc fields as marked 4-byte ints', () => {
  const record = tracepointRecord('syscalls', 'sys_enter_openat')!;
  expect(
    record.members.slice(4).map(({ name, type, offsetBits }) => `${printType(type)} ${name} ${offsetBits / 8}`),
  ).toEqual([
    'int __syscall_nr 8',
    'int dfd 16',
    'const char * filename 24',
    'int flags 32',
    'umode_t mode 40',
    '__data_loc char[] __filename_val 48',
  ]);
  expect(record.members.at(-1)!.type).toMatchObject({ kind: 'int', size: 4, name: '__data_loc char[]' });
  expect(record.members.find(({ name }) => name === 'dfd')!.type).toMatchObject({ size: 8, signed: false });
  expect(record.size).toBe(52);
});

test('every listed tracepoint has a format and a record that ends where its last field does', () => {
  const listed = listTracepoints(ARCHITECTURES.x86_64);
  expect(listed.length).toBeGreaterThan(1300);
  for (const { category, name } of listed) {
    const { fields } = tracepointFormat(category, name)!;
    const last = fields.at(-1);
    expect(tracepointRecord(category, name)!.size).toBe(last === undefined ? 8 : last.offset + last.size);
  }
});

test('system calls are found by number and by either name', () => {
  expect(syscallByNumber(257)).toMatchObject({ name: 'openat', entry: 'openat' });
  expect(syscallByName('stat')).toEqual(syscallByNumber(4));
  expect(syscallByName('newstat')).toEqual(syscallByNumber(4));
  expect(syscallByName('nonesuch')).toBeUndefined();
  expect(syscallByName('read')!.parameters).toEqual([
    { type: 'unsigned int', name: 'fd' },
    { type: 'char *', name: 'buf' },
    { type: 'size_t', name: 'count' },
  ]);
  expect(syscalls().every(({ entry }) => tracepointFormat('syscalls', `sys_enter_${entry}`) !== undefined)).toBe(true);
});

test.each([
  ['', ''],
  ['QQ==', 'A'],
  ['QUI=', 'AB'],
  ['QUJD', 'ABC'],
  ['+/+/', '\xfb\xff\xbf'],
])('base64 %s decodes', (text, bytes) => {
  expect(String.fromCharCode(...decodeBase64(text))).toBe(bytes);
});

test("the table of registers is the kernel's struct pt_regs", () => {
  expect(sizeOfStruct('pt_regs')).toBe(PT_REGS_SIZE);
  for (const [name, offset] of Object.entries(PT_REGS)) expect(offsetOf('pt_regs', name), name).toBe(offset);
});

/** available_filter_functions of Debian's 7.2.13 amd64 kernel with few modules loaded. */
const REAL = new Set(
  gunzipSync(readFileSync(new URL('linux-7.2-functions.txt.gz', import.meta.url)))
    .toString('latin1')
    .split('\n'),
);
/** Inlined there; bpftrace's tools and most books name them. */
const NAMED_BY_TOOLS = ['blk_account_io_done', 'blk_account_io_start'];

/** Serving probes and entries here is what these do. */
const NOT_PROBED_HERE = [
  'arch_install_hw_breakpoint',
  'arch_uninstall_hw_breakpoint',
  'do_error_trap',
  'do_int3',
  'handle_stack_overflow',
  'handler_chain',
  'kprobe_int3_handler',
  'nmi_handle',
  'optimized_callback',
  'perf_event_nmi_handler',
  'rest_init',
  'setup_singlestep',
  'unknown_nmi_error',
  'uprobe_handle_trampoline',
  'uprobe_post_sstep_notifier',
  'uprobe_pre_sstep_notifier',
];

test('what is listed as traceable is traceable on a real kernel, the functions of modules aside', () => {
  const listed = traceableFunctions(ARCHITECTURES.x86_64);
  expect(listed.length).toBeGreaterThan(3000);
  const unknown = listed.filter(({ name, module }) => module === 'vmlinux' && !REAL.has(name));
  expect(unknown.map(({ name }) => name)).toEqual(NAMED_BY_TOOLS);
});

test('what a real kernel lets one trace is listed, but for the machinery of probes and entry code of this machine', () => {
  const listed = new Set(traceableFunctions(ARCHITECTURES.x86_64).map(({ name }) => name));
  const missing = [...REAL].filter((name) => name !== '' && !listed.has(name));
  expect(missing.sort()).toEqual(NOT_PROBED_HERE);
});

test.each(['vfs_read', 'sched_post_fork', 'xfrm_output_gso.isra.0', '__probestub_sched_switch'])(
  '%s is found by its name as it is in the list',
  (name) => {
    const listed = traceableFunctions(ARCHITECTURES.x86_64).find((each) => each.name === name);
    expect(listed).toEqual({ name, module: 'vmlinux' });
    expect(traceableFunction(ARCHITECTURES.x86_64, name)).toEqual(listed);
  },
);

test.each(['no_such_function', '__probestub_cpu_idle', 'bpf_iter_task', '__proto__'])(
  '%s is no function of the kernel',
  (name) => {
    expect(traceableFunction(ARCHITECTURES.x86_64, name)).toBeUndefined();
  },
);

test('functions that the machine never calls have their prototypes', () => {
  const { parameters, returns } = allKernelTypes().function('sched_post_fork')!;
  expect(parameters.map(({ name, type }) => `${printType(type)} ${name}`)).toEqual(['struct task_struct * p']);
  expect(printType(returns)).toBe('void');
});

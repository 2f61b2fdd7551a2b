import type { Image } from './image.ts';
import { HEAP_FUNCTIONS } from './malloc.ts';
import { MUTEX_FUNCTIONS } from './mutex.ts';
import { LIBC_FUNCTIONS } from './resolver.ts';
import { STANDARD_FUNCTIONS } from './libc-names.ts';
import { SYSCALL_NUMBERS } from './syscall-numbers.ts';

/** Functions that are no system call; nothing on the machine calls them yet. */
const OTHERS = [
  'gethostbyaddr',
  'gethostbyaddr_r',
  'gethostbyname',
  'gethostbyname2',
  'gethostbyname2_r',
  'gethostbyname_r',
];

/** Those that programs of the machine call, too. */
const ALLOCATORS = new Map(HEAP_FUNCTIONS.map((fn) => [fn.facts.name, fn]));

/** The C library: one wrapper per system call, what runs before main, and some functions to probe. */
export const LIBC: Image = {
  path: '/usr/lib/x86_64-linux-gnu/libc.so.6',
  symbols: [
    '__libc_start_call_main',
    'start_thread',
    ...Object.keys(SYSCALL_NUMBERS),
    ...OTHERS,
    ...LIBC_FUNCTIONS,
    ...STANDARD_FUNCTIONS.map((name) => ALLOCATORS.get(name) ?? name),
    ...MUTEX_FUNCTIONS,
    ...HEAP_FUNCTIONS.filter(({ facts }) => !STANDARD_FUNCTIONS.some((name) => name === facts.name)),
  ],
  main: null,
};

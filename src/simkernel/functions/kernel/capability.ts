import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { EPERM } from '../../errno.ts';
import { hasCapability } from '../../tasks/credentials.ts';

/** include/uapi/linux/capability.h */
export const CAP = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  NET_BIND_SERVICE: 10,
  NET_ADMIN: 12,
  NET_RAW: 13,
  SYS_MODULE: 16,
  SYS_PTRACE: 19,
  SYS_ADMIN: 21,
  SYS_NICE: 23,
  SYS_RESOURCE: 24,
  SYS_TIME: 25,
} as const;
export type Capability = (typeof CAP)[keyof typeof CAP];

type UserNamespace = KernelObject | null;

/** The commoncap module: whether the credentials have it. Root has all, and so has who was given them. */
const capCapable = kernelFunction(
  'cap_capable',
  12,
  (m, _cred: KernelObject | null, _ns: UserNamespace, cap: number, _opts: number): number => {
    const { cred } = m.cpu.current;
    return cred !== null && hasCapability(cred, cap) ? 0 : -EPERM;
  },
);
const securityCapable = kernelFunction(
  'security_capable',
  10,
  (m, cred: KernelObject | null, ns: UserNamespace, cap: number, opts: number): number =>
    capCapable(m, cred, ns, cap, opts),
);
/** 1 when the current task has a capability in its user namespace. */
export const nsCapable = kernelFunction('ns_capable', 8, (m, ns: UserNamespace, cap: number): number =>
  securityCapable(m, m.cpu.current.cred, ns ?? m.userNamespace, cap, 0) === 0 ? 1 : 0,
);
const capable = kernelFunction('capable', 6, (m, cap: number): number => nsCapable(m, null, cap));
export function mayDo(m: Machine, cap: Capability): boolean {
  return capable(m, cap) === 1;
}

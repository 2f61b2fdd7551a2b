import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';

const CRED = structFields('cred', {
  uid: 'uid',
  gid: 'gid',
  suid: 'suid',
  sgid: 'sgid',
  euid: 'euid',
  egid: 'egid',
  fsuid: 'fsuid',
  fsgid: 'fsgid',
  permitted: 'cap_permitted',
  effective: 'cap_effective',
  userNs: 'user_ns',
});

/** All capabilities up to CAP_CHECKPOINT_RESTORE. */
const ALL_CAPABILITIES = 2 ** 41 - 1;

/** Ids of one kind: real, effective, saved, and the one for file access. */
export interface Ids {
  real: number;
  effective: number;
  saved: number;
  file: number;
}

/** struct cred: as whom a task acts. */
export interface Credentials extends KernelObject {
  readonly users: Ids;
  readonly groups: Ids;
  /** A set of bits below 2^41. */
  capabilities: number;
}

const sameIds = (id: number): Ids => ({ real: id, effective: id, saved: id, file: id });

export function createCredentials(m: Machine, uid: number, gid: number): Credentials {
  const address = m.arena.allocate(CRED.size);
  const cred: Credentials = {
    address,
    users: sameIds(uid),
    groups: sameIds(gid),
    capabilities: uid === 0 ? ALL_CAPABILITIES : 0,
  };
  storeWord(m.words, address + CRED.userNs, m.userNamespace);
  storeCredentials(m, cred);
  return cred;
}
/** prepare_creds(): a copy to be changed. */
export function copyCredentials(m: Machine, old: Credentials): Credentials {
  const address = m.arena.allocate(CRED.size);
  m.arena.bytes.copyWithin(address, old.address, old.address + CRED.size);
  return { address, users: { ...old.users }, groups: { ...old.groups }, capabilities: old.capabilities };
}
export function storeCredentials(m: Machine, { address, users, groups, capabilities }: Credentials): void {
  const { words } = m;
  const put = (offset: number, value: number): void => {
    words[(address + offset) >> 2] = value;
  };
  put(CRED.uid, users.real);
  put(CRED.euid, users.effective);
  put(CRED.suid, users.saved);
  put(CRED.fsuid, users.file);
  put(CRED.gid, groups.real);
  put(CRED.egid, groups.effective);
  put(CRED.sgid, groups.saved);
  put(CRED.fsgid, groups.file);
  for (const field of [CRED.permitted, CRED.effective]) {
    put(field, capabilities | 0);
    put(field + 4, Math.floor(capabilities / 4294967296));
  }
}
export function freeCredentials(m: Machine, cred: Credentials): void {
  m.arena.free(cred.address, CRED.size);
}
/** Becoming somebody else than root gives up root's powers, becoming root brings them. */
export function capabilitiesOf(users: Ids): number {
  return users.effective === 0 ? ALL_CAPABILITIES : 0;
}
export function hasCapability(cred: Credentials, capability: number): boolean {
  return Math.floor(cred.capabilities / 2 ** capability) % 2 === 1;
}

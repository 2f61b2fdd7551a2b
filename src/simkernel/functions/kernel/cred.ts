import { kernelFunction } from '../../execution/kernel-function.ts';
import { callRcu } from './rcu.ts';
import { EPERM } from '../../errno.ts';
import type { Machine } from '../../machine.ts';
import { capabilitiesOf, copyCredentials, freeCredentials, storeCredentials } from '../../tasks/credentials.ts';
import type { Credentials, Ids } from '../../tasks/credentials.ts';
import { setCredentials } from '../../tasks/process.ts';
import { CAP } from './capability.ts';
import type { Capability } from './capability.ts';
import { nsCapable } from './capability.ts';
import { systemCall } from '../x86/syscall-table.ts';

/** (uid_t)-1: leave it as it is. */
const UNCHANGED = 0xffffffff;

const prepareCreds = kernelFunction('prepare_creds', 140, (m): Credentials => copyCredentials(m, m.cpu.current.cred!));
const commitCreds = kernelFunction('commit_creds', 90, (m, cred: Credentials): number => {
  const task = m.cpu.current;
  const old = task.cred;
  setCredentials(m, task, cred);
  if (old !== null) callRcu(m, () => freeCredentials(m, old));
  return 0;
});

/** Changes ids of one kind if `allowed` says so, and with root's user id its capabilities. */
function change(
  m: Machine,
  cap: Capability,
  kind: 'users' | 'groups',
  next: (old: Ids, may: boolean) => Ids | null,
): number {
  const cred = prepareCreds(m);
  const old = cred[kind];
  const may = nsCapable(m, null, cap) === 1;
  const ids = next(old, may);
  if (ids === null) {
    freeCredentials(m, cred);
    return -EPERM;
  }
  const hadRoot = cred.users.effective === 0;
  Object.assign(old, ids);
  if (kind === 'users' && (cred.users.effective === 0) !== hadRoot) cred.capabilities = capabilitiesOf(cred.users);
  storeCredentials(m, cred);
  return commitCreds(m, cred);
}
const setAll =
  (id: number) =>
  (old: Ids, may: boolean): Ids | null => {
    if (may) return { real: id, effective: id, saved: id, file: id };
    return id === old.real || id === old.saved ? { ...old, effective: id, file: id } : null;
  };
const setThree =
  (real: number, effective: number, saved: number) =>
  (old: Ids, may: boolean): Ids | null => {
    const mine = [old.real, old.effective, old.saved];
    const asked = [real, effective, saved];
    if (!may && asked.some((id) => id !== UNCHANGED && !mine.includes(id))) return null;
    const pick = (id: number, before: number): number => (id === UNCHANGED ? before : id);
    const e = pick(effective, old.effective);
    return { real: pick(real, old.real), effective: e, saved: pick(saved, old.saved), file: e };
  };

const sysSetuid = kernelFunction('__sys_setuid', 40, (m, uid: number): number =>
  change(m, CAP.SETUID, 'users', setAll(uid)),
);
systemCall('setuid', 12, (m, uid) => sysSetuid(m, uid));
const sysSetgid = kernelFunction('__sys_setgid', 40, (m, gid: number): number =>
  change(m, CAP.SETGID, 'groups', setAll(gid)),
);
systemCall('setgid', 12, (m, gid) => sysSetgid(m, gid));
const sysSetresuid = kernelFunction(
  '__sys_setresuid',
  45,
  (m, real: number, effective: number, saved: number): number =>
    change(m, CAP.SETUID, 'users', setThree(real, effective, saved)),
);
systemCall('setresuid', 12, (m, real, effective, saved) => sysSetresuid(m, real, effective, saved));
const sysSetresgid = kernelFunction(
  '__sys_setresgid',
  45,
  (m, real: number, effective: number, saved: number): number =>
    change(m, CAP.SETGID, 'groups', setThree(real, effective, saved)),
);
systemCall('setresgid', 12, (m, real, effective, saved) => sysSetresgid(m, real, effective, saved));
const sysSetreuid = kernelFunction('__sys_setreuid', 45, (m, real: number, effective: number): number =>
  change(m, CAP.SETUID, 'users', setThree(real, effective, effective)),
);
systemCall('setreuid', 12, (m, real, effective) => sysSetreuid(m, real, effective));
/** Returns the previous id whatever happens. */
const sysSetfsuid = kernelFunction('__sys_setfsuid', 40, (m, uid: number): number => {
  const before = m.cpu.current.cred?.users.file ?? 0;
  if (uid === before || uid === UNCHANGED) return before;
  change(m, CAP.SETUID, 'users', (old, may) =>
    may || [old.real, old.effective, old.saved].includes(uid) ? { ...old, file: uid } : null,
  );
  return before;
});
systemCall('setfsuid', 12, (m, uid) => sysSetfsuid(m, uid));
systemCall('setgroups', 120, (m) => (nsCapable(m, null, CAP.SETGID) === 1 ? 0 : -EPERM));

import type { Machine } from '../../machine.ts';

/** The bytes behind a user address of the current process; undefined where nothing is mapped (EFAULT). */
export function userBytes(m: Machine, address: number, size: number): Uint8Array | undefined {
  const at = m.cpu.current.process?.mm.find(address, size) ?? -1;
  return at < 0 ? undefined : m.arena.bytes.subarray(at, at + size);
}
/** put_user() of an int; false is EFAULT. */
export function putUserInt(m: Machine, address: number, value: number): boolean {
  const at = m.cpu.current.process?.mm.find(address, 4) ?? -1;
  if (at >= 0) m.arena.view.setInt32(at, value, true);
  return at >= 0;
}
/** get_user() of an int; undefined is EFAULT. */
export function getUserInt(m: Machine, address: number): number | undefined {
  const at = m.cpu.current.process?.mm.find(address, 4) ?? -1;
  return at < 0 ? undefined : m.arena.view.getInt32(at, true);
}
/** A 64-bit integer of user memory, exact to 2^53. */
export function getUserLong(m: Machine, address: number): number | undefined {
  const at = m.cpu.current.process?.mm.find(address, 8) ?? -1;
  return at < 0 ? undefined : m.arena.view.getUint32(at, true) + m.arena.view.getInt32(at + 4, true) * 4294967296;
}
/** A timespec as nanoseconds; undefined is EFAULT. */
export function getUserTimespec(m: Machine, address: number): number | undefined {
  const seconds = getUserLong(m, address);
  const nanoseconds = getUserLong(m, address + 8);
  return seconds === undefined || nanoseconds === undefined ? undefined : seconds * 1e9 + nanoseconds;
}

import type { Machine } from '../machine.ts';
import type { ModuleSource } from '../modules/module-api.ts';

/** A module of the user's that the host is to load; the answer is its code, or why there is none. */
export interface ModuleRequest {
  readonly path: string;
  answer: ModuleSource | string | undefined;
}
const waiting = new WeakMap<Machine, ModuleRequest[]>();

/** Asks the host for a module's file. */
export function moduleSource(m: Machine, path: string): ModuleRequest {
  const request: ModuleRequest = { path, answer: undefined };
  waiting.set(m, [...(waiting.get(m) ?? []), request]);
  m.stop();
  return request;
}
/** What commands have asked for since the host last looked. */
export function takeModuleRequests(m: Machine): readonly ModuleRequest[] {
  const requests = waiting.get(m) ?? [];
  waiting.delete(m);
  return requests;
}

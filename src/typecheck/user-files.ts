import type { PassContext } from './context.ts';
import { matchesPattern } from '../lang/name-pattern.ts';

/** Where a shell on the machine looks for programs. */
const SEARCH_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The files that a probe's path means: itself, a program by its name, or all that match a pattern. */
export function findUserFiles(path: string, context: PassContext): readonly string[] {
  const { target } = context;
  const candidates = path.includes('/') ? [path] : SEARCH_PATH.map((folder) => `${folder}/${path}`);
  if (path === '*') {
    const mapped = context.pid === undefined ? undefined : target.processFiles(context.pid);
    return mapped ?? target.userFiles();
  }
  if (!path.includes('*')) return candidates.filter((candidate) => target.userFile(candidate) !== undefined);
  return target.userFiles().filter((file) => candidates.some((candidate) => matchesPattern(file, candidate)));
}

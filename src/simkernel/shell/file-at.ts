import { pathName } from '../fs/d-path.ts';
import type { Dentry } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../tasks/task.ts';

/** What a path means to a task, looked up from outside: nothing on the machine notices. */
export function fileAt(m: Machine, { fs }: Task, path: string): Dentry | undefined {
  const folder = path.startsWith('/') || fs === null ? '' : (pathName(m, fs.pwd) ?? '');
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split('/'))
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  return m.fileSystem.find(`/${parts.join('/')}`);
}

import type { Task } from '../tasks/task.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';
import { KIB_PER_PAGE } from '../memory/sizes.ts';

export const markVictim: Tracepoint<[task: Task, uid: number]> = tracepoint('oom:mark_victim', 2, (f) => {
  const pid = f.number('pid');
  const comm = f.text('comm');
  const total = f.number('total_vm');
  const anonymous = f.number('anon_rss');
  const file = f.number('file_rss');
  const shared = f.number('shmem_rss');
  const uidField = f.number('uid');
  const tables = f.number('pgtables');
  const score = f.number('oom_score_adj');
  return (task, uid) => {
    const mm = task.process?.mm;
    pid(task.pid);
    comm(task.comm);
    total((mm?.totalPages ?? 0) * KIB_PER_PAGE);
    anonymous((mm?.residentAnonymous ?? 0) * KIB_PER_PAGE);
    file((mm?.residentFile ?? 0) * KIB_PER_PAGE);
    shared(0);
    uidField(uid);
    tables(Math.ceil((mm?.totalPages ?? 0) / 512) * KIB_PER_PAGE);
    score(0);
  };
});

import { DEFAULT_HIERARCHY } from '../tasks/cgroups.ts';
import type { Cgroup } from '../tasks/cgroups.ts';
import type { Task } from '../tasks/task.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

type PathText = Cgroup['pathText'];

function groupRecord(f: RecordFields): (cgroup: Cgroup, path: PathText) => void {
  const root = f.number('root');
  const level = f.number('level');
  const id = f.number('id');
  const pathField = f.text('path');
  return (cgroup, path) => {
    root(DEFAULT_HIERARCHY);
    level(cgroup.level);
    id(cgroup.id);
    pathField(path.path);
  };
}
type GroupEvent = Tracepoint<[cgroup: Cgroup, path: PathText]>;
export const cgroupMkdirEvent: GroupEvent = tracepoint('cgroup:cgroup_mkdir', 2, groupRecord);
export const cgroupRmdirEvent: GroupEvent = tracepoint('cgroup:cgroup_rmdir', 2, groupRecord);
export const cgroupReleaseEvent: GroupEvent = tracepoint('cgroup:cgroup_release', 2, groupRecord);

export const cgroupNotifyPopulated: Tracepoint<[cgroup: Cgroup, path: PathText, value: number]> = tracepoint(
  'cgroup:cgroup_notify_populated',
  3,
  (f) => {
    const group = groupRecord(f);
    const val = f.number('val');
    return (cgroup, path, value) => {
      group(cgroup, path);
      val(value);
    };
  },
);
export const cgroupAttachTaskEvent: Tracepoint<[to: Cgroup, path: PathText, task: Task, threadgroup: number]> =
  tracepoint('cgroup:cgroup_attach_task', 4, (f) => {
    const root = f.number('dst_root');
    const level = f.number('dst_level');
    const id = f.number('dst_id');
    const pid = f.number('pid');
    const pathField = f.text('dst_path');
    const comm = f.text('comm');
    return (to, path, task, _threadgroup) => {
      root(DEFAULT_HIERARCHY);
      level(to.level);
      id(to.id);
      pid(task.pid);
      pathField(path.path);
      comm(task.comm);
    };
  });

import type { Task } from '../tasks/task.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

/** SI_USER: sent by kill and friends. */
const SI_USER = 0;

export const signalGenerate: Tracepoint<[sig: number, info: null, task: Task, group: number, result: number]> =
  tracepoint('signal:signal_generate', 5, (f) => {
    const sigField = f.number('sig');
    const errnoField = f.number('errno');
    const code = f.number('code');
    const comm = f.text('comm');
    const pid = f.number('pid');
    const groupField = f.number('group');
    const resultField = f.number('result');
    return (sig, _info, task, group, result) => {
      sigField(sig);
      errnoField(0);
      code(SI_USER);
      comm(task.comm);
      pid(task.pid);
      groupField(group);
      resultField(result);
    };
  });

export const signalDeliver: Tracepoint<[sig: number, info: null, handler: number]> = tracepoint(
  'signal:signal_deliver',
  3,
  (f) => {
    const sigField = f.number('sig');
    const errnoField = f.number('errno');
    const code = f.number('code');
    const handler = f.number('sa_handler');
    const flags = f.number('sa_flags');
    return (sig, _info, action) => {
      sigField(sig);
      errnoField(0);
      code(SI_USER);
      handler(action);
      flags(0);
    };
  },
);

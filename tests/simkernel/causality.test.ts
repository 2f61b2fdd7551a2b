import { expect, test } from 'vitest';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import type { ScenarioName } from '../../src/simkernel/scenarios/index.ts';
import { tracepointFormat } from '../../src/simkernel/tracepoint-formats.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import { machineRunning, runFor, SECOND, u64At } from './support.ts';

/** Events that name an object: what happens to one object may not run backwards in time, whichever CPUs it happens on. */
const NAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  memory: {
    'kmem:kmalloc': 'ptr',
    'kmem:kfree': 'ptr',
    'kmem:kmem_cache_alloc': 'ptr',
    'kmem:kmem_cache_free': 'ptr',
    'net:netif_receive_skb': 'skbaddr',
    'net:net_dev_queue': 'skbaddr',
    'net:net_dev_start_xmit': 'skbaddr',
    'skb:consume_skb': 'skbaddr',
    'skb:kfree_skb': 'skbaddr',
    'skb:skb_copy_datagram_iovec': 'skbaddr',
  },
  socket: {
    'tcp:tcp_probe': 'skaddr',
    'tcp:tcp_retransmit_skb': 'skaddr',
    'tcp:tcp_rcv_space_adjust': 'skaddr',
    'tcp:tcp_destroy_sock': 'skaddr',
    'sock:inet_sock_set_state': 'skaddr',
  },
  task: {
    'sched:sched_waking': 'pid',
    'sched:sched_wakeup': 'pid',
    'sched:sched_wakeup_new': 'pid',
    'sched:sched_migrate_task': 'pid',
    'sched:sched_process_fork': 'child_pid',
    'sched:sched_process_exec': 'pid',
    'sched:sched_process_exit': 'pid',
    'sched:sched_process_free': 'pid',
    'signal:signal_generate': 'pid',
  },
  'task that is switched to': { 'sched:sched_wakeup': 'pid', 'sched:sched_switch': 'next_pid' },
  'task that was switched away from': { 'sched:sched_switch': 'prev_pid', 'sched:sched_waking': 'pid' },
  request: {
    'block:block_rq_insert': 'sector',
    'block:block_rq_issue': 'sector',
    'block:block_rq_complete': 'sector',
  },
  page: { 'kmem:mm_page_alloc': 'pfn', 'kmem:mm_page_free': 'pfn' },
  work: {
    'workqueue:workqueue_queue_work': 'work',
    'workqueue:workqueue_execute_start': 'work',
    'workqueue:workqueue_execute_end': 'work',
  },
  timer: {
    'timer:hrtimer_start': 'hrtimer',
    'timer:hrtimer_expire_entry': 'hrtimer',
    'timer:hrtimer_cancel': 'hrtimer',
  },
};

/** Notes when an event comes before the one before it that names the same object. */
function watch(m: Machine, group: string, problems: string[]): void {
  const seen = new Map<number, { readonly time: number; readonly event: string }>();
  for (const [event, name] of Object.entries(NAMED[group]!)) {
    const [category, called] = event.split(':') as [string, string];
    const field = tracepointFormat(category, called)!.fields.find((each) => each.name === name)!;
    m.attach({ kind: 'tracepoint', category, name: called }, (record) => {
      const at = record + field.offset;
      const object = field.size === 8 ? u64At(m, at) : m.words[at >> 2]!;
      const { time } = m.cpu;
      const before = seen.get(object);
      if (before !== undefined && before.time > time && object !== 0)
        problems.push(`${group}: ${before.event} at ${before.time}, then ${event} at ${time}`);
      else seen.set(object, { time, event });
    });
  }
}

test.each<[ScenarioName, number]>([
  ['network', 1.2 * SECOND],
  ['server', 0.8 * SECOND],
  ['build', 0.4 * SECOND],
  ['disk', 0.3 * SECOND],
  ['interrupts', 0.5 * SECOND],
])('%s: nothing happens to an object before what another CPU did to it', (name, length) => {
  const m = createMachine({ scenario: SCENARIOS[name] });
  const problems: string[] = [];
  for (const group of Object.keys(NAMED)) watch(m, group, problems);
  runFor(m, length);
  expect(problems.slice(0, 5)).toEqual([]);
});

test('two CPUs never hold a mutex at the same time: the later one turns until the other lets go of it', () => {
  const EPOLL_CTL_ADD = 1;
  const EPOLLIN = 1;
  const waitOften = function* (u: UserContext, ep: number, out: number): UserBody {
    for (let i = 0; i < 200; i += 1) yield u.call('epoll_wait', ep, out, 4, 0);
    return 0;
  };
  const m = machineRunning([
    function* (u) {
      const ep = yield u.call('epoll_create1', 0);
      const always = yield u.call('eventfd2', 1, 0);
      const event = u.buffer(16);
      u.view(event, 16).setInt32(0, EPOLLIN, true);
      yield u.call('epoll_ctl', ep, EPOLL_CTL_ADD, always, event);
      const [mine, others] = [u.buffer(64), u.buffer(64)];
      yield u.thread((v) => waitOften(v, ep, others));
      yield* waitOften(u, ep, mine);
      return 0;
    },
  ]);
  const holds: { readonly cpu: number; readonly from: number; to: number }[] = [];
  let spins = 0;
  m.attach({ kind: 'kretprobe', function: 'mutex_lock' }, () =>
    holds.push({ cpu: m.cpu.id, from: m.cpu.time, to: Infinity }),
  );
  m.attach({ kind: 'kprobe', function: 'mutex_unlock', offset: 0 }, () => {
    const last = holds.findLast(({ cpu }) => cpu === m.cpu.id);
    if (last !== undefined) last.to = m.cpu.time;
  });
  m.attach({ kind: 'tracepoint', category: 'lock', name: 'contention_begin' }, () => (spins += 1));
  runFor(m, 0.02 * SECOND);
  expect(new Set(holds.map(({ cpu }) => cpu)).size).toBe(2);
  expect(spins).toBeGreaterThan(0);
  holds.sort((a, b) => a.from - b.from);
  expect(holds.filter(({ to }, i) => i + 1 < holds.length && holds[i + 1]!.from < to)).toEqual([]);
});

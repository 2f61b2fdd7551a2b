import { createBio } from '../../block/request.ts';
import { REQ_FUA, REQ_META, REQ_OP_WRITE, REQ_PREFLUSH, REQ_SYNC, SECTORS_PER_PAGE } from '../../block/flags.ts';
import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { SuperBlock } from '../../fs/file.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { TASK_INTERRUPTIBLE, TASK_RUNNING, TASK_UNINTERRUPTIBLE } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { jbd2EndCommit, jbd2StartCommit } from '../../tracepoints/ext4.ts';
import { blkFinishPlug, blkStartPlug, submitBio } from '../block/block.ts';
import { waitOnBuffer } from '../mm/folio-wait.ts';
import { createKthread } from '../kernel/kthread.ts';
import { schedule, setTaskState, wakeUpProcess } from '../kernel/sched.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';
import { bug } from '../../../source/bug.ts';

/** journal_t of an ext4: a ring of blocks into which its thread writes what changed since the last commit. */
export interface Journal extends KernelObject {
  readonly sb: SuperBlock;
  task: Task | null;
  /** Blocks that the running transaction has dirtied. */
  dirtyBlocks: number;
  /** Number of the running transaction, and of the last one that is safe on the disk. */
  tid: number;
  committed: number;
  /** The transaction that somebody wants to be safe. */
  requested: number;
  readonly waiters: Task[];
  head: number;
}
/** A handle: one operation's share of the running transaction. */
export interface Handle extends KernelObject {
  readonly journal: Journal;
  readonly blocks: number;
}
const JOURNAL_BLOCKS = 16_384;
const FIRST_JOURNAL_SECTOR = 524_288;
const JOURNAL_BYTES = 256;
const FIRST_JOURNAL_PID = 241;
function journalCount(m: Machine): number {
  return [...m.tasks.values()].filter(({ comm }) => comm.startsWith('jbd2/')).length;
}

const journals = new WeakMap<SuperBlock, Journal>();
function journalOf(m: Machine, sb: SuperBlock): Journal {
  let journal = journals.get(sb);
  if (journal === undefined) {
    journal = {
      address: m.arena.allocate(JOURNAL_BYTES),
      sb,
      task: null,
      dirtyBlocks: 0,
      tid: 2_101,
      committed: 2_100,
      requested: 0,
      waiters: [],
      head: 0,
    };
    journals.set(sb, journal);
  }
  return journal;
}

const jbd2JournalStart = kernelFunction('jbd2__journal_start', 55, (m, journal: Journal, blocks: number): Handle => ({
  address: m.scratch,
  journal,
  blocks,
}));
const jbd2JournalStop = kernelFunction('jbd2_journal_stop', 35, (_m, handle: Handle): number => {
  handle.journal.dirtyBlocks += handle.blocks;
  return 0;
});
export function journalStart(m: Machine, sb: SuperBlock, blocks: number): Handle {
  return jbd2JournalStart(m, journalOf(m, sb), blocks);
}
export function journalStop(m: Machine, handle: Handle): void {
  jbd2JournalStop(m, handle);
}

const endBufferIo = kernelFunction(
  'journal_end_buffer_io_sync',
  20,
  (m, bh: KernelObject & { readonly io: PageIo }): void => {
    bh.io.done = true;
    for (const task of bh.io.waiters.splice(0)) wakeUpProcess(m, task);
  },
);
function writeBlocks(m: Machine, journal: Journal, blocks: number, flags: number): PageIo {
  const io: PageIo = { done: false, error: 0, waiters: [] };
  const at = journal.head;
  journal.head = (journal.head + blocks) % JOURNAL_BLOCKS;
  const { disk } = journal.sb;
  if (disk === null) bug('a journal without a disk');
  submitBio(
    m,
    createBio(m, disk, flags, FIRST_JOURNAL_SECTOR + at * SECTORS_PER_PAGE, blocks * PAGE_SIZE, (_m, { error }) => {
      io.error = error;
      endBufferIo(m, { address: journal.address, io });
    }),
  );
  return io;
}
const submitCommitRecord = kernelFunction('journal_submit_commit_record', 60, (m, journal: Journal): PageIo =>
  writeBlocks(m, journal, 1, REQ_OP_WRITE | REQ_SYNC | REQ_META | REQ_PREFLUSH | REQ_FUA),
);

/** Descriptor and metadata blocks first, then one block that makes them valid: it goes past the drive's cache. */
const commitTransaction = sleepingFunction('jbd2_journal_commit_transaction', 4_000, function* (m, journal: Journal) {
  const transaction = { address: journal.address, tid: journal.tid, device: journal.sb.device };
  jbd2StartCommit(m, journal, transaction);
  const blocks = Math.max(1, Math.min(journal.dirtyBlocks, 64)) + 1;
  journal.dirtyBlocks = 0;
  journal.tid += 1;
  const plug = blkStartPlug(m);
  const logged = writeBlocks(m, journal, blocks, REQ_OP_WRITE | REQ_SYNC | REQ_META);
  blkFinishPlug(m, plug);
  const waited = waitOnBuffer(m, journal, logged);
  if (waited instanceof Pending) yield waited;
  const committed = waitOnBuffer(m, journal, submitCommitRecord(m, journal));
  if (committed instanceof Pending) yield committed;
  journal.committed = transaction.tid;
  jbd2EndCommit(m, journal, transaction);
  for (const task of journal.waiters.splice(0)) wakeUpProcess(m, task);
});

/** The thread of one journal. */
const kjournald2 = sleepingFunction('kjournald2', 40, function* (m, journal: Journal) {
  for (;;) {
    const task = m.cpu.current;
    if (journal.requested > journal.committed) {
      const done = commitTransaction(m, journal);
      if (done instanceof Pending) yield done;
      continue;
    }
    setTaskState(m, task, TASK_INTERRUPTIBLE);
    const slept = schedule(m);
    if (slept instanceof Pending) yield slept;
    setTaskState(m, task, TASK_RUNNING);
  }
});

const logStartCommit = kernelFunction('jbd2_log_start_commit', 20, (m, journal: Journal, tid: number): number => {
  if (tid <= journal.requested) return 0;
  journal.requested = tid;
  if (journal.task !== null) wakeUpProcess(m, journal.task);
  return 1;
});
const logWaitCommitFunction = sleepingFunction(
  'jbd2_log_wait_commit',
  25,
  function* (m, journal: Journal, tid: number) {
    while (journal.committed < tid) {
      const task = m.cpu.current;
      journal.waiters.push(task);
      setTaskState(m, task, TASK_UNINTERRUPTIBLE);
      const slept = schedule(m);
      if (slept instanceof Pending) yield slept;
      setTaskState(m, task, TASK_RUNNING);
    }
    return 0;
  },
);
const completeTransaction = kernelFunction(
  'jbd2_complete_transaction',
  20,
  (m, journal: Journal, tid: number): Result => {
    logStartCommit(m, journal, tid);
    return logWaitCommitFunction(m, journal, tid);
  },
);
/** Makes what has been changed so far safe on the disk. */
export function logWaitCommit(m: Machine, sb: SuperBlock): Result {
  const journal = journalOf(m, sb);
  return completeTransaction(m, journal, journal.tid);
}

/** Starts the thread of a file system's journal, when that is mounted. */
export function startJournal(m: Machine, sb: SuperBlock, partition: string): void {
  const pid = FIRST_JOURNAL_PID + journalCount(m);
  const journal = journalOf(m, sb);
  const task = createKthread(m, `jbd2/${partition}-8`, pid, null, () => kjournald2(m, journal));
  journal.task = task;
  setTaskState(m, task, TASK_INTERRUPTIBLE);
}

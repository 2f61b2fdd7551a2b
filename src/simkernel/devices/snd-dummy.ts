import { kernelFunction } from '../execution/kernel-function.ts';
import { setupHrTimer, startHrTimer } from '../functions/kernel/timer.ts';
import { createTasklet, taskletHiSchedule } from '../functions/kernel/tasklet.ts';
import type { Tasklet } from '../functions/kernel/tasklet.ts';
import { HRTIMER_MODE } from '../irq/hrtimer.ts';
import type { HrTimer } from '../irq/hrtimer.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { DeviceSpec } from './device.ts';

const MODULE = { module: 'snd_dummy' };
/** 1024 frames at 48 kHz. */
const PERIOD_NS = Math.round((1024 * 1e9) / 48_000);

/** struct dummy_hrtimer_pcm: a card that plays into nothing, by the clock. */
interface Pcm extends KernelObject {
  readonly timer: HrTimer;
  readonly elapsed: Tasklet;
}
/** A period has been played: who fills the buffer is told before everything else that waits. */
const dummyPeriodElapsed = kernelFunction('dummy_period_elapsed', 700, (_m, _tasklet: Tasklet): void => {}, MODULE);
const dummyHrtimerCallback = kernelFunction(
  'dummy_hrtimer_callback',
  120,
  (m, timer: HrTimer): boolean => {
    const { elapsed } = timer.owner as Pcm;
    taskletHiSchedule(m, elapsed);
    timer.expires += PERIOD_NS;
    return true;
  },
  MODULE,
);

/** Plays from `afterNs` on; its timer expires in the softirq, since sound is not worth a hard interrupt. */
export function dummySound(afterNs: number): DeviceSpec {
  return {
    name: 'snd_dummy',
    start(m) {
      const address = m.arena.allocate(128);
      const timer = setupHrTimer(m, dummyHrtimerCallback, null, HRTIMER_MODE.soft);
      timer.owner = { address, timer, elapsed: createTasklet(m, dummyPeriodElapsed) } satisfies Pcm;
      startHrTimer(m, timer, m.now() + afterNs, HRTIMER_MODE.soft);
    },
  };
}

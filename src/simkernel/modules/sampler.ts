import { post } from '../cpu/local-apic.ts';
import { schedulePulses } from '../devices/device.ts';
import type { DeviceSpec } from '../devices/device.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { msixChip } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { createIrqPoll, irqPollComplete, irqPollSched } from '../functions/kernel/irq-poll.ts';
import type { IrqPoll } from '../functions/kernel/irq-poll.ts';
import { createIrqDesc, IRQ_HANDLED, nextMsiIrq } from '../irq/irq-desc.ts';
import type { IrqDesc } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';

const MODULE = { module: 'sampler' };
const WEIGHT = 16;
const REGISTER_NS = 250;
const PER_SAMPLE_NS = 900;

/** A card that measures in bursts, each sample into a queue; it may interrupt while the mask is open. */
interface Sampler extends KernelObject {
  readonly line: IrqDesc;
  readonly iop: IrqPoll & { sampler: Sampler | null };
  queued: number;
  unmasked: boolean;
}
function interrupt(m: Machine, sampler: Sampler, timeNs: number): void {
  if (!sampler.unmasked || sampler.queued === 0) return;
  sampler.unmasked = false;
  post(m, m.cpuList[sampler.line.cpu]!, sampler.line.vector, timeNs);
}

/** Says that there is something; the card is masked until the softirq has found nothing more. */
const samplerIsr = kernelFunction(
  'sampler_isr',
  60,
  (m, _irq: number, device: KernelObject | null): number => {
    m.spend(REGISTER_NS);
    irqPollSched(m, (device as Sampler).iop);
    return IRQ_HANDLED;
  },
  MODULE,
);
const samplerPoll = kernelFunction(
  'sampler_poll',
  40,
  (m, iop: Sampler['iop'], weight: number): number => {
    const sampler = iop.sampler!;
    const taken = Math.min(sampler.queued, weight);
    sampler.queued -= taken;
    m.spend(taken * PER_SAMPLE_NS);
    if (taken < weight) {
      irqPollComplete(m, iop);
      m.spend(REGISTER_NS);
      sampler.unmasked = true;
      interrupt(m, sampler, m.cpu.time);
    }
    return taken;
  },
  MODULE,
);

/** Bursts of `samples`, `gapNs` apart from each other, every `everyNs`. */
export function burstSampler(samples: number, gapNs: number, everyNs: number, bursts: number): DeviceSpec {
  return {
    name: 'sampler',
    start(m) {
      const line = createIrqDesc(m, { irq: nextMsiIrq(m), chip: msixChip('0000:00:1b.0'), hwirq: 0, flow: 'edge' });
      const iop = Object.assign(createIrqPoll(m, WEIGHT, samplerPoll as unknown as IrqPoll['poll']), {
        sampler: null as Sampler | null,
      });
      const sampler: Sampler = { address: m.arena.allocate(64), line, iop, queued: 0, unmasked: true };
      iop.sampler = sampler;
      requestIrq(m, line.irq, samplerIsr, 0, 'sampler', sampler);
      for (let burst = 1; burst <= bursts; burst += 1) {
        schedulePulses(m, burst * everyNs, samples, gapNs, (timeNs) => {
          sampler.queued += 1;
          interrupt(m, sampler, timeNs);
        });
      }
    },
  };
}

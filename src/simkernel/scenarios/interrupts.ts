import { adc } from '../devices/adc.ts';
import { ethernet } from '../devices/e1000e.ts';
import { smbus } from '../devices/i801-smbus.ts';
import { keyboard } from '../devices/i8042.ts';
import { intervalTimer } from '../devices/i8254.ts';
import { nmiButton } from '../devices/nmi-button.ts';
import { serialPort } from '../devices/serial8250.ts';
import { dummySound } from '../devices/snd-dummy.ts';
import { contention } from '../modules/contend.ts';
import { counterOfEveryCpu } from '../modules/everywhere.ts';
import { bottomHalves } from '../modules/halves.ts';
import { irqFlags } from '../modules/irqflags.ts';
import { nullPointer } from '../modules/nullref.ts';
import { endlessRecursion } from '../modules/recurse.ts';
import { burstSampler } from '../modules/sampler.ts';
import { sleepyHandler } from '../modules/sleepy.ts';
import { stuckLine } from '../modules/stuck-line.ts';
import { CONSOLE_BASH } from '../programs/images/bash.ts';
import {
  ADC_INTERRUPT,
  ADC_POLLED,
  CRASHER,
  DISK_READER,
  IRQ_BALANCER,
  KERNEL_LOGGER,
  SERIAL_LOGGER,
  TABLE_KEEPER,
  UPS_LOGGER,
} from '../programs/images/console.ts';
import { COMMANDS } from '../programs/images/shell.ts';
import { defineScenario } from './define.ts';
import { MS, SECOND } from '../time/units.ts';
import { MIB } from '../memory/sizes.ts';

export const interrupts = defineScenario({
  name: 'interrupts',
  summary:
    'keyboard, serial port, network card, disk and converters that interrupt, a shared line, and drivers that get it wrong',
  seed: 1,
  cpus: 4,
  lengthNs: 5 * SECOND,
  disks: [{ kind: 'hard-disk', mountedAt: '/srv' }],
  devices: [
    keyboard([
      { afterNs: 100 * MS, text: 'date\n' },
      { afterNs: 2_200 * MS, text: 'ls -l\n' },
    ]),
    serialPort([
      { afterNs: 150 * MS, text: 'GPS: fix acquired, 9 satellites\n' },
      { afterNs: 2_500 * MS, text: 'GPS: 48.2082 N 16.3738 E\n' },
      { afterNs: 4_500 * MS, text: 'GPS: fix lost\n' },
    ]),
    serialPort(
      [
        { afterNs: 1_200 * MS, text: 'OL 230V 100%\n' },
        { afterNs: 3_200 * MS, text: 'OL 229V 100%\n' },
      ],
      'ttyS1',
    ),
    ethernet({
      meanGapNs: 900_000,
      bursts: [
        { afterNs: 400 * MS, packets: 3_000, gapNs: 700 },
        { afterNs: 3_500 * MS, packets: 8_000, gapNs: 680 },
      ],
    }),
    smbus,
    adc,
    bottomHalves(20 * MS, 240),
    irqFlags(100 * MS),
    nmiButton(300 * MS),
    sleepyHandler(500 * MS, 2, 2_500 * MS),
    nullPointer(800),
    stuckLine(900 * MS),
    intervalTimer,
    dummySound(1_000 * MS),
    burstSampler(200, 500, 100 * MS, 45),
    counterOfEveryCpu(250 * MS),
    endlessRecursion(1_500),
    contention,
  ],
  files: [
    { path: '/srv/archive', size: 384 * MIB, warm: 0 },
    { path: '/var/log/serial.log', size: 0 },
    { path: '/var/log/ups.log', size: 0 },
    { path: '/var/log/kern.log', size: 0 },
    { path: '/etc/passwd', size: 1_900 },
    { path: '/etc/localtime', size: 2_298 },
    { path: '/usr/share/locale/locale.alias', size: 2_996 },
  ],
  images: [...COMMANDS],
  processes: [
    { pid: 640, image: SERIAL_LOGGER },
    { pid: 641, image: UPS_LOGGER },
    { pid: 655, image: KERNEL_LOGGER },
    { pid: 702, image: IRQ_BALANCER },
    { pid: 811, image: ADC_INTERRUPT },
    { pid: 812, image: ADC_POLLED },
    { pid: 905, image: DISK_READER },
    { pid: 930, image: TABLE_KEEPER },
    { pid: 1_320, image: CONSOLE_BASH, uid: 1000 },
    { pid: 1_401, image: CRASHER, uid: 1000 },
  ],
});

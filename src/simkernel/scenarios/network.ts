import { ethernet } from '../devices/e1000e.ts';
import {
  logShipper,
  metrics,
  nameServer,
  pinger,
  rushHours,
  sink,
  sshUser,
  visitors,
  webSite,
} from '../net/remote/world.ts';
import { CURL, PING, TELEMETRY } from '../programs/images/network-commands.ts';
import { AGENT, COLLECTOR, LEGACY, RSYNC, STATSD } from '../programs/images/network-load.ts';
import { COMMANDS, CRON, SH } from '../programs/images/shell.ts';
import { SSHD } from '../programs/images/ssh.ts';
import { RSYSLOGD } from '../programs/images/syslog.ts';
import { NGINX } from '../programs/images/web.ts';
import { defineScenario } from './define.ts';
import { MS, SECOND } from '../time/units.ts';
import { MIB } from '../memory/sizes.ts';
import { NAME_SERVER } from '../programs/resolver.ts';

const NOBODY = 65_534;

export const network = defineScenario({
  name: 'network',
  summary:
    'connections in and out over a wire that loses frames: retransmissions, resets, refused and unanswered handshakes, full backlogs, dropped datagrams, slow names',
  seed: 1,
  cpus: 4,
  lengthNs: 10 * SECOND,
  devices: [
    ethernet({ meanGapNs: 40 * MS, bursts: [] }, { bitsPerSecond: 1e9, latencyNs: 200_000, loss: 0.008 }, [
      'fq_codel',
      'fq',
      'codel',
      'red',
      'tbf',
      'cbs',
    ]),
    nameServer(NAME_SERVER, { 'updates.example.org': '198.51.100.7', 'api.example.org': '198.51.100.20' }),
    webSite('198.51.100.7', 14 * MS, 21_000),
    webSite('198.51.100.20', 31 * MS, 3_200),
    sink(['198.51.100.30'], 22 * MS, { open: [], filtered: [5432] }),
    sink(['198.51.100.40'], 18 * MS, { open: [873] }),
    sink(['fd00::3', '10.0.2.33'], 300_000, { open: [8000] }),
    visitors({ perSecond: 60, v6: 0.2, impatient: 0.06 }),
    rushHours(8080, 2_400 * MS, 16),
    logShipper('198.51.100.60', 6514, 12 * MS),
    logShipper('198.51.100.61', 6514, 20 * MS),
    metrics(8125, 60 * MS, 12),
    sshUser('198.51.100.88', 4 * SECOND),
    pinger('10.0.2.9', SECOND),
  ],
  files: [
    { path: '/srv/export/image.raw', size: 64 * MIB, warm: 0.95 },
    { path: '/var/www/html/index.html', size: 5_412 },
    { path: '/var/www/html/style.css', size: 18_020 },
    { path: '/var/www/html/app.js', size: 88_410 },
    { path: '/var/www/html/favicon.ico', size: 1_150 },
    { path: '/var/www/html/img/logo.png', size: 41_900 },
    { path: '/var/www/html/img/catalogue.pdf', size: 3 * MIB, warm: 0.9 },
    { path: '/var/log/nginx/access.log', size: 400_000 },
    { path: '/var/log/remote.log', size: 120_000 },
    { path: '/var/log/syslog', size: 900_000, warm: 0.3 },
    { path: '/etc/resolv.conf', size: 22, text: 'nameserver 10.0.2.3\n' },
    { path: '/etc/crontab', size: 1_042 },
  ],
  images: [SH, CURL, ...COMMANDS],
  processes: [
    { pid: 512, image: RSYSLOGD },
    { pid: 612, image: CRON },
    { pid: 688, image: SSHD },
    { pid: 730, image: LEGACY, uid: NOBODY },
    { pid: 744, image: AGENT, uid: NOBODY },
    { pid: 751, image: STATSD, uid: NOBODY },
    { pid: 760, image: COLLECTOR },
    { pid: 815, image: TELEMETRY, uid: NOBODY },
    { pid: 902, image: NGINX },
    { pid: 903, image: NGINX },
    { pid: 1_210, image: RSYNC },
    { pid: 1_344, image: PING, argv: ['ping', '-i', '0.5', '198.51.100.20'], uid: NOBODY },
    { pid: 1_345, image: PING, argv: ['ping', 'fd00::3'], uid: NOBODY },
  ],
});

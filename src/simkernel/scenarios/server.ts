import { ethernet } from '../devices/e1000e.ts';
import { nameServer, pinger, sshUser, visitors, webSite } from '../net/remote/world.ts';
import { BASH } from '../programs/images/bash.ts';
import { PHP_FPM } from '../programs/images/application.ts';
import { JAVA } from '../programs/images/java.ts';
import { MYSQLD } from '../programs/images/database.ts';
import { CURL, TELEMETRY } from '../programs/images/network-commands.ts';
import { MONIT } from '../programs/images/watchdog.ts';
import { SSH_SESSION, SSHD } from '../programs/images/ssh.ts';
import { RSYSLOGD } from '../programs/images/syslog.ts';
import { PYTHON } from '../programs/images/batch.ts';
import { BORG } from '../programs/images/backup.ts';
import { SNMP_PASS, SNMPD } from '../programs/images/monitoring.ts';
import { COMMANDS, CRON, SH } from '../programs/images/shell.ts';
import { NGINX } from '../programs/images/web.ts';
import { defineScenario } from './define.ts';
import { MIB } from '../memory/sizes.ts';
import { NAME_SERVER } from '../programs/resolver.ts';

const WWW_DATA = 33;
const MYSQL = 110;
const SNMP = 112;
const USER = 1000;
const NOBODY = 65_534;

export const server = defineScenario({
  name: 'server',
  summary:
    'a web server with visitors, an application server, a database, a service in Java, ssh, monitoring, backups to a hard disk, cron and a person in a shell on four CPUs',
  seed: 1,
  cpus: 4,
  lengthNs: 10_000_000_000,
  disks: [{ kind: 'hard-disk', mountedAt: '/var/backups' }],
  devices: [
    ethernet(),
    nameServer(NAME_SERVER, { 'updates.example.org': '198.51.100.7', 'api.example.org': '198.51.100.20' }),
    webSite('198.51.100.7', 14_000_000, 21_000),
    webSite('198.51.100.20', 31_000_000, 3_200),
    visitors({ perSecond: 70, v6: 0.12, impatient: 0.01 }),
    sshUser('198.51.100.88', 3_000_000_000),
    pinger('10.0.2.9', 1_000_000_000),
  ],
  files: [
    { path: '/var/backups/repo/data/0', size: 384 * MIB, warm: 0 },
    { path: '/var/backups/repo/data/1', size: 384 * MIB, warm: 0 },
    { path: '/var/backups/repo/data/2', size: 64 * MIB, warm: 0 },
    { path: '/var/backups/repo/index', size: 9 * MIB, warm: 0 },
    { path: '/var/lib/mysql/shop/orders.ibd', size: 1024 * MIB, warm: 0.72 },
    { path: '/var/lib/mysql/shop/orders.sdi', size: 180_000 },
    { path: '/var/lib/mysql/#innodb_redo/ib_redo10', size: 2 * MIB },
    { path: '/var/www/html/index.html', size: 5_412 },
    { path: '/var/www/html/style.css', size: 18_020 },
    { path: '/var/www/html/app.js', size: 88_410 },
    { path: '/var/www/html/img/logo.png', size: 41_900 },
    { path: '/var/www/html/img/catalogue.pdf', size: 3 * MIB, warm: 0.4 },
    { path: '/var/log/nginx/access.log', size: 400_000 },
    { path: '/var/log/syslog', size: 900_000, warm: 0.3 },
    { path: '/var/log/app/requests.log', size: 48 * MIB, warm: 0.9 },
    { path: '/var/lib/report/summary.csv', size: 20_000 },
    { path: '/var/www/html/shop.php', size: 9_100 },
    { path: '/etc/resolv.conf', size: 22, text: 'nameserver 10.0.2.3\n' },
    { path: '/run/sshd.pid', size: 4, text: '688\n' },
    { path: '/run/snmpd.pid', size: 4, text: '701\n' },
    { path: '/run/stunnel.pid', size: 5, text: '4021\n' },
    { path: '/etc/crontab', size: 1_042 },
    {
      path: '/etc/passwd',
      size: 116,
      text: 'root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\nuser:x:1000:1000::/home/user:/bin/bash\n',
    },
    { path: '/etc/hostname', size: 11, text: 'tsbpftrace\n' },
    { path: '/etc/localtime', size: 2_298 },
    { path: '/usr/share/locale/locale.alias', size: 2_996 },
    { path: '/etc/cron.hourly/logrotate', size: 377 },
  ],
  images: [SH, BASH, CURL, ...COMMANDS],
  processes: [
    { pid: 512, image: RSYSLOGD },
    { pid: 612, image: CRON },
    { pid: 688, image: SSHD },
    { pid: 701, image: SNMPD, uid: SNMP },
    { pid: 733, image: SNMP_PASS, uid: SNMP },
    { pid: 870, image: PHP_FPM, uid: WWW_DATA },
    { pid: 815, image: TELEMETRY, uid: NOBODY },
    { pid: 902, image: NGINX },
    { pid: 903, image: NGINX },
    { pid: 904, image: NGINX },
    { pid: 960, image: MONIT, uid: SNMP },
    { pid: 1_190, image: BORG, argv: ['borg', 'create', '::hourly', '/var/log'] },
    { pid: 14_207, image: PYTHON, uid: USER },
    { pid: 18_644, image: MYSQLD, uid: MYSQL },
    { pid: 18_988, image: SSH_SESSION, uid: USER },
    { pid: 19_120, image: JAVA, argv: ['java', '-jar', 'invoices.jar'], uid: USER },
  ],
});

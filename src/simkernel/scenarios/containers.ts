import { CADVISOR, REDIS, RENDERER } from '../programs/images/containers.ts';
import { defineScenario } from './define.ts';
import { MIB } from '../memory/sizes.ts';

const CACHE = '5f3c81d07a9e4b26c1d8e90f7a6b5c4d3e2f10896a7b8c9d0e1f2a3b4c5d6e7f';
const SHOP = '9c0de4b7f6a14c83925e7d1b0a3f8e6c5d4b2a190f8e7d6c5b4a39281706f5e4';
const BLOG = 'e71a25c9d84f4036b8a7c6d5e4f30291807f6e5d4c3b2a190817263544536271';
const REDIS_UID = 999;
const WWW_DATA = 33;

const application = [
  { path: '/srv/app/templates.db', size: 24 * MIB, warm: 0.85 },
  { path: '/srv/app/main.py', size: 18_300 },
  { path: '/etc/passwd', size: 926 },
];

export const containers = defineScenario({
  name: 'containers',
  summary:
    'three containers on two CPUs, each with a root of its own over an image, a host name, PIDs and a control group: a cache that logs its changes and two web applications; and who watches them',
  seed: 1,
  cpus: 2,
  lengthNs: 10_000_000_000,
  files: [{ path: '/etc/crontab', size: 1_042 }],
  containers: [
    { id: CACHE, image: 'redis', directories: ['/data'], files: [{ path: '/etc/redis.conf', size: 93_000 }] },
    { id: SHOP, image: 'shop', directories: ['/var/log', '/tmp'], files: application },
    {
      id: BLOG,
      image: 'blog',
      directories: ['/var/log', '/tmp'],
      files: application,
      io: { readBytesPerSecond: 0.4 * MIB },
    },
  ],
  images: [],
  processes: [
    { pid: 2_310, image: REDIS, uid: REDIS_UID, container: CACHE },
    { pid: 2_402, image: RENDERER, uid: WWW_DATA, container: SHOP },
    { pid: 2_403, image: RENDERER, uid: WWW_DATA, container: SHOP },
    { pid: 2_477, image: RENDERER, uid: WWW_DATA, container: BLOG },
    { pid: 1_120, image: CADVISOR },
  ],
});

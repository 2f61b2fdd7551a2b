import type { DeviceSpec } from '../../devices/device.ts';
import { CLIENT_FINISHED, CLIENT_HELLO, SERVER_FLIGHT } from '../../programs/openssl.ts';
import type { Machine } from '../../machine.ts';
import type { Random } from '../../time/random.ts';
import { encodeAnswer, parseQuestion, TYPE_A, DNS_PORT } from '../dns.ts';
import { ipAddress } from '../ip-address.ts';
import { HOST_V4, HOST_V6 } from '../host-addresses.ts';
import { NO_BYTES } from '../packet.ts';
import type { Wire } from '../wire.ts';
import { Host } from './host.ts';
import type { PeerApplication, PeerConnection } from './tcp-peer.ts';
import { MS } from '../../time/units.ts';
import { bug } from '../../../source/bug.ts';

/*
 * Who is out there: browsers, a person with ssh, a name server, web sites. They run without a kernel, in no time of the
 * machine's CPUs, and see of it only what comes through the wire.
 */

type Start = (m: Machine, wire: Wire, random: Random) => void;
/** Part of the world beyond the card; to be listed behind the card itself. */
function beyondTheWire(name: string, start: Start): DeviceSpec {
  return {
    name,
    start(m) {
      const { wire } = m.network;
      if (wire === null) bug(`${name}: the machine has no Ethernet card`);
      start(m, wire, m.random.stream(name));
    },
  };
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;
const SSH_PORT = 22;

function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** A name server: known names have an address, what it has been asked lately it answers at once. */
export function nameServer(address: string, zone: { readonly [name: string]: string }): DeviceSpec {
  return beyondTheWire(`name server ${address}`, (m, wire, random) => {
    const cached = new Set<string>();
    new Host(m, wire, [ipAddress(address)], 250_000).serveDatagrams(DNS_PORT, (payload) => {
      const asked = parseQuestion(payload);
      if (asked === undefined) return undefined;
      const found = asked.type === TYPE_A ? zone[asked.name] : undefined;
      const afterNs = cached.has(asked.name) ? random.logNormal(0.3 * MS, 0.4) : random.logNormal(22 * MS, 0.7);
      cached.add(asked.name);
      return { payload: encodeAnswer(asked, found === undefined ? [] : [ipAddress(found).bytes], 300), afterNs };
    });
  });
}

/** A site behind TLS: hello, certificate, and then a page for every request. */
export function webSite(address: string, latencyNs: number, pageBytes: number): DeviceSpec {
  return beyondTheWire(`web site ${address}`, (m, wire, random) => {
    new Host(m, wire, [ipAddress(address)], latencyNs).serve(HTTPS_PORT, (): PeerApplication => {
      let got = 0;
      let stage: 'hello' | 'finished' | 'requests' = 'hello';
      return {
        received(connection, _payload, bytes) {
          got += bytes;
          const answer = (size: number, thinkNs: number): void => {
            const at = m.now() + random.logNormal(thinkNs, 0.4);
            m.schedule(at, () => connection.send(NO_BYTES, size, at));
          };
          if (stage === 'hello' && got >= CLIENT_HELLO) {
            stage = 'finished';
            answer(SERVER_FLIGHT, 0.9 * MS);
          } else if (stage === 'finished' && got >= CLIENT_HELLO + CLIENT_FINISHED) {
            stage = 'requests';
            if (got > CLIENT_HELLO + CLIENT_FINISHED) answer(pageBytes, 4 * MS);
          } else if (stage === 'requests') {
            answer(pageBytes, 4 * MS);
          }
        },
        closed: (connection) => connection.close(m.now()),
      };
    });
  });
}

export interface Visitors {
  /** Connections a second, all together. */
  readonly perSecond: number;
  /** Part of them that come over IPv6. */
  readonly v6: number;
  /** Part of them that break off with a reset before they have read everything. */
  readonly impatient: number;
}
const PAGES = [
  [46, '/index.html'],
  [20, '/style.css'],
  [12, '/app.js'],
  [7, '/img/logo.png'],
  [12, '/shop.php'],
  [2, '/favicon.ico'],
  [1, '/img/catalogue.pdf'],
] as const;

/** Browsers near and far that ask for a few pages over one connection and leave. */
export function visitors(spec: Visitors): DeviceSpec {
  return beyondTheWire('visitors', (m, wire, random) => {
    const hosts = Array.from({ length: 24 }, (_, i) => {
      const addresses = [ipAddress(`203.0.113.${10 + 9 * i}`), ipAddress(`2001:db8:${(i + 1).toString(16)}::5`)];
      return new Host(m, wire, addresses, random.logNormal(12 * MS, 0.8));
    });
    const arrive = (timeNs: number): void => {
      const next = timeNs + random.exponential(1e9 / spec.perSecond);
      m.schedule(next, () => {
        const to = random.chance(spec.v6) ? HOST_V6 : HOST_V4;
        random.pick(hosts).connect(to, HTTP_PORT, browser(m, random, spec), next);
        arrive(next);
      });
    };
    arrive(m.now());
  });
}
function browser(m: Machine, random: Random, spec: Visitors): PeerApplication {
  let left = random.between(1, 6);
  let asked = 0;
  const leaves = random.chance(spec.impatient);
  const ask = (connection: PeerConnection, timeNs: number): void => {
    left -= 1;
    asked += 1;
    const request = bytesOf(
      `GET ${random.weighted(PAGES)} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0\r\n\r\n`,
    );
    connection.send(request, request.length + random.between(60, 420), timeNs);
  };
  // A page is over when nothing has come for a while: the browser does not read lengths here.
  const settle = (connection: PeerConnection): void => {
    const mark = connection.bytesReceived;
    const at = m.now() + random.logNormal(160 * MS, 0.4);
    m.schedule(at, () => {
      if (connection.isDead || connection.bytesReceived !== mark) return;
      if (left > 0) ask(connection, at);
      else connection.close(at);
    });
  };
  return {
    connected: (connection) => ask(connection, m.now()),
    received(connection) {
      if (leaves && asked > 1) connection.reset(m.now());
      else settle(connection);
    },
    closed: (connection) => connection.close(m.now()),
  };
}

/** Somebody who logs in with ssh now and then, types for a while and leaves. */
export function sshUser(address: string, everyNs: number): DeviceSpec {
  return beyondTheWire(`ssh from ${address}`, (m, wire, random) => {
    const host = new Host(m, wire, [ipAddress(address)], 9 * MS);
    const begin = (timeNs: number): void => {
      m.schedule(timeNs, () => {
        host.connect(HOST_V4, SSH_PORT, typist(m, random), timeNs);
        begin(timeNs + random.exponential(everyNs));
      });
    };
    begin(m.now() + random.exponential(everyNs / 3));
  });
}
function typist(m: Machine, random: Random): PeerApplication {
  let messages = 0;
  let keystrokes = random.between(8, 60);
  return {
    received(connection) {
      messages += 1;
      // Version, keys and password first, then keys of the keyboard.
      const isLogin = messages <= 7;
      if (!isLogin && keystrokes <= 0) {
        connection.close(m.now());
        return;
      }
      const at = m.now() + (isLogin ? random.logNormal(2 * MS, 0.4) : random.logNormal(140 * MS, 0.5));
      if (!isLogin) keystrokes -= 1;
      m.schedule(at, () => connection.send(NO_BYTES, isLogin ? random.between(40, 1_200) : 36, at));
    },
    closed: (connection) => connection.close(m.now()),
  };
}

/** A monitoring host that pings the machine. */
export function pinger(address: string, everyNs: number): DeviceSpec {
  return beyondTheWire(`ping from ${address}`, (m, wire, random) => {
    const host = new Host(m, wire, [ipAddress(address)], 400_000);
    let sequence = 0;
    const ping = (timeNs: number): void => {
      m.schedule(timeNs, () => {
        host.ping(HOST_V4, (sequence += 1), timeNs);
        ping(timeNs + everyNs * random.logNormal(1, 0.001));
      });
    };
    ping(m.now() + everyNs / 2);
  });
}

/** Many at once who want the same service: rush hours that come again and again. */
export function rushHours(port: number, everyNs: number, clients: number): DeviceSpec {
  return beyondTheWire(`rush hours at port ${port}`, (m, wire, random) => {
    const hosts = Array.from(
      { length: 12 },
      (_, i) => new Host(m, wire, [ipAddress(`203.0.113.${130 + 7 * i}`)], random.logNormal(4 * MS, 0.5)),
    );
    const request = bytesOf('GET /report HTTP/1.0\r\n\r\n');
    const client: PeerApplication = {
      connected: (connection) => connection.send(request, request.length, m.now()),
      closed: (connection) => connection.close(m.now()),
    };
    const rush = (timeNs: number): void => {
      m.schedule(timeNs, () => {
        for (let i = 0; i < clients; i += 1) {
          const at = timeNs + random.exponential(3 * MS) * (i + 1);
          m.schedule(at, () => random.pick(hosts).connect(HOST_V4, port, client, at));
        }
        rush(timeNs + everyNs);
      });
    };
    rush(m.now() + everyNs / 4);
  });
}

/** Datagrams with numbers in bursts. */
export function metrics(port: number, everyNs: number, burst: number): DeviceSpec {
  return beyondTheWire(`metrics for port ${port}`, (m, wire, random) => {
    const host = new Host(m, wire, [ipAddress('10.0.2.50')], 180_000);
    const send = (timeNs: number): void => {
      m.schedule(timeNs, () => {
        const count = random.chance(0.1) ? 6 * burst : burst;
        for (let i = 0; i < count; i += 1) {
          const text = bytesOf(`shop.requests:${random.between(1, 99)}|c`);
          host.sendDatagram(HOST_V4, port, 39_000, text, timeNs + i * 4_000);
        }
        send(timeNs + random.exponential(everyNs));
      });
    };
    send(m.now() + everyNs);
  });
}

/** A host that takes what it is sent, on some ports, refuses others and lets some vanish in a firewall. */
export function sink(
  addresses: readonly string[],
  latencyNs: number,
  ports: { readonly open: readonly number[]; readonly filtered?: readonly number[] },
): DeviceSpec {
  return beyondTheWire(`host ${addresses.join(' ')}`, (m, wire) => {
    const host = new Host(m, wire, addresses.map(ipAddress), latencyNs);
    for (const port of ports.open) host.serve(port, () => ({ closed: (connection) => connection.close(m.now()) }));
    for (const port of ports.filtered ?? []) host.filter(port);
  });
}

/** Sends what happens on it to a collector on the machine, line by line over one connection that it keeps. */
export function logShipper(address: string, port: number, gapNs: number): DeviceSpec {
  return beyondTheWire(`log shipper ${address}`, (m, wire, random) => {
    const host = new Host(m, wire, [ipAddress(address)], 6 * MS);
    const line = bytesOf('<134>1 2026-01-01T00:01:00Z edge7 haproxy 311 - - backend shop 200 5412\n');
    const begin = (timeNs: number): void => {
      const write = (connection: PeerConnection): void => {
        const at = m.now() + random.exponential(gapNs);
        m.schedule(at, () => {
          if (connection.isDead) return;
          connection.send(line, line.length, at);
          write(connection);
        });
      };
      m.schedule(timeNs, () => {
        host.connect(HOST_V4, port, { connected: write, closed: () => begin(m.now() + 1_000 * MS) }, timeNs);
      });
    };
    begin(m.now() + 100 * MS);
  });
}

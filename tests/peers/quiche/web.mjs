// SPDX-License-Identifier: GPL-2.0-or-later

// quiche, by its binding for Node (@matrixai/quic), in the interop matrix: HTTP/0.9 (hq-interop); options as in
// kquic_web.py. MODULES, in the environment, is the folder that has the package.

import { createHmac, randomFillSync, timingSafeEqual } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { QUICClient, QUICServer, events } = await import(join(process.env.MODULES, '@matrixai/quic/dist/index.js'));
const { Logger, LogLevel } = await import(join(process.env.MODULES, '@matrixai/logger/dist/index.js'))
  .then((found) => ({ Logger: found.default, LogLevel: found.LogLevel }));

const text = (name) => [name, { type: 'string' }];
const flag = (name) => [name, { type: 'boolean' }];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries([
    ...['address', 'port', 'alpn', 'cert', 'key', 'root', 'ca', 'name', 'out'].map(text),
    ...['retry', 'each', 'keyupdate'].map(flag),
  ]),
});
const [role, ...paths] = positionals;
const logger = new Logger('quiche', LogLevel.WARN, []);
const config = {
  applicationProtos: [values.alpn],
  maxIdleTimeout: 60_000,
  initialMaxStreamsBidi: 1000,
  grease: true,
};

async function all(readable) {
  const parts = [];
  for await (const part of readable) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

async function send(stream, data) {
  const writer = stream.writable.getWriter();
  await writer.write(data);
  await writer.close();
}

async function answer(stream) {
  const [, path] = (await all(stream.readable)).toString().split(/\s+/);
  await send(stream, readFileSync(join(values.root, path)));
}

async function serve() {
  // A key for the tokens of Retry packets, which this server always sends.
  const key = randomFillSync(new Uint8Array(32)).buffer;
  const sign = async (secret, data) => {
    const made = createHmac('sha256', Buffer.from(secret)).update(Buffer.from(data)).digest();
    return new Uint8Array(made).buffer;
  };
  const verify = async (secret, data, given) => timingSafeEqual(
    Buffer.from(await sign(secret, data)), Buffer.from(given));
  const server = new QUICServer({
    crypto: { key, ops: { sign, verify } },
    config: { ...config, cert: readFileSync(values.cert, 'utf8'), key: readFileSync(values.key, 'utf8') },
    logger,
  });
  server.addEventListener(events.EventQUICServerConnection.name, ({ detail: connection }) => {
    console.log('handshake');
    connection.addEventListener(events.EventQUICConnectionStream.name, ({ detail: stream }) => {
      answer(stream).catch((error) => console.log('error:', error));
    });
  });
  await server.start({ host: values.address, port: Number(values.port) });
  console.log('ready');
}

// A stream over the server's limit is an error here, and not kept for later.
async function open(connection) {
  while (!connection.conn.peerStreamsLeftBidi()) await setTimeout(10);
  return connection.newStream();
}

async function get(connection, path) {
  const stream = await open(connection);
  await Promise.all([
    send(stream, Buffer.from(`GET ${path}\r\n`)),
    all(stream.readable).then((body) => writeFileSync(join(values.out, path), body)),
  ]);
}

async function fetchAll(some) {
  const randomBytes = async (data) => { randomFillSync(new Uint8Array(data)); };
  const client = await QUICClient.createQUICClient({
    host: values.address,
    port: Number(values.port),
    localHost: values.address.includes(':') ? '::' : '0.0.0.0',
    serverName: values.name,
    crypto: { ops: { randomBytes } },
    config: { ...config, ca: readFileSync(values.ca, 'utf8'), verifyPeer: true },
    logger,
  }, { timer: 60_000 });
  console.log('handshake');
  await Promise.all(some.map((path) => get(client.connection, path)));
  await client.destroy({ force: false });
}

if (role === 'server') {
  await serve();
} else {
  for (const some of values.each ? paths.map((path) => [path]) : [paths]) await fetchAll(some);
  console.log('done');
}

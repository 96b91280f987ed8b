// Baileys as a process: orders come in as JSON lines, replies and events go out as JSON lines.
// README.md has the list of orders.

import './strict.js';
import { createInterface } from 'node:readline';
import { Client } from './client.js';
import { read, write } from './lines.js';

// libsignal prints on its own; standard output is for lines only.
console.log = console.info = console.error;

const client = new Client((event, data) => write({ event, data }));

const orders = {
  start: options => client.start(options),
  call: ({ method, args }) => client.call(method, args ?? []),
  download: ({ message }) => client.download(message),
  me: () => client.me(),
  stop: () => client.stop(),
};

async function obey(line) {
  const { id, order, ...rest } = read(line);
  try {
    const run = orders[order];
    if (!run) throw new Error(`no order ${order}`);
    write({ reply: id, ok: (await run(rest)) ?? null });
  } catch (error) {
    write({ reply: id, error: error?.message ?? String(error), code: error?.output?.statusCode });
  }
}

// What Baileys throws outside of a call is a finding: the harness fails on it.
for (const kind of ['uncaughtException', 'unhandledRejection']) {
  process.on(kind, error => write({ event: 'crash', data: { kind, stack: error?.stack ?? String(error) } }));
}

const lines = createInterface({ input: process.stdin });
lines.on('line', obey);
lines.on('close', async () => {
  await client.stop();
  process.exit(0);
});

// The lines: bytes travel as {"type":"Buffer","data":"<base64>"}, which is Baileys' own form.

import { BufferJSON } from 'baileys';

export function read(line) {
  return JSON.parse(line, BufferJSON.reviver);
}

export function write(value) {
  process.stdout.write(`${JSON.stringify(value, replacer)}\n`);
}

function replacer(key, value) {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Error) return { message: value.message, statusCode: value.output?.statusCode };
  if (value instanceof Map) return Object.fromEntries(value);
  return BufferJSON.replacer(key, value);
}

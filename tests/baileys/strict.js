// Makes Baileys check signatures. libsignal answers a bad one with `false`; Baileys waits for an
// exception, and so takes every certificate, every pairing and every key bundle. Here a bad
// signature is an exception. This has to be imported before Baileys.

import { createRequire } from 'node:module';

const curve = createRequire(import.meta.url)('libsignal/src/curve.js');
const verify = curve.verifySignature;

curve.verifySignature = (key, message, signature) => {
  if (!verify(key, message, signature)) throw new Error('Invalid signature');
  return true;
};

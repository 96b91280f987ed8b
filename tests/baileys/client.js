// One Baileys client with its saved state.

import makeWASocket, {
  Browsers,
  DisconnectReason,
  WA_CERT_DETAILS,
  downloadMediaMessage,
  useMultiFileAuthState,
} from 'baileys';
import { logger } from './log.js';
import { useMediaHost } from './media.js';

// Events of Baileys that change nothing outside, or hold private keys.
const PRIVATE = new Set(['creds.update']);

export class Client {
  #tell;
  #options;
  #auth;
  #socket;
  #stopping = false;
  #writes = new Set();
  #messages = new Map();

  constructor(tell) {
    this.#tell = tell;
  }

  // Connects. `noiseRoot` is the fake server's root key in hex: Baileys checks the server's
  // certificates against it exactly as it checks WhatsApp's.
  async start(options) {
    this.#options = options;
    this.#stopping = false;
    WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(options.noiseRoot, 'hex');
    useMediaHost(options.mediaHost);
    this.#auth = await useMultiFileAuthState(options.authDir);
    this.#connect();
  }

  // Calls a method of the socket, for example `sendMessage`.
  call(method, args) {
    const run = this.#socket?.[method];
    if (typeof run !== 'function') throw new Error(`the socket has no method ${method}`);
    return run.apply(this.#socket, args);
  }

  // Fetches and decrypts the media of a message that arrived.
  download(id) {
    const message = this.#messages.get(id);
    if (!message) throw new Error(`no message ${id}`);
    return downloadMediaMessage(message, 'buffer', {});
  }

  // The socket's own `user` is what it was when the socket was made.
  me() {
    return this.#auth?.state.creds.me;
  }

  // Closes the socket and waits until the state is on disk.
  async stop() {
    this.#stopping = true;
    await this.#socket?.end(undefined);
    while (this.#writes.size > 0) await Promise.allSettled(this.#writes);
  }

  #connect() {
    const { state, saveCreds } = this.#auth;
    const keys = {
      get: state.keys.get,
      set: data => this.#written(state.keys.set(data)),
    };
    const socket = makeWASocket({
      auth: { creds: state.creds, keys },
      waWebSocketUrl: this.#options.url,
      browser: Browsers.ubuntu('Chrome'),
      logger: logger(this.#tell),
      appStateMacVerification: { patch: true, snapshot: true },
      // By default it asks for the whole history, and drops the part of it that is old.
      shouldSyncHistoryMessage: () => true,
      getMessage: async key => this.#messages.get(key.id)?.message,
    });
    this.#socket = socket;
    socket.ev.process(async events => {
      if (events['creds.update']) await this.#written(saveCreds());
      for (const message of events['messages.upsert']?.messages ?? []) {
        this.#messages.set(message.key.id, message);
      }
      for (const [name, data] of Object.entries(events)) {
        if (!PRIVATE.has(name)) this.#tell(name, data);
      }
      await this.#onConnection(events['connection.update'] ?? {});
    });
  }

  async #onConnection({ qr, connection, lastDisconnect }) {
    const { pairing, phone } = this.#options;
    if (qr && pairing === 'code' && !this.#auth.state.creds.pairingCode) {
      this.#tell('pairing-code', { code: await this.call('requestPairingCode', [phone]) });
    }
    const reason = lastDisconnect?.error?.output?.statusCode;
    // After pairing WhatsApp asks for a new connection; everything else is for the test to judge.
    if (connection === 'close' && reason === DisconnectReason.restartRequired && !this.#stopping) {
      this.#connect();
    }
  }

  #written(promise) {
    this.#writes.add(promise);
    return promise.finally(() => this.#writes.delete(promise));
  }
}

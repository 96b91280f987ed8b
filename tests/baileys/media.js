// Reaches the fake server's media host.
//
// Baileys asks the server for the name of the host, but fetches history and app state, which come
// without a name, from WhatsApp's own. That one is never asked here.

const WHATSAPP = 'https://mmg.whatsapp.net/';
const fetch = globalThis.fetch;

// Sends what is meant for WhatsApp's host to `host` (`name:port`), and takes its certificate,
// which nobody signed. It concerns this process, and nothing else in it speaks TLS.
export function useMediaHost(host) {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  globalThis.fetch = (url, options) => fetch(String(url).replace(WHATSAPP, `https://${host}/`), options);
}

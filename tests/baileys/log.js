// Baileys' log: only what it holds for an error is told, so that a test can look at it.

export function logger(tell) {
  const quiet = () => {};
  const log = {
    level: process.env.BAILEYS_LOG ?? 'silent',
    trace: quiet,
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (...what) => tell('error-log', what),
    fatal: (...what) => tell('error-log', what),
    child: () => log,
  };
  if (log.level !== 'silent') {
    for (const name of ['trace', 'debug', 'info', 'warn', 'error']) {
      log[name] = (...what) => console.error(name, ...what);
    }
  }
  return log;
}

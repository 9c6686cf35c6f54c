import { execa } from 'execa';

/** What starts and watches this process, where that is systemd. */
export interface ServiceManager {
  /** The service does its work from now on, and says it is alive until the process ends. @param status one line for `systemctl status` */
  ready(status: string): Promise<void>;
}

/** A notification takes no time; a manager that does not take it for this long must not hold an image. Milliseconds. */
const TIMEOUT_MS = 10_000;

/** Says it is alive three times before systemd loses patience. */
const BEATS = 3;

/**
 * systemd's `sd_notify`, by its own `systemd-notify`: Node has no datagram sockets of AF_UNIX. The unit needs
 * `NotifyAccess=all`, because it is a child that speaks. Every beat comes from the event loop, so a loop that hangs is
 * found. Where nothing set NOTIFY_SOCKET there is no manager, and nothing is said.
 */
export function serviceManager(env: NodeJS.ProcessEnv = process.env, onWarning: (error: unknown) => void = () => {}): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog } = env;
  if (socket === undefined) return { ready: () => Promise.resolve() };
  const notify = async (...what: string[]): Promise<void> => {
    const { failed, cause, stderr } = await execa('systemd-notify', what, { env: { NOTIFY_SOCKET: socket }, stdin: 'ignore', reject: false, timeout: TIMEOUT_MS });
    if (failed) onWarning(cause ?? new Error(`systemd-notify failed: ${stderr}`));
  };
  return {
    async ready(status) {
      await notify('--ready', `--status=${status}`);
      const beatMs = Number(watchdog) / 1000 / BEATS;
      if (beatMs > 0) setInterval(() => void notify('WATCHDOG=1'), beatMs).unref();
    },
  };
}

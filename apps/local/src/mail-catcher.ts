import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface MailCatcherOptions {
  /** Tried first; if taken, the next free one is used. 0: any. */
  smtpPort: number;
  uiPort: number;
  host?: string;
  log(line: string): void;
}

export interface RunningMailCatcher {
  /** For nodemailer. Accepts every mail, with or without a login, and delivers none. */
  smtpUrl: string;
  /** The web inbox; `/email` there is its JSON API, see mail-inbox.ts. */
  uiUrl: string;
  stop(): Promise<void>;
}

/**
 * An SMTP server that keeps the mails it receives in memory, and shows them in a web inbox.
 *
 * maildev 3 was tried and rejected. In a burst of 5,000 from nodemailer's pool it took 300 mails a second and seven times
 * as much CPU per mail (ours keeps up with the sender), two copies of it share one folder, and its API lets every web site
 * read and delete the mails.
 *
 * It runs in a separate thread, so that a campaign's burst does not slow down the API beside it, and running out
 * of memory there ends only the catcher.
 */
export async function startMailCatcher(options: MailCatcherOptions): Promise<RunningMailCatcher> {
  const { smtpPort, uiPort, host = '127.0.0.1', log } = options;
  const worker = new Worker(new URL('./mail-catcher.worker.js', import.meta.url), {
    workerData: { smtpPort, uiPort, host },
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
  const [ports] = (await once(worker, 'message')) as [{ smtpPort: number; uiPort: number }];
  worker.on('error', (error: Error) => log(`The mail catcher has ended: ${error.message}`));
  return {
    smtpUrl: `smtp://${host}:${ports.smtpPort}`,
    uiUrl: `http://${host}:${ports.uiPort}`,
    stop: async () => void (await worker.terminate()),
  };
}

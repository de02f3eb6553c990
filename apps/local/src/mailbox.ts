/** A mail as received. It is parsed when somebody looks at it, which nobody does during a burst. */
export interface CaughtMail {
  id: string;
  time: Date;
  /** Envelope addresses: the real recipients, whatever the headers say. */
  from: string;
  to: string[];
  /** The message as sent, headers and body. */
  raw: Buffer;
}

/** The newest mails, in memory. Older ones are dropped, so that no burst can fill the machine. */
export class Mailbox {
  /** In order of arrival. */
  private readonly mails = new Map<string, CaughtMail>();
  private bytes = 0;
  private last = 0;

  constructor(private readonly limits = { mails: 10_000, bytes: 64 * 1024 * 1024 }) {}

  /** How many were ever received, dropped and deleted ones included. */
  get received(): number {
    return this.last;
  }

  add(mail: Omit<CaughtMail, 'id' | 'time'>): CaughtMail {
    const caught = { ...mail, id: String(++this.last), time: new Date() };
    this.mails.set(caught.id, caught);
    this.bytes += caught.raw.length;
    for (const oldest of this.mails.keys()) {
      if (this.mails.size <= this.limits.mails && this.bytes <= this.limits.bytes) break;
      this.delete(oldest);
    }
    return caught;
  }

  get(id: string): CaughtMail | undefined {
    return this.mails.get(id);
  }

  /** Newest first; with `to`, only those with a recipient that contains it, ignoring case. */
  list(to = ''): CaughtMail[] {
    const wanted = to.trim().toLowerCase();
    return [...this.mails.values()]
      .filter((mail) => mail.to.some((address) => address.toLowerCase().includes(wanted)))
      .reverse();
  }

  delete(id: string): boolean {
    this.bytes -= this.mails.get(id)?.raw.length ?? 0;
    return this.mails.delete(id);
  }

  clear(): void {
    this.mails.clear();
    this.bytes = 0;
  }
}

/** Recognises scanners that pretend to be a browser by what they do to a message. Pure; hits.ts applies it. */

/** Nobody follows this many links of a message within {@link BURST_MS} by hand; scanners follow all of them in some 3 seconds (https://www.paminga.com/docs/concepts/bot-filtering/). Two may be a slip of the hand. */
const BURST_LINKS = 3;
const BURST_MS = 2_000;

/** The number of the invisible link in an email, which only a program that reads the HTML follows (https://patents.us/US12489787). No mailing has that many links. */
export const HONEYPOT = 65_535;

/** Which link a number leads to: the honeypot leads to the first, so that a scanner notices nothing. */
export const leadsTo = (linkNo: number): number => (linkNo === HONEYPOT ? 0 : linkNo);

/** A scanner that follows the honeypot follows the other links in the same visit. */
const VISIT_MS = 10_000;

/** How far apart two hits may be for one to decide about the other. */
export const NEAR_MS = VISIT_MS;

/** A click, by a person or a machine. */
export interface Click {
  at: Date;
  link_no: number;
}

export interface Span {
  from: Date;
  until: Date;
}

/**
 * The spans of time in which a scanner visited a message that had these clicks: from {@link BURST_MS} before a burst of links until as long after it,
 * since the pixel belongs to the same visit; and {@link VISIT_MS} around a honeypot click. Overlapping spans are joined.
 */
export function scans(clicks: readonly Click[]): Span[] {
  const spans: Span[] = [];
  const inOrder = clicks.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const links = new Map<number, number>(); // followed in the last BURST_MS, and how often
  let first = 0;
  for (const click of inOrder) {
    links.set(click.link_no, (links.get(click.link_no) ?? 0) + 1);
    for (; click.at.getTime() - inOrder[first]!.at.getTime() > BURST_MS; first++) forget(links, inOrder[first]!.link_no);
    if (links.size >= BURST_LINKS) join(spans, inOrder[first]!, click, BURST_MS);
    if (click.link_no === HONEYPOT) join(spans, click, click, VISIT_MS);
  }
  return spans;
}

function forget(links: Map<number, number>, link: number): void {
  const left = links.get(link)! - 1;
  if (left === 0) links.delete(link);
  else links.set(link, left);
}

function join(spans: Span[], first: Click, last: Click, ms: number): void {
  const [from, until] = [new Date(first.at.getTime() - ms), new Date(last.at.getTime() + ms)];
  const before = spans.at(-1);
  if (before === undefined || before.until < from) spans.push({ from, until });
  else spans[spans.length - 1] = { from: from < before.from ? from : before.from, until: until > before.until ? until : before.until };
}

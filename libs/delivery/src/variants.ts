import { mergePatch } from '#kernel';
import type { Content } from './content.js';
import { linksOf } from './links.js';
import type { AbTest, MailingOptions, Variant } from './options.js';
import { placeOf } from './split.js';

/** What is needed of a campaign to decide who gets which variant. */
export interface Varied {
  campaign_id: string;
  content: Content;
  options: MailingOptions;
}

/** Draws the customer's variant by weight: the same on every channel and every time. */
export function variantOf(campaignId: string, customerNo: number, variants: readonly Variant[]): Variant {
  let place = placeOf('variant', campaignId, customerNo) * variants.reduce((sum, { weight }) => sum + weight, 0);
  return variants.find(({ weight }) => (place -= weight) < 0) ?? variants.at(-1)!;
}

/** Whether the customer is in the test's sample. This draw is independent of the variant's. */
export const isInSample = (campaignId: string, customerNo: number, { sample_percent }: AbTest): boolean => placeOf('sample', campaignId, customerNo) * 100 < sample_percent;

/** The content that recipients of the variant get. */
export const contentOf = (content: Content | null, variant: Variant): Content => mergePatch<Content>(content, variant.content);

/** Every content that somebody may get, with its pointer. If there are variants, nobody gets the content without one. */
export const contentsSent = (content: Content | null, variants: readonly Variant[] = []): { pointer: string; content: Content }[] =>
  variants.length === 0 ? [{ pointer: '/content', content: content ?? {} }] : variants.map((variant, at) => ({ pointer: `/variants/${at}/content`, content: contentOf(content, variant) }));

/** Which variant each recipient of a mailing gets, and what it says. */
export class Variants {
  private readonly written = new Map<string, Content>();
  private links: readonly string[] | null = null;

  /** @param winner the test's, once it is known: everybody outside the sample gets it */
  constructor(
    private readonly mailing: Varied,
    private readonly winner: string | null,
  ) {}

  /** Null without variants. */
  of(customerNo: number): string | null {
    const { campaign_id, options: { variants, ab_test } } = this.mailing;
    if (variants === undefined) return null;
    if (this.winner !== null && ab_test !== undefined && !isInSample(campaign_id, customerNo, ab_test)) return this.winner;
    return variantOf(campaign_id, customerNo, variants).id;
  }

  /** The content of the variant; a link has the same number in all of them. */
  content(id: string | null): Content {
    const { content, options: { variants = [] } } = this.mailing;
    const variant = variants.find((one) => one.id === id);
    if (variant === undefined) return content;
    let written = this.written.get(variant.id);
    if (written === undefined) {
      this.links ??= linksOfAll(content, variants);
      this.written.set(variant.id, (written = { ...contentOf(content, variant), links: this.links }));
    }
    return written;
  }
}

/** The links of a mailing that are counted, over all variants. */
export const linksOfAll = (content: Content, variants?: readonly Variant[]): string[] => [...new Set(contentsSent(content, variants).flatMap((sent) => linksOf(sent.content)))];

/** How carriers count a text message. */
export interface SmsSegments {
  encoding: 'gsm7' | 'ucs2';
  segments: number;
}

/** 3GPP TS 23.038 §6.2.1: the default alphabet, and what takes an escape before it. */
const GSM = new Set('@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà');
const ESCAPED = new Set('\f^{}\\[~]|€');

/**
 * The segments of a text. One message holds 160 septets or 70 UTF-16 units; of several each gives some up to the header that joins
 * them (153, 67), and no character is torn apart between two.
 */
export function smsSegments(text: string): SmsSegments {
  const gsm = [...text].every((char) => GSM.has(char) || ESCAPED.has(char));
  const sizes = [...text].map((char) => (gsm ? (ESCAPED.has(char) ? 2 : 1) : char.length));
  const [alone, joined] = gsm ? [160, 153] : [70, 67];
  const encoding = gsm ? 'gsm7' : 'ucs2';
  if (sizes.reduce((sum, size) => sum + size, 0) <= alone) return { encoding, segments: 1 };
  let segments = 1;
  let used = 0;
  for (const size of sizes) {
    if (used + size > joined) {
      segments++;
      used = 0;
    }
    used += size;
  }
  return { encoding, segments };
}

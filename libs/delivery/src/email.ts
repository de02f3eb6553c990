/** One composed email: the whole message as bytes, and the envelope it travels in. */
export interface Email {
  from: string;
  to: string;
  messageId: string;
  raw: Buffer;
}

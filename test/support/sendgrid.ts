import { randomUUID } from 'node:crypto';
import { Ajv } from 'ajv';
import { type ProviderAnswer, startProvider, type TestProvider } from './provider.js';

interface Personalization {
  to: { email: string }[];
  custom_args: Record<string, string>;
  headers: Record<string, string>;
  substitutions?: Record<string, string>;
}

/** The body of a v3 mail/send, as far as we use it. */
export interface MailSend {
  from: { email: string; name?: string };
  subject: string;
  personalizations: Personalization[];
  content: { type: string; value: string }[];
}

/** One message, as its recipient would see it. */
export interface SentMail {
  to: string;
  subject: string;
  text: string;
  html: string;
  deliveryId: string;
  headers: Record<string, string>;
}

/** What the server does with a call: `take` it, take it and hang up, or answer otherwise. */
export type Reaction = 'take' | 'take and hang up' | ProviderAnswer;

const email = { type: 'object', required: ['email'], properties: { email: { type: 'string', pattern: '^[^@\\s]+@[^@\\s]+$' }, name: { type: 'string' } } };

/** The part of SendGrid's own document (sendgrid-oai, tsg_mail_v3: POST /v3/mail/send) that our calls touch; whatever else they said would be a mistake. */
const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['personalizations', 'from', 'subject', 'content'],
  properties: {
    from: email,
    reply_to: email,
    subject: { type: 'string', minLength: 1 },
    personalizations: {
      type: 'array',
      minItems: 1,
      maxItems: 1000,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['to'],
        properties: {
          to: { type: 'array', minItems: 1, items: email },
          headers: { type: 'object', additionalProperties: { type: 'string' } },
          custom_args: { type: 'object', maxProperties: 10_000, additionalProperties: { type: 'string' } },
          substitutions: { type: 'object', maxProperties: 10_000, additionalProperties: { type: 'string' } },
        },
      },
    },
    content: { type: 'array', minItems: 1, items: { type: 'object', additionalProperties: false, required: ['type', 'value'], properties: { type: { type: 'string', minLength: 1 }, value: { type: 'string', minLength: 1 } } } },
    tracking_settings: {
      type: 'object',
      additionalProperties: false,
      properties: Object.fromEntries(['click_tracking', 'open_tracking', 'subscription_tracking'].map((name) => [name, { type: 'object', required: ['enable'], properties: { enable: { type: 'boolean' }, enable_text: { type: 'boolean' } } }])),
    },
  },
};

const SUBSTITUTION_BYTES = 10_000;

const valid = new Ajv({ strict: true, allErrors: true }).compile<MailSend>(SCHEMA);

export interface TestSendGrid extends TestProvider {
  /** Calls that were taken, oldest first. */
  calls: { key: string; body: MailSend }[];
  mails(): SentMail[];
  react: (body: MailSend, key: string) => Reaction | Promise<Reaction>;
}

/** A real HTTP server that takes what SendGrid's document allows, and refuses the rest as SendGrid does. */
export async function startSendGrid(): Promise<TestSendGrid> {
  const provider = await startProvider(async (request, text) => {
    if (request.method !== 'POST' || request.url !== '/v3/mail/send') return { status: 404 };
    const key = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (key === undefined) return { status: 401, body: { errors: [{ message: 'authorization required' }] } };
    const body = JSON.parse(text) as MailSend;
    const fault = faultOf(body);
    if (fault !== null) return { status: 400, body: { errors: [{ message: fault }] } };
    const reaction = await sendgrid.react(body, key);
    if (reaction !== 'take' && reaction !== 'take and hang up') return reaction;
    sendgrid.calls.push({ key, body });
    return reaction === 'take' ? { status: 202, headers: { 'x-message-id': randomUUID() } } : 'hang up';
  });
  const sendgrid: TestSendGrid = {
    ...provider,
    calls: [],
    mails: () => sendgrid.calls.flatMap(({ body }) => body.personalizations.map((one) => mailOf(body, one))),
    react: () => 'take',
  };
  return sendgrid;
}

function faultOf(body: unknown): string | null {
  if (!valid(body)) return JSON.stringify(valid.errors);
  const over = body.personalizations.find(({ substitutions }) => Buffer.byteLength(JSON.stringify(substitutions ?? {})) > SUBSTITUTION_BYTES);
  return over === undefined ? null : 'The total collective size of your substitutions may not exceed 10,000 bytes per personalization object';
}

function mailOf({ subject, content }: MailSend, { to, custom_args, headers, substitutions = {} }: Personalization): SentMail {
  const filled = (text: string): string => Object.entries(substitutions).reduce((all, [tag, value]) => all.replaceAll(tag, () => value), text);
  const part = (type: string): string => filled(content.find((one) => one.type === type)!.value);
  return { to: to[0]!.email, subject: filled(subject), text: part('text/plain'), html: part('text/html'), deliveryId: custom_args.delivery_id!, headers };
}

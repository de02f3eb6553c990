import { type ProviderAnswer, startProvider, type TestProvider } from './provider.js';

/** A form posted to the Messages resource. */
export type TwilioForm = Record<string, string>;

/** The fields of Twilio's own document (twilio-oai, api_v2010: CreateMessage) that we may use, and what each must look like. */
const FIELDS: Readonly<Record<string, RegExp>> = {
  To: /^\+[1-9]\d{6,14}$/,
  From: /^(\+[1-9]\d{6,14}|[A-Za-z0-9 ]{1,11})$/,
  MessagingServiceSid: /^MG[0-9a-fA-F]{32}$/,
  Body: /^[^]{1,1600}$/,
  StatusCallback: /^https?:\/\/\S+$/,
};

export interface TestTwilio extends TestProvider {
  /** Messages that were taken, oldest first, with the account and token that they came with. */
  messages: { account: string; token: string; form: TwilioForm }[];
  react: (form: TwilioForm, account: string) => 'take' | 'take and hang up' | ProviderAnswer;
}

/** A real HTTP server that takes what Twilio's document allows, and refuses the rest as Twilio does. */
export async function startTwilio(): Promise<TestTwilio> {
  const provider = await startProvider((request, text) => {
    const path = /^\/2010-04-01\/Accounts\/(AC[0-9a-fA-F]{32})\/Messages\.json$/.exec(request.url ?? '')?.[1];
    if (request.method !== 'POST' || path === undefined) return { status: 404, body: { code: 20404 } };
    const [account, token] = Buffer.from(/^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '', 'base64').toString().split(':');
    if (account !== path || !token) return { status: 401, body: { code: 20003 } };
    const form = Object.fromEntries(new URLSearchParams(text));
    const wrong = Object.entries(form).find(([name, value]) => !FIELDS[name]?.test(value))?.[0] ?? ['To', 'Body'].find((name) => form[name] === undefined);
    if (wrong !== undefined || ('From' in form) === ('MessagingServiceSid' in form)) return { status: 400, body: { code: 21211, message: `${wrong} is not valid` } };
    const reaction = twilio.react(form, account);
    if (reaction !== 'take' && reaction !== 'take and hang up') return reaction;
    twilio.messages.push({ account, token, form });
    return reaction === 'take' ? { status: 201, body: { sid: `SM${String(twilio.messages.length).padStart(32, '0')}`, status: 'queued', error_code: null } } : 'hang up';
  });
  const twilio: TestTwilio = { ...provider, messages: [], react: () => 'take' };
  return twilio;
}

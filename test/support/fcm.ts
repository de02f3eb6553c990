import { generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { type ProviderAnswer, startProvider, type TestProvider } from './provider.js';

export interface FcmMessage {
  token: string;
  notification: { title: string; body: string };
  data: Record<string, string>;
  android: object;
  webpush: { headers: object; fcm_options?: { link: string } };
}

/** A service account of a project, as its key file has it, and the half of the key that Google keeps. */
export function serviceAccount(project_id = 'trattoria-app') {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const file = { type: 'service_account', project_id, client_email: `sender@${project_id}.iam.gserviceaccount.com`, private_key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })), token_uri: 'http://169.254.169.254/' };
  return { file, publicKey };
}

/** Google's own way to say what is wrong (https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode). */
export const fcmError = (status: number, errorCode: string, more: { message?: string; field?: string; headers?: Record<string, string> } = {}): ProviderAnswer => ({
  status,
  headers: more.headers,
  body: {
    error: {
      code: status, status: errorCode, message: more.message ?? 'Not taken.',
      details: [
        { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode },
        ...(more.field === undefined ? [] : [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: more.field, description: 'Not valid' }] }]),
      ],
    },
  },
});

export interface TestFcm extends TestProvider {
  env: { FCM_API_URL: string; FCM_TOKEN_URL: string };
  account: ReturnType<typeof serviceAccount>;
  /** Messages that were taken, oldest first, with the project that they were sent to. */
  messages: { project: string; message: FcmMessage }[];
  /** How many access tokens were asked for. */
  granted: number;
  /** No token holds any more. */
  revoke(): void;
  /** How long a token holds, in seconds. */
  expiresIn: number;
  grant: () => 'grant' | ProviderAnswer;
  react: (token: string) => 'take' | 'take and hang up' | ProviderAnswer | Promise<ProviderAnswer>;
}

/** A real HTTP server in the place of Google's token endpoint (RFC 7523) and of FCM (HTTP v1), which refuses what those would. */
export async function startFcm(): Promise<TestFcm> {
  const account = serviceAccount();
  const tokens = new Set<string>();
  const grant = (body: string): ProviderAnswer => {
    const form = new URLSearchParams(body);
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return { status: 400, body: { error: 'unsupported_grant_type' } };
    try {
      const claims = jwt.verify(form.get('assertion') ?? '', account.publicKey, { algorithms: ['RS256'], audience: fcm.env.FCM_TOKEN_URL, issuer: account.file.client_email }) as jwt.JwtPayload;
      if (claims.scope !== 'https://www.googleapis.com/auth/firebase.messaging' || claims.exp! - claims.iat! > 3_600) throw new Error();
    } catch {
      return { status: 400, body: { error: 'invalid_grant' } };
    }
    const reaction = fcm.grant();
    if (reaction !== 'grant') return reaction;
    const access_token = `ya29.${++fcm.granted}`;
    tokens.add(access_token);
    return { status: 200, body: { access_token, expires_in: fcm.expiresIn, token_type: 'Bearer' } };
  };
  const provider = await startProvider(async (request, body) => {
    if (request.url === '/token') return grant(body);
    const project = /^\/v1\/projects\/([a-z0-9-]+)\/messages:send$/.exec(request.url ?? '')?.[1];
    if (request.method !== 'POST' || project === undefined) return { status: 404 };
    if (!tokens.has(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '')) return fcmError(401, 'UNAUTHENTICATED');
    const { message, ...rest } = JSON.parse(body) as { message: FcmMessage };
    const known = ['token', 'notification', 'data', 'android', 'webpush'];
    if (Object.keys(rest).length > 0 || Object.keys(message).some((name) => !known.includes(name)) || Object.values(message.data).some((value) => typeof value !== 'string')) return fcmError(400, 'INVALID_ARGUMENT', { field: 'message' });
    if (message.webpush.fcm_options !== undefined && !message.webpush.fcm_options.link.startsWith('https://')) return fcmError(400, 'INVALID_ARGUMENT', { field: 'message.webpush.fcm_options.link' });
    const reaction = await fcm.react(message.token);
    if (reaction !== 'take' && reaction !== 'take and hang up') return reaction;
    fcm.messages.push({ project, message });
    return reaction === 'take' ? { status: 200, body: { name: `projects/${project}/messages/${fcm.messages.length}` } } : 'hang up';
  });
  const fcm: TestFcm = {
    ...provider,
    env: { FCM_API_URL: provider.url, FCM_TOKEN_URL: `${provider.url}/token` },
    account,
    messages: [],
    granted: 0,
    revoke: () => tokens.clear(),
    expiresIn: 3_599,
    grant: () => 'grant',
    react: () => 'take',
  };
  return fcm;
}

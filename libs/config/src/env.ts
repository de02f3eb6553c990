import { plainToInstance, Transform, Type } from 'class-transformer';
import { IsEmail, IsIn, IsInt, IsJSON, IsOptional, IsString, IsUrl, Matches, Max, Min, MinLength, ValidateIf, validateSync } from 'class-validator';

/** An empty variable is an absent one, as in a docker-compose file with `${VAR:-}`. */
const blankIsAbsent = (raw: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined && value.trim() !== ''));

const http = { require_tld: false, protocols: ['http', 'https'], require_protocol: true };

/**
 * Everything the deployment may set, read and checked once at boot; `process.env` is read nowhere else.
 * `.env.example` lists the same names with the same defaults.
 */
export class Env {
  /** Port of the HTTP API; 0 takes a free one (tests). */
  @IsInt() @Min(0) @Max(65535) @Type(() => Number)
  PORT: number = 3000;

  @IsString()
  HOST: string = '127.0.0.1';

  /** Port of the worker's health and metrics endpoint. */
  @IsInt() @Min(0) @Max(65535) @Type(() => Number)
  WORKER_PORT: number = 3001;

  /** PostgreSQL 15 or later, as a login that may become the role `marketing_app`. */
  @IsString() @Matches(/^postgres(ql)?:\/\//)
  DATABASE_URL: string;

  /** The owner of the schema, for migrations only; by default DATABASE_URL. */
  @IsOptional() @IsString() @Matches(/^postgres(ql)?:\/\//)
  MIGRATION_DATABASE_URL?: string;

  /** Connections of one process. */
  @IsInt() @Min(2) @Max(500) @Type(() => Number)
  DATABASE_POOL: number = 10;

  /** Where the embedded PostgreSQL and generated keys live (npm start only). */
  @IsString()
  DATA_DIR: string = './.data';

  /** The address callers and providers see, without a trailing slash; webhook signatures and tracking links are over it. */
  @IsUrl(http) @Transform(({ value }) => String(value).replace(/\/+$/, ''))
  PUBLIC_URL: string = 'http://127.0.0.1:3000';

  /** HS256 key; exclusive with JWT_JWKS_URL. */
  @ValidateIf((env: Env) => env.JWT_JWKS_URL === undefined) @IsString() @MinLength(32)
  JWT_SECRET?: string;

  /** Key set for RS256 and ES256; exclusive with JWT_SECRET. */
  @IsOptional() @IsUrl(http)
  JWT_JWKS_URL?: string;

  @IsOptional() @IsString()
  JWT_ISSUER?: string;

  @IsOptional() @IsString()
  JWT_AUDIENCE?: string;

  /** 32 bytes, base64 or hex: AES-256-GCM for credentials at rest, and the root of token and suppression keys. */
  @Matches(/^([0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)$/)
  SECRETS_KEY: string;

  /** Requests per second per tenant and process; 0 switches the limit off. */
  @IsInt() @Min(0) @Type(() => Number)
  RATE_LIMIT_RPS: number = 1000;

  @IsOptional() @IsEmail()
  DEFAULT_FROM_EMAIL?: string;

  @IsOptional() @IsString()
  DEFAULT_POSTAL_ADDRESS?: string;

  /** smtp:// or smtps:// with credentials; the deployment's email channel. */
  @IsOptional() @IsString() @Matches(/^smtps?:\/\//)
  SMTP_URL?: string;

  /** Messages over the deployment's own providers that leave within any one second, for each tenant; 1 and more, absent: as many as there are. */
  @IsOptional() @IsInt() @Min(1) @Type(() => Number) SMTP_MAX_PER_SECOND?: number;
  @IsOptional() @IsInt() @Min(1) @Type(() => Number) SENDGRID_MAX_PER_SECOND?: number;
  @IsOptional() @IsInt() @Min(1) @Type(() => Number) TWILIO_MAX_PER_SECOND?: number;

  /** 1 lets tenants name hosts of private networks and of this machine (mail servers, webhook receivers); 0 refuses them. */
  @IsIn(['0', '1'])
  ALLOW_PRIVATE_TARGETS: string = '0';

  @IsOptional() @IsString() SENDGRID_API_KEY?: string;
  @IsUrl(http) SENDGRID_API_URL: string = 'https://api.sendgrid.com';
  @IsOptional() @IsString() TWILIO_ACCOUNT_SID?: string;
  @IsOptional() @IsString() TWILIO_AUTH_TOKEN?: string;
  @IsUrl(http) TWILIO_API_URL: string = 'https://api.twilio.com';
  @IsOptional() @IsString() TWILIO_MESSAGING_SERVICE_SID?: string;
  @IsOptional() @IsString() VAPID_PUBLIC_KEY?: string;
  @IsOptional() @IsString() VAPID_PRIVATE_KEY?: string;
  @IsOptional() @IsString() VAPID_SUBJECT?: string;
  /** A service account's key file, on one line. */
  @IsOptional() @IsJSON() FCM_SERVICE_ACCOUNT?: string;
  @IsUrl(http) FCM_API_URL: string = 'https://fcm.googleapis.com';
  @IsUrl(http) FCM_TOKEN_URL: string = 'https://oauth2.googleapis.com/token';
  /** What webhooks that name no connection are verified with: a shared secret, or the provider's own; of SendGrid its public key. */
  @IsOptional() @IsString() WEBHOOK_SECRET_SENDGRID?: string;
  @IsOptional() @IsString() WEBHOOK_SECRET_TWILIO?: string;
  @IsOptional() @IsString() WEBHOOK_SECRET_MAILCHIMP?: string;
  @IsOptional() @IsString() WEBHOOK_SECRET_HUBSPOT?: string;
  @IsUrl(http) HUBSPOT_API_URL: string = 'https://api.hubapi.com';

  /** The mail catcher of `npm start`; the next free port when taken. */
  @IsInt() @Min(0) @Max(65535) @Type(() => Number)
  MAIL_SMTP_PORT: number = 1025;

  @IsInt() @Min(0) @Max(65535) @Type(() => Number)
  MAIL_UI_PORT: number = 1080;

  /** 1 fills a demo tenant on the first `npm start`, 0 does not. */
  @IsIn(['0', '1'])
  SEED_DEMO: string = '1';

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL: string = 'info';
}

/**
 * Validates the environment.
 *
 * @throws Error naming every variable at fault, with its value left out (it may be a secret)
 */
export function loadEnv(raw: NodeJS.ProcessEnv): Env {
  const env = plainToInstance(Env, blankIsAbsent(raw), { exposeDefaultValues: true });
  const faults = validateSync(env, { skipMissingProperties: false }).map(
    (fault) => `  ${fault.property}: ${Object.values(fault.constraints ?? {}).join('; ')}`,
  );
  if (env.JWT_SECRET !== undefined && env.JWT_JWKS_URL !== undefined) {
    faults.push('  JWT_SECRET, JWT_JWKS_URL: give one, never both (a public key must not pass for an HMAC secret)');
  }
  if (faults.length > 0) throw new Error(`The environment is not usable (see .env.example):\n${faults.join('\n')}`);
  return env;
}

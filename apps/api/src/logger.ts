import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';

/** Members that may identify a person or hold a secret; they are kept out of the log in the top two levels. */
const PERSONAL = ['email', 'phone', 'to', 'authorization', 'secret', 'token', 'password', 'body', 'parameters', 'query'];

/** Nest's log lines as structured JSON. Of an error it logs the message, code and stack, but not the driver's parameters, which hold personal data. */
export class PinoLogger implements LoggerService {
  readonly pino: Logger;

  constructor(level: string, destination?: { write(line: string): void }) {
    this.pino = pino(
      {
        level,
        base: undefined,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths: PERSONAL.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
        serializers: { err: (error: unknown) => plainError(error) },
      },
      destination ?? pino.destination({ sync: false }),
    );
  }

  log(message: unknown, context?: string): void {
    this.write('info', message, context);
  }
  warn(message: unknown, context?: string): void {
    this.write('warn', message, context);
  }
  debug(message: unknown, context?: string): void {
    this.write('debug', message, context);
  }
  verbose(message: unknown, context?: string): void {
    this.write('trace', message, context);
  }
  error(message: unknown, ...rest: (string | undefined)[]): void {
    this.write('error', message, rest.at(-1));
  }
  fatal(message: unknown, ...rest: (string | undefined)[]): void {
    this.write('fatal', message, rest.at(-1));
  }

  private write(level: 'info' | 'warn' | 'debug' | 'trace' | 'error' | 'fatal', message: unknown, context?: string): void {
    if (message instanceof Error) this.pino[level]({ context, err: message }, message.message);
    else if (typeof message === 'object' && message !== null) {
      const { msg, ...fields } = message as { msg?: string };
      this.pino[level]({ context, ...fields }, msg);
    } else this.pino[level]({ context }, String(message));
  }
}

function plainError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack, cause } = error;
  const code = (error as { code?: unknown }).code;
  return { name, message, code, stack, ...(cause !== undefined && { cause: plainError(cause) }) };
}

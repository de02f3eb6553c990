import type { ArgumentsHost } from '@nestjs/common';
import { ProblemFilter } from './problem.filter.js';

/** The status and code that a caller sees of an error. */
function answerTo(error: unknown): unknown {
  let [status, body] = [0, ''];
  const reply = { header: () => reply, code: (is: number) => ((status = is), reply), status: (is: number) => ((status = is), reply), type: () => reply, send: (is: unknown) => ((body = typeof is === 'string' ? is : JSON.stringify(is)), reply) };
  const host = { switchToHttp: () => ({ getRequest: () => ({ id: 'r', url: '/', headers: {} }), getResponse: () => reply }) };
  new ProblemFilter().catch(error, host as unknown as ArgumentsHost);
  return { status, code: (JSON.parse(body) as { code: string }).code };
}

const withCode = (message: string, code: string): Error => Object.assign(new Error(message), { code });

describe('what callers see of errors that are nobody’s', () => {
  test.each([
    withCode('read ECONNRESET', 'ECONNRESET'),
    withCode('connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'),
    withCode('getaddrinfo ENOTFOUND postgres', 'ENOTFOUND'),
    withCode('getaddrinfo EAI_AGAIN postgres', 'EAI_AGAIN'),
    withCode('connect EHOSTUNREACH 10.0.0.1:5432', 'EHOSTUNREACH'),
    withCode('terminating connection due to administrator command', '57P01'),
    withCode('canceling statement due to lock timeout', '55P03'),
    new Error('Client has encountered a connection error and is not queryable'),
    new Error('timeout exceeded when trying to connect'),
  ])('a database out of reach: %s', (error) => {
    expect(answerTo(error)).toEqual({ status: 503, code: 'unavailable' });
  });

  test('a caller who hangs up before the body has ended is no fault of the database', () => {
    expect(answerTo(withCode('aborted', 'ECONNRESET'))).toEqual({ status: 400, code: 'validation_failed' });
  });
});

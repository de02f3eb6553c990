import { type EchoApi, startEchoApi } from './echo-api.js';
import { type Gateway, NGINX, startGateway } from './gateway.js';

const MISSING = 'nginx is not installed: apt-get install --no-install-recommends nginx';

/** A gateway, and the API behind it. */
export interface Published {
  api: EchoApi;
  gateway: Gateway;
}

/**
 * Tests of the gateway as it ships: Debian's nginx with the rendered template, in front of an API that tells what it was asked for.
 * Without an nginx they are skipped, and fail in CI.
 */
export function describeGateway(what: string, tests: (the: Published) => void): void {
  if (NGINX === undefined && process.env.CI) {
    it('has an nginx to test the gateway with', () => {
      throw new Error(MISSING);
    });
  } else if (NGINX === undefined) {
    console.warn(`The gateway's tests are skipped. ${MISSING}`);
  }

  (NGINX === undefined ? describe.skip : describe)(`${what}${NGINX === undefined ? ` (skipped: ${MISSING})` : ''}`, () => {
    const the = {} as Published; // filled in before the first test
    beforeAll(async () => {
      the.api = await startEchoApi();
      the.gateway = await startGateway(`127.0.0.1:${the.api.port}`);
    });
    afterAll(async () => {
      await the.gateway?.stop();
      await the.api?.stop();
    });
    beforeEach(() => {
      the.api.seen.length = 0;
    });

    tests(the);
  });
}

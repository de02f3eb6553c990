import { lookup as resolve, type LookupAddress } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { isPublicAddress } from './public-address.js';

/** How much of an answer is read unless more is asked for; the rest is not waited for. */
const MOST_BYTES = 64 * 1024;

/** How long a connection may take, in milliseconds. */
const CONNECT_MS = 10_000;

/** Statuses whose Response has no body (https://fetch.spec.whatwg.org/#null-body-status). */
const BODILESS = new Set([204, 205, 304]);

/** The host is not one that tenants may have us call. */
export class RefusedTargetError extends Error {
  readonly code = 'ETARGETREFUSED';
  constructor(host: string) {
    super(`${host} is not on the public internet`);
  }
}

export interface OutboundRequest {
  method: string;
  headers: Record<string, string>;
  body: string | Buffer;
  signal: AbortSignal;
  /** How much of the answer to read, if more than 64 KiB. */
  mostBytes?: number;
}

/**
 * Connects to hosts that tenants name: their mail servers, their webhooks' receivers. Only addresses on the public internet are called, checked
 * on the very lookup that the connection uses (so that a name cannot change in between), and no redirect is followed. The operator may allow
 * private targets.
 */
@Injectable()
export class Outbound {
  private readonly anywhere: boolean;

  constructor(env: Env) {
    this.anywhere = env.ALLOW_PRIVATE_TARGETS === '1';
  }

  /**
   * One call over HTTP, without redirects, on a connection of its own.
   *
   * @returns the answer, whatever its status; its body is cut off at 64 KiB or `mostBytes`
   * @throws RefusedTargetError before anything is sent; the signal's reason; Node's error, with its `code`, when there is no answer
   */
  async fetch(url: string, { method, headers, body, signal, mostBytes = MOST_BYTES }: OutboundRequest): Promise<Response> {
    const { protocol, hostname } = new URL(url);
    const send = { 'http:': overHttp, 'https:': overHttps }[protocol];
    if (send === undefined) throw new RefusedTargetError(protocol);
    this.assertAllowed(hostname.replace(/^\[|\]$/g, ''));
    const given = { method, headers: { ...headers, 'content-length': Buffer.byteLength(body) }, signal, agent: false, lookup: this.lookup };
    try {
      const answer = await new Promise<IncomingMessage>((answered, failed) => {
        const request = send(url, given);
        request.on('response', answered).on('error', failed).on('socket', (socket) => giveUpConnecting(request, socket));
        // Node reports a 101 by this event alone; unheard, it would end the request without an error.
        request.on('upgrade', ({ statusCode }, socket) => (socket.destroy(), failed(badStatus(statusCode!))));
        request.end(body);
      });
      const text = await beginningOf(answer, mostBytes);
      const status = answer.statusCode!;
      if (status < 200 || status > 599) throw badStatus(status);
      return new Response(BODILESS.has(status) ? null : text, { status, headers: headersOf(answer) });
    } catch (error) {
      throw signal.aborted ? signal.reason : error; // aborted in mid-answer, Node reports a reset connection
    }
  }

  /**
   * A connection to the host, for other protocols.
   *
   * @throws RefusedTargetError; Node's error when there is no connection
   */
  dial(host: string, port: number): Promise<Socket> {
    return new Promise((connected, failed) => {
      this.assertAllowed(host);
      const socket = connect({ host, port, lookup: this.lookup, timeout: CONNECT_MS });
      const fail = (error: Error): void => {
        socket.destroy();
        failed(error);
      };
      socket.once('error', fail).once('timeout', () => fail(Object.assign(new Error('The connection took too long'), { code: 'ECONNECTTIMEOUT' })));
      socket.once('connect', () => {
        socket.removeAllListeners('timeout').removeListener('error', fail).setTimeout(0);
        connected(socket);
      });
    });
  }

  /** Checks an IP address; names are checked by {@link lookup}, which Node does not call for an address. */
  private assertAllowed(host: string): void {
    if (!this.anywhere && isIP(host) !== 0 && !isPublicAddress(host)) throw new RefusedTargetError(host);
  }

  /** Resolves a name to its public addresses only. */
  private readonly lookup: LookupFunction = (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return done(error, []);
      const allowed = this.anywhere ? addresses : addresses.filter(({ address }) => isPublicAddress(address));
      const [first] = allowed;
      if (first === undefined) return done(new RefusedTargetError(hostname), []);
      return options.all ? done(null, allowed) : done(null, first.address, first.family);
    });
  };
}

const badStatus = (status: number): Error => Object.assign(new Error(`${status} is no status of an answer`), { code: 'EBADSTATUS' });

/** Gives a failed connection its own error, unlike a missing answer: nothing was sent. */
function giveUpConnecting(request: ClientRequest, socket: Socket): void {
  const timer = setTimeout(() => request.destroy(Object.assign(new Error('The connection took too long'), { code: 'ECONNECTTIMEOUT' })), CONNECT_MS);
  socket.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}

async function beginningOf(answer: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= mostBytes) break; // destroys the stream, and the rest with it
  }
  return Buffer.concat(chunks).subarray(0, mostBytes);
}

const headersOf = ({ rawHeaders }: IncomingMessage): [string, string][] =>
  rawHeaders.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, rawHeaders[at + 1]!]] : []));

import { Controller, Get, Header, Param, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Route } from '#http';
import { DeliveryError } from './delivery.errors.js';
import { isMachine } from './machine.js';
import { Tracking } from './tracking.service.js';
import { ASK_PAGE, DONE_PAGE } from './unsubscribe-page.js';

/** One transparent pixel, GIF89a. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

const HTML = 'text/html; charset=utf-8';
const PAGE_POLICY = `default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

@ApiTags('Tracking')
@Controller('t')
export class TrackingController {
  constructor(private readonly tracking: Tracking) {}

  @Get('o/:token')
  @Header('cache-control', 'no-store, private')
  @Route({
    allow: 'public',
    summary: 'Open pixel',
    description: 'A transparent pixel; asking for it is an open. The token ends in `.gif`. Programs’ hits are kept and not counted as human.',
    produces: 'image/gif',
    headers: ['Cache-Control'],
    errors: [DeliveryError.only('link_not_found')],
  })
  async trackOpen(@Param('token') token: string, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<Buffer> {
    await this.tracking.open(token.replace(/\.gif$/, ''), byMachine(request));
    void reply.type('image/gif');
    return PIXEL;
  }

  @Get('c/:token')
  @Header('cache-control', 'no-store, private')
  @Header('referrer-policy', 'no-referrer')
  @Route({
    allow: 'public',
    status: 302,
    summary: 'Follow a link',
    headers: ['Cache-Control', 'Referrer-Policy'],
    description: 'Leads to the URL stored with the campaign, never to one that the request names.',
    errors: [DeliveryError.only('link_not_found')],
  })
  async trackClick(@Param('token') token: string, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    void reply.header('location', await this.tracking.click(token, byMachine(request)));
  }

  @Get('u/:token')
  @Header('content-security-policy', PAGE_POLICY)
  @Header('cache-control', 'no-store, private')
  @Route({
    allow: 'public',
    summary: 'Ask whether to unsubscribe',
    description: 'A page with one button. It changes nothing: link scanners open it, too.',
    produces: 'text/html',
    headers: ['Cache-Control', 'Content-Security-Policy'],
    errors: [DeliveryError.only('link_not_found')],
  })
  async showUnsubscribe(@Param('token') token: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    await this.tracking.assertUnsubscribable(token);
    void reply.type(HTML);
    return ASK_PAGE;
  }

  @Post('u/:token')
  @Header('content-security-policy', PAGE_POLICY)
  @Header('cache-control', 'no-store, private')
  @Route({
    allow: 'public',
    summary: 'Unsubscribe',
    description: 'One click (RFC 8058), from the page’s button or a mail client’s own. Withdraws the consent and suppresses the address.',
    produces: 'text/html',
    headers: ['Cache-Control', 'Content-Security-Policy'],
    rawBody: 'anything', // bounded and not looked at: the token alone says who
    bodyLimit: 16 * 1024,
    errors: [DeliveryError.only('link_not_found')],
  })
  async unsubscribe(@Param('token') token: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    await this.tracking.unsubscribe(token);
    void reply.type(HTML);
    return DONE_PAGE;
  }
}

const byMachine = ({ method, headers }: FastifyRequest): boolean => isMachine(method, headers['user-agent']);

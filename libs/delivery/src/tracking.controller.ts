import { Controller, Get, Header, Param, Post, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Route } from '#http';
import { type Channel, CHANNELS } from '#tenants';
import { DeliveryError } from './delivery.errors.js';
import { isMachine } from './machine.js';
import { Tracking } from './tracking.service.js';
import { askPage, donePage, PAGE_POLICY } from './unsubscribe-page.js';

/** One transparent pixel, GIF89a. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

const HTML = 'text/html; charset=utf-8';

@ApiTags('Tracking')
@Controller('t')
export class TrackingController {
  constructor(private readonly tracking: Tracking) {}

  @Get('o/:token')
  @Header('cache-control', 'no-store, private')
  @Route({
    allow: 'public',
    summary: 'Open pixel',
    description: 'A transparent pixel; requesting it is an open. The token ends in `.gif`. Requests by programs are recorded but not counted as human. Programs are recognised by their headers (known agents, prefetching browsers) and by their behaviour: following links faster than a person could, or a link that no person sees.',
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
    description: 'Redirects to the URL stored with the campaign, never to one that the request names.',
    errors: [DeliveryError.only('link_not_found')],
  })
  async trackClick(@Param('token') token: string, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    void reply.header('location', await this.tracking.click(token, byMachine(request)));
  }

  @Get('u/:token')
  @Header('content-security-policy', PAGE_POLICY)
  @Header('referrer-policy', 'no-referrer')
  @Header('cache-control', 'no-store, private')
  @Route({
    allow: 'public',
    summary: 'Ask whether to unsubscribe',
    description: 'A page with one button, and a choice of channels if the customer gets messages over several. It is in the customer’s language if we support it, and without scripts. It changes nothing, because link scanners open it as well.',
    produces: 'text/html',
    headers: ['Cache-Control', 'Content-Security-Policy', 'Referrer-Policy'],
    errors: [DeliveryError.only('link_not_found')],
  })
  async showUnsubscribe(@Param('token') token: string, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const choices = await this.tracking.choices(token, languagesOf(request));
    void reply.type(HTML);
    return askPage(choices);
  }

  @Post('u/:token')
  @Header('content-security-policy', PAGE_POLICY)
  @Header('referrer-policy', 'no-referrer')
  @Header('cache-control', 'no-store, private')
  @Route({
    allow: 'public',
    summary: 'Unsubscribe',
    description: 'One-click unsubscribe (RFC 8058), from the page’s button or a mail client’s own. Withdraws the consent and suppresses the address, on the message’s channel or on those chosen in the form. A form without any chosen channel changes nothing and is shown again.',
    produces: 'text/html',
    headers: ['Cache-Control', 'Content-Security-Policy', 'Referrer-Policy'],
    rawBody: 'anything', // bounded; the token alone says who, and what is not the page's form is one click
    bodyLimit: 16 * 1024,
    errors: [DeliveryError.only('link_not_found')],
  })
  async unsubscribe(@Param('token') token: string, @Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const chosen = chosenIn(request);
    const choices = await this.tracking.choices(token, languagesOf(request));
    void reply.type(HTML);
    if (chosen?.length === 0) return askPage(choices, true);
    return donePage({ ...choices, channels: await this.tracking.unsubscribe(token, chosen) });
  }
}

/** The channels that the page's form names; null for what is no such form, as a mail client's own post. */
function chosenIn({ rawBody }: FastifyRequest): Channel[] | null {
  const form = new URLSearchParams(rawBody?.toString());
  return form.has('chosen') ? CHANNELS.filter((channel) => form.getAll('stop').includes(channel)) : null;
}

/** What the browser says that its reader speaks, first what they would rather. */
const languagesOf = ({ headers }: FastifyRequest): string[] => (headers['accept-language'] ?? '').split(',', 10).map((range) => range.split(';', 1)[0]!.trim());

const byMachine = ({ method, headers }: FastifyRequest): boolean => isMachine(method, headers);

import { envelope } from '../normalisers/envelope.js';
import { hubspotEvents } from '../normalisers/hubspot.js';
import { mailchimpAudience } from '../normalisers/mailchimp.js';
import { mandrillEvents } from '../normalisers/mandrill.js';
import { sendgridEvents } from '../normalisers/sendgrid.js';
import { twilioMessages } from '../normalisers/twilio.js';
import type { ProviderId } from '../providers.js';
import { verifyGeneric } from './generic.js';
import { isHubSpots, verifyHubSpot } from './hubspot.js';
import { secretInUrl, verifyMailchimp } from './mailchimp.js';
import { MANDRILL_SIGNATURE, verifyMandrill } from './mandrill.js';
import { type Answer, header, type Scheme, type SignedRequest } from './scheme.js';
import { SENDGRID_SIGNATURE, verifySendGrid } from './sendgrid.js';
import { verifyStandard } from './standard.js';
import { TWILIO_SIGNATURE, verifyTwilio } from './twilio.js';
import { answerTwilio } from './twiml.js';

/** Every scheme a connection may name. */
export const SCHEME_NAMES = ['generic', 'sendgrid', 'twilio', 'mailchimp', 'mandrill', 'hubspot'] as const;
export type SchemeName = (typeof SCHEME_NAMES)[number];

/** The headers decide between the two; a request with our own header is verified by our own scheme. */
const isStandard = ({ headers }: SignedRequest): boolean => headers['webhook-signature'] !== undefined && headers['x-webhook-signature'] === undefined;

const isMandrills = (request: SignedRequest): boolean => header(request, MANDRILL_SIGNATURE) !== null;

/** For providers that accept only 200. */
const OK: Answer = { status: 200 };

/** A provider's own scheme is one file here and one under normalisers. */
export const SCHEMES: Readonly<Record<SchemeName, Scheme>> = {
  generic: {
    key: 'shared',
    timestamped: true,
    verify: (request, trust) => (isStandard(request) ? verifyStandard : verifyGeneric)(request, trust),
    normaliser: () => envelope,
    marks: () => true,
  },
  sendgrid: {
    key: 'public_key',
    timestamped: true,
    verify: verifySendGrid,
    normaliser: () => sendgridEvents,
    marks: (request) => header(request, SENDGRID_SIGNATURE) !== null,
  },
  twilio: {
    key: 'of_provider',
    timestamped: false,
    verify: verifyTwilio,
    normaliser: () => twilioMessages,
    marks: (request) => header(request, TWILIO_SIGNATURE) !== null,
    greets: false,
    answer: answerTwilio,
  },
  mailchimp: {
    key: 'in_url',
    timestamped: false,
    verify: verifyMailchimp,
    normaliser: (request) => (isMandrills(request) ? mandrillEvents : mailchimpAudience), // the secret in the URL verifies both
    marks: (request) => secretInUrl(request) !== null,
    answer: () => OK,
  },
  mandrill: {
    key: 'of_provider',
    timestamped: false,
    verify: verifyMandrill,
    normaliser: () => mandrillEvents,
    marks: isMandrills,
    answer: () => OK,
  },
  hubspot: {
    key: 'of_provider',
    timestamped: true,
    verify: verifyHubSpot,
    normaliser: () => hubspotEvents,
    marks: isHubSpots,
  },
};

/** The schemes that a provider's connection may have. The last one applies if a request has the marks of no other. */
const SCHEMES_OF: Readonly<Record<ProviderId, readonly SchemeName[]>> = {
  sendgrid: ['sendgrid', 'generic'],
  twilio: ['twilio', 'generic'],
  mailchimp: ['mandrill', 'mailchimp', 'generic'],
  hubspot: ['hubspot', 'generic'],
};

export const schemesOf = (provider: ProviderId): readonly SchemeName[] => SCHEMES_OF[provider];

/** The scheme whose marks a request to the provider's URL has. */
export const schemeMarked = (provider: ProviderId, request: SignedRequest): SchemeName => SCHEMES_OF[provider].find((name) => SCHEMES[name].marks(request))!;

export { type Answer, type Brand, type Scheme, type SignedRequest, queryOf, type Trust, type Verdict } from './scheme.js';

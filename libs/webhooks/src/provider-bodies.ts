/** What providers post, for the OpenAPI document: only the fields that are read. The others are stored too; the normalisers link to the providers' documentation. */

const text = (description: string) => ({ type: 'string', description });
const integer = (description: string) => ({ type: 'integer', description });

const SENDGRID_EVENT = {
  title: 'SendGrid’s event',
  type: 'object',
  required: ['event'],
  properties: {
    event: text('`processed`, `deferred`, `delivered`, `open`, `click`, `bounce`, `dropped`, `spamreport`, `unsubscribe`, `group_unsubscribe`, `group_resubscribe`.'),
    email: text('The recipient.'),
    timestamp: integer('Unix seconds.'),
    sg_event_id: text('Identifies the event when it is sent again.'),
    sg_message_id: text('The `X-Message-Id` that SendGrid answered with, and a suffix.'),
    delivery_id: text('Our delivery id, from the message’s `custom_args`.'),
    campaign_id: text('The campaign, from the message’s `custom_args`.'),
    url: text('The link that was clicked.'),
    sg_machine_open: { type: 'boolean', description: 'Opened by a mail proxy.' },
    type: text('For a bounce: `bounce` or `blocked`.'),
    status: text('For a bounce: the enhanced status code.'),
    reason: text('Why it bounced or was dropped.'),
  },
};

const HUBSPOT_EVENT = {
  title: 'HubSpot’s event',
  type: 'object',
  required: ['subscriptionType', 'objectId'],
  properties: {
    subscriptionType: text('`contact.creation`, `contact.propertyChange`, `object.creation`, …'),
    objectTypeId: text('For `object.…` events: `0-1` means contacts.'),
    objectId: integer('The contact, which is read with the connection’s `api_token`.'),
    propertyName: text('The property that changed.'),
    propertyValue: text('Its new value.'),
    portalId: integer('The account.'),
    subscriptionId: integer('The subscription.'),
    eventId: integer('Not unique: all ids and the time together identify an event.'),
    occurredAt: integer('Unix milliseconds.'),
    attemptNumber: integer('0 for the first attempt.'),
  },
};

const HUBSPOT_CONTACT = {
  title: 'HubSpot’s contact, from a workflow',
  type: 'object',
  required: ['properties'],
  properties: {
    vid: integer('The contact; `objectId` if the workflow sends chosen properties.'),
    properties: { type: 'object', description: '`email`, `phone`, `mobilephone`, `firstname`, `lastname`: each a text, or an object with the text as its `value`.' },
    'form-submissions': { type: 'array', items: { type: 'object' }, description: 'The forms that the contact has sent.' },
  },
};

const TWILIO_MESSAGE = {
  title: 'Twilio’s message',
  type: 'object',
  required: ['MessageSid'],
  properties: {
    MessageSid: text('The message; with its status it identifies the event.'),
    MessageStatus: text('`queued`, `sent`, `delivered`, `undelivered`, `failed`, `read`, …'),
    SmsStatus: text('The same; `received` for an incoming message.'),
    ErrorCode: text('Why it was not delivered.'),
    To: text('E.164.'),
    From: text('E.164.'),
    Body: text('The text of an incoming message: `STOP`, `START`, `HELP`.'),
    OptOutType: text('How Advanced Opt-Out understood it: `STOP`, `START`, `HELP`.'),
  },
};

const MAILCHIMP_EVENT = {
  title: 'Mailchimp’s event',
  type: 'object',
  required: ['type'],
  properties: {
    type: text('`subscribe`, `unsubscribe`, `profile`, `upemail`, `cleaned`, `campaign`.'),
    fired_at: text('`YYYY-MM-DD hh:mm:ss`, in UTC.'),
    'data[email]': text('The member’s address.'),
    'data[reason]': text('Why the member was unsubscribed or cleaned; `abuse` for a complaint.'),
    'data[merges][FNAME]': text('First name.'),
    'data[merges][LNAME]': text('Last name.'),
    'data[old_email]': text('For `upemail`: the old address.'),
    'data[new_email]': text('For `upemail`: the new address.'),
    'data[status]': text('For `campaign`: `sent`.'),
  },
};

const MANDRILL_EVENTS = {
  title: 'Mandrill’s events',
  type: 'object',
  required: ['mandrill_events'],
  properties: { mandrill_events: text('JSON: a list of up to 1,000 events, each with `event`, `ts`, `_id` and `msg`.') },
};

export const JSON_SCHEMAS = [{ type: 'array', items: SENDGRID_EVENT }, { type: 'array', items: HUBSPOT_EVENT }, HUBSPOT_CONTACT];

export const FORM_SCHEMA = { anyOf: [TWILIO_MESSAGE, MAILCHIMP_EVENT, MANDRILL_EVENTS] };

const PERSON = 'customer@example.com';
const DELIVERY_ID = 'dlv_00000800000800000ea80';

/** By the connection's scheme. */
export const JSON_BODIES = {
  sendgrid: [
    { email: PERSON, timestamp: 1769279460, 'smtp-id': '<14c5d75ce93.dfd.64b469@ismtpd-555>', event: 'delivered', sg_event_id: 'ZGVsaXZlcmVkLTAtMTIzNDU2', sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0', response: '250 OK', delivery_id: DELIVERY_ID },
    { email: PERSON, timestamp: 1769279520, event: 'open', sg_event_id: 'b3Blbi0wLTEyMzQ1Ng', sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0', useragent: 'Mozilla/5.0', ip: '203.0.113.7', sg_machine_open: false, delivery_id: DELIVERY_ID },
  ],
  hubspot: [{ eventId: 3816279340, subscriptionId: 234567, portalId: 12345678, appId: 987654, occurredAt: 1769279460000, subscriptionType: 'contact.creation', attemptNumber: 0, objectId: 1246965, changeFlag: 'CREATED', changeSource: 'CRM_UI' }],
  hubspot_workflow: { vid: 1246965, 'portal-id': 12345678, properties: { email: { value: PERSON }, firstname: { value: 'Ada' } }, 'form-submissions': [{ 'form-id': '0f3a2b10', title: 'Book a table', timestamp: 1769279460000 }] },
};

export const FORM_BODIES = {
  twilio: { MessageSid: 'SM4262411b90e5464b98a4f66a49c57a97', SmsSid: 'SM4262411b90e5464b98a4f66a49c57a97', MessageStatus: 'delivered', SmsStatus: 'delivered', To: '+14155550100', From: '+14155550199', AccountSid: 'AC0db966d80e9f1662da09c61287f8bba1', ApiVersion: '2010-04-01' },
  mailchimp: { type: 'subscribe', fired_at: '2026-01-24 18:31:00', 'data[id]': '8a25ff1d98', 'data[list_id]': 'a6b5da1054', 'data[email]': PERSON, 'data[email_type]': 'html', 'data[merges][EMAIL]': PERSON, 'data[merges][FNAME]': 'Ada', 'data[merges][LNAME]': 'Lovelace' },
  mandrill: { mandrill_events: JSON.stringify([{ event: 'open', ts: 1769279520, _id: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', msg: { _id: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', email: PERSON, state: 'sent', metadata: { delivery_id: DELIVERY_ID } }, user_agent: 'Mozilla/5.0' }]) },
};

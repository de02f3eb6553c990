/** What all sides of the webhooks' bench verify with. */
export const SECRET = 'whsec_c2hhcmVkIGJ5IGFsbCBzaWRlcyBvZiB0aGUgYmVuY2g=';

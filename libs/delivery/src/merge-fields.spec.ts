import { mergeFields } from './merge-fields.js';

const fieldsOf = (body: string, channel: 'email' | 'sms' | 'push' = 'email') => mergeFields(channel, { subject: 'Hi', body }).map(({ name }) => name);

test('what is printed and has no default', () => {
  expect(fieldsOf('{{ customer.first_name }} {{customer.first_name}} {{- customer.attributes.pet.name | upcase -}} {{ promo_code }}')).toEqual(['customer.first_name', 'customer.attributes.pet.name', 'promo_code']);
  expect(fieldsOf('{{ customer.first_name | default: "you" }} {{ customer.city | upcase | default: "town" }} {% if customer.city %}there{% endif %} {{ unsubscribe_url }}')).toEqual([]);
});

test('of the channel alone', () => {
  const content = { subject: '{{ customer.city }}', body: 'b', cta_url: 'https://example.com/{{ customer.customer_id }}', cta_text: '{{ customer.last_name }}', sms: { body: '{{ customer.loyalty_points }}' } };
  const names = (channel: 'email' | 'sms' | 'push') => mergeFields(channel, content).map(({ name }) => name);
  expect([names('email'), names('sms'), names('push')]).toEqual([
    ['customer.city', 'customer.last_name', 'customer.customer_id'],
    ['customer.loyalty_points', 'customer.last_name', 'customer.customer_id'],
    ['customer.city', 'customer.customer_id'],
  ]);
});

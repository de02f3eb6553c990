import { Mailbox } from './mailbox.js';

function fill(mailbox: Mailbox, count: number, bytes: number): void {
  for (let i = 1; i <= count; i++) {
    mailbox.add({ from: 'shop@example.com', to: [`Guest${i}@example.com`], raw: Buffer.alloc(bytes) });
  }
}

test.each([
  ['number', { mails: 10, bytes: 1_000_000 }],
  ['size', { mails: 1_000, bytes: 1_000 }],
])('keeps the newest mails within a limit on their %s', (_, limits) => {
  const mailbox = new Mailbox(limits);
  fill(mailbox, 25, 100);
  expect(mailbox.list().map(({ id }) => Number(id))).toEqual([25, 24, 23, 22, 21, 20, 19, 18, 17, 16]);
  expect(mailbox.received).toBe(25);
});

test('makes room for as much as was deleted', () => {
  const mailbox = new Mailbox({ mails: 1_000, bytes: 1_000 });
  fill(mailbox, 10, 100);
  expect(mailbox.delete('3')).toBe(true);
  expect(mailbox.delete('3')).toBe(false);
  fill(mailbox, 1, 100);
  expect(mailbox.get('1')).toBeDefined();
  mailbox.clear();
  fill(mailbox, 10, 100);
  expect(mailbox.list()).toHaveLength(10);
});

test('finds by recipient, in any case', () => {
  const mailbox = new Mailbox();
  fill(mailbox, 3, 1);
  expect(mailbox.list(' guest2@EXAMPLE ').map(({ id }) => id)).toEqual(['2']);
});

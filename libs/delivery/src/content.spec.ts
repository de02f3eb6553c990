import { contentFor, validateContent } from './content.js';
import { linksOf } from './links.js';
import { compile, render } from './template.js';

test('a channel’s own members override the common ones', () => {
  expect(contentFor('sms', { subject: 'a', body: 'b', sms: { body: 'c' } })).toEqual({ subject: 'a', body: 'c' });
});

test('every fault of the content is told, with line and column', () => {
  const faults = validateContent({ subject: '{{ customer.first_name', body: 'Hello\n  {% if x %}', cta_url: 'javascript:alert(1)', email: { body: '{{ x | nosuchfilter }}' } });
  expect(faults.map(({ pointer, code, line, column }) => [pointer, code, line, column])).toEqual([
    ['/content/subject', 'invalid_template', 1, 1],
    ['/content/body', 'invalid_template', 2, 3],
    ['/content/cta_url', 'invalid_url', undefined, undefined],
    ['/content/email/body', 'invalid_template', 1, expect.any(Number)],
  ]);
});

test.each(['ftp://x.example', 'https://{{ customer.city }}.example', 'https://x.example{{ customer.city }}', 'https://a@b.example', '//x.example', 'https://x.example\\@evil.example', 'data:text/html,x'])('%s is no link', (cta_url) => {
  expect(validateContent({ cta_url })).toMatchObject([{ pointer: '/content/cta_url', code: 'invalid_url' }]);
});

test.each(['https://order.example.com?promo=FLASH25', 'http://x.example/{{ promo_code }}', 'HTTPS://x.example#top', 'http://127.0.0.1:8080/menu'])('%s is one', (cta_url) => {
  expect(validateContent({ cta_url })).toEqual([]);
});

test('a link in a body that would lead nowhere is told', () => {
  expect(validateContent({ sms: { body: 'See https://ada:secret@files.example.com/x' } })).toMatchObject([{ pointer: '/content/sms/body', code: 'invalid_url' }]);
  expect(validateContent({ cta_url: 'https://a.example/\r\nX: y' })).toMatchObject([{ pointer: '/content/cta_url', code: 'invalid_url' }]);
  expect(validateContent({ body: 'See https://shop.example.com/меню, https://a.example/{{ promo_code }}' })).toEqual([]);
});

test('more tags than a thread parses in a moment are refused unparsed, however they are spread', () => {
  const body = '{% assign a = 1 %}'.repeat(700);
  expect(validateContent({ body, sms: { body }, locales: { de: { body } } })).toEqual([{ pointer: '/content/locales/de/body', code: 'too_many_tags', detail: expect.stringContaining('2000') as string }]);
  expect(validateContent({ body, sms: { body } })).toEqual([]);
});

test('a template that could not be rendered for every recipient is told, and where; one that only lacks data is not', () => {
  const slow = 'Hello\n{% for i in (1..1400) %}{% for j in (1..1400) %}{% endfor %}{% endfor %}';
  const faults = validateContent({ subject: 'Hello', body: '{{ customer.birthday | date: "%d" }}{{ customer.tags | first | append: "!" }}', email: { body: slow }, sms: { body: slow } });
  expect(faults).toEqual([{ pointer: '/content/email/body', code: 'template_limit_exceeded', detail: expect.stringContaining('limit'), line: 2, column: expect.any(Number) }]);
});

test('links are the call to action and what the body spells out, without the sentence’s own punctuation', () => {
  expect(linksOf({ body: 'See https://a.example/menu, (http://b.example). Twice: https://a.example/menu', cta_url: 'https://c.example' })).toEqual(['https://c.example', 'https://a.example/menu', 'http://b.example']);
});

describe('templates see plain data and nothing else', () => {
  test.each(['{% include "/etc/passwd" %}', '{% render "x" %}', '{% layout "x" %}'])('%s does not parse', (text) => expect(() => compile(text)).toThrow());

  test.each(['{{ customer.constructor }}', '{{ customer.__proto__ }}', '{{ customer.toString }}', '{{ "" | constructor }}', '{{ customer.tags.constructor.constructor }}'])('%s is empty or refused', (text) => {
    let out = '';
    try {
      out = render(compile(text), { customer: { tags: [] } });
    } catch {
      // refused
    }
    expect(out).toBe('');
  });

  test('a loop without end is stopped', () => {
    expect(() => render(compile('{% for i in (1..100000000) %}x{% endfor %}'), {})).toThrow(/limit/i);
    expect(() => render(compile('{% for i in (1..9999) %}{% for j in (1..9999) %}{{ i }}{% endfor %}{% endfor %}'), {})).toThrow(/limit/i);
  });

  test.each([
    ['printed', `{% for i in (1..9999) %}${'x'.repeat(100_000)}{% endfor %}`],
    ['captured', `{% capture all %}{% for i in (1..9999) %}${'x'.repeat(100_000)}{% endfor %}{% endcapture %}{% if all contains "y" %}{% endif %}`],
    ['appended', `{% assign all = "${'x'.repeat(100_000)}" %}{% for i in (1..20) %}{% assign all = all | append: all %}{% endfor %}{{ all }}`],
    ['replaced', `{% assign all = "${'x'.repeat(1_000)}" | replace: "x", "${'y'.repeat(1_000)}" | replace: "y", "${'z'.repeat(1_000)}" %}{{ all }}`],
  ])('a gigabyte is not %s', (_, text) => expect(() => render(compile(text), {}, Infinity)).toThrow('memory alloc limit exceeded')); // by its size, however slow the machine
});

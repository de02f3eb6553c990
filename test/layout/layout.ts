import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** mjml has no types of its own. */
type Mjml = (source: string, options: object) => Promise<{ html: string; errors: { formattedMessage: string }[] }>;
const mjml = createRequire(import.meta.url)('mjml') as Mjml;

export const SOURCE = 'libs/delivery/layout/email.mjml';
export const TARGET = 'libs/delivery/src/email-skeleton.ts';

/** What a mail client shows after the preheader unless something invisible stands there: the first words of the text. */
const PADDING = '&#847;&zwnj;&nbsp;'.repeat(70);

/** The module that the layout's source makes. */
export async function compiledLayout(): Promise<string> {
  const { html, errors } = await mjml(await readFile(SOURCE, 'utf8'), { validationLevel: 'soft', keepComments: false, fonts: {} });
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'));
  const parts = new Map<string, string>();
  const lean = html.replace(/^\s+|\s+$/gm, '').replace(/>\n</g, '><').replace(/\n+/g, '\n').replace(/>\n\{\{/g, '>{{').replace(/\}\}\n</g, '}}<');
  const markup = lean
    .replace(/\{% part (\w+) %\}([\s\S]*?)\{% endpart %\}/g, (_, name: string, part: string) => (parts.set(name, part), ''))
    .replaceAll('{{ padding }}', PADDING)
    .replaceAll('text-align:left', 'text-align:{{ start }}')
    .replaceAll('align="left"', 'align="{{ start }}"')
    .replaceAll('direction:ltr', 'direction:{{ direction }}');
  return [
    `/** Compiled from ${SOURCE} by \`npm run layout\`: change that, not this. */`,
    `export const MARKUP = ${literal(markup)};`,
    '',
    'export const PARTS = {',
    ...[...parts].map(([name, part]) => `  ${name}: ${literal(part)},`),
    '} as const;',
    '',
  ].join('\n');
}

const literal = (text: string): string => `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``;

import { Liquid, LiquidError, type Template } from 'liquidjs';
import type { Fault, Json } from '#kernel';

/** Tags that would load another template: there is none to load. */
const LOADERS = ['include', 'render', 'layout', 'block'];

/**
 * Liquid for texts that a tenant writes: no files, no prototypes, bounded in length, time and memory. It sees plain data
 * only. Nothing is escaped here: what it renders is text, and whoever puts it into HTML escapes the whole.
 */
const engine = new Liquid({
  ownPropertyOnly: true,
  strictFilters: true,
  relativeReference: false,
  dynamicPartials: false,
  templates: {},
  parseLimit: 200_000,
  renderLimit: 200,
  memoryLimit: 2_000_000,
  timezoneOffset: 0,
});
for (const tag of LOADERS) delete engine.tags[tag];

/** Variables of a template: plain JSON, nothing with behaviour. */
export type Scope = Record<string, Json | undefined>;

export type CompiledTemplate = Template[];

/** @throws LiquidError when the text is not a template */
export const compile = (text: string): CompiledTemplate => engine.parse(text);

/** @throws LiquidError when a filter fails or a limit is passed */
export const render = (template: CompiledTemplate, scope: Scope): string => String(engine.renderSync(template, scope));

/** Why the text does not parse, with where; null when it does. */
export function templateFault(text: string): Fault | null {
  try {
    compile(text);
    return null;
  } catch (error) {
    const [line, column] = error instanceof LiquidError ? error.token.getPosition() : [1, 1];
    const detail = error instanceof Error ? error.message.split('\n', 1)[0]! : 'not a template';
    return { code: 'invalid_template', detail, line, column };
  }
}

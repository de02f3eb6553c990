import { AssertionError, type Context, type Emitter, Liquid, LiquidError, type Template, toValue } from 'liquidjs';
import type { Fault, Json } from '#kernel';

/** Tags that would load another template: there is none to load. */
const LOADERS = ['include', 'render', 'layout', 'block'];

/** How long the templates of one message may take together, in milliseconds. Usual ones take less than one. */
export const RENDER_MS = 200;

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
  memoryLimit: 2_000_000,
  timezoneOffset: 0,
});
for (const tag of LOADERS) delete engine.tags[tag];
delete engine.filters.sample; // copies and shuffles between two looks at the clock, and no mail is the better for chance

/** Charges what is written to the memory limit. Liquid itself charges only what filters make, and a loop can print gigabytes of one literal. */
class MeteredEmitter implements Emitter {
  buffer = '';

  constructor(private readonly memory: Context['memoryLimit']) {}

  write(value: unknown): void {
    const text = toText(value);
    this.memory.use(text.length);
    this.buffer += text;
  }
}

/** As Liquid prints values: nothing for nil, the items of a list without separators. */
function toText(value: unknown): string {
  const plain = toValue(value) as Json | undefined;
  return Array.isArray(plain) ? plain.map(toText).join('') : String((plain as string | number | boolean | null | undefined) ?? '');
}

// Also what `capture` collects comes through here.
const { renderer } = engine;
const renderTemplates = renderer.renderTemplates.bind(renderer);
renderer.renderTemplates = (templates, context, emitter = new MeteredEmitter(context.memoryLimit)) => renderTemplates(templates, context, emitter);

/** Variables of a template: plain JSON, nothing with behaviour. */
export type Scope = Record<string, Json | undefined>;

export type CompiledTemplate = Template[];

/** @throws LiquidError when the text is not a template */
export const compile = (text: string): CompiledTemplate => engine.parse(text);

/**
 * @param until when to give up, on the clock of `performance.now()`
 * @throws LiquidError when a filter fails or a limit is passed
 */
export const render = (template: CompiledTemplate, scope: Scope, until = performance.now() + RENDER_MS): string =>
  String(engine.renderSync(template, scope, { renderLimit: until - performance.now() }));

/** Whether a template was given up because it takes too long or makes too much; before its first tag that is said by an error of another kind. */
export const isOverLimit = (error: unknown): boolean => (error instanceof LiquidError || error instanceof AssertionError) && error.message.includes('limit exceeded');

/**
 * Writes, and once more what ran out of time: when the machine stood still, that was no fault of the template, and nobody gets the message again.
 *
 * @throws whatever the last try throws
 */
export function inTime<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!isOverLimit(error)) throw error;
    return write();
  }
}

/** What the text makes when nothing is known of the customer; nothing when it fails, or the time is up. */
export function triedOut(text: string, until: number): string {
  try {
    return performance.now() < until ? render(compile(text), {}, until) : '';
  } catch {
    return '';
  }
}

/**
 * Why the text does not parse, or cannot be rendered in time even when nothing is known of the customer, with where; null
 * when neither. Whatever else fails without a customer may do with one.
 *
 * @param until when trying to render it is given up; past it, it is not tried
 */
export function templateFault(text: string, until: number): Fault | null {
  try {
    const template = compile(text);
    if (performance.now() < until) inTime(() => render(template, {}, Math.max(until, performance.now() + RENDER_MS / 2)));
    return null;
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): Fault | null {
  const overLimit = isOverLimit(error);
  if (error instanceof LiquidError && error.name === 'RenderError' && !overLimit) return null;
  const [line, column] = error instanceof LiquidError ? error.token.getPosition() : [1, 1];
  const detail = error instanceof Error ? error.message.split('\n', 1)[0]! : 'not a template';
  return { code: overLimit ? 'template_limit_exceeded' : 'invalid_template', detail, line, column };
}

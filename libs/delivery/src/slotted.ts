/** A text shared by many messages, with gaps for the values of each. */
export class Slotted {
  private constructor(
    /** What stands before, between and after the gaps: one more than there are gaps. */
    readonly parts: readonly string[],
    /** Which value goes into each gap. */
    readonly slots: readonly string[],
  ) {
    this.bytes = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  }

  /** How many bytes of UTF-8 stand around the gaps. */
  private readonly bytes: number;

  /**
   * @param write makes the text; it must leave the placeholders that `slot` returns as they are
   * @example Slotted.of((slot) => `<p>${slot('body')}</p>`).fill({ body: 'Hello' }) // "<p>Hello</p>"
   */
  static of(write: (slot: (name: string) => string) => string): Slotted {
    const pieces = write((name) => `\uE000${name}\uE001`).split(/\uE000(\w+)\uE001/);
    return new Slotted(pieces.filter((_, at) => at % 2 === 0), pieces.filter((_, at) => at % 2 === 1));
  }

  /** @param markup with its gaps written `{{ name }}` */
  static parse(markup: string): Slotted {
    const pieces = markup.split(/\{\{ (\w+) \}\}/);
    return new Slotted(pieces.filter((_, at) => at % 2 === 0), pieces.filter((_, at) => at % 2 === 1));
  }

  fill(values: Readonly<Record<string, string>>): string {
    let text = this.parts[0]!;
    for (const [at, slot] of this.slots.entries()) text += values[slot]! + this.parts[at + 1]!;
    return text;
  }

  /** With text in place of the gaps that `values` names; the others stay. */
  fillSome(values: Readonly<Record<string, string>>): Slotted {
    const parts = [this.parts[0]!];
    const slots: string[] = [];
    for (const [at, slot] of this.slots.entries()) {
      const value = values[slot];
      if (value === undefined) {
        slots.push(slot);
        parts.push(this.parts[at + 1]!);
      } else parts.push(parts.pop()! + value + this.parts[at + 1]!);
    }
    return new Slotted(parts, slots);
  }

  /** How many bytes {@link fill} would make. */
  size(values: Readonly<Record<string, string>>): number {
    return this.slots.reduce((sum, slot) => sum + Buffer.byteLength(values[slot]!), this.bytes);
  }
}

/** A shared text together with one recipient's values. */
export interface Filled {
  template: Slotted;
  values: Readonly<Record<string, string>>;
}

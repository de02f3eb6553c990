/** The values of a statement under construction: what comes from outside enters SQL here, as `$n`, and nowhere else. */
export class Params {
  readonly values: unknown[];

  constructor(...values: unknown[]) {
    this.values = values;
  }

  /** The placeholder of a new value. */
  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

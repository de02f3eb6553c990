/** A tenant as the inside knows it: a small integer for keys, beside the external name from the token. */
export interface Tenant {
  readonly id: number;
  readonly name: string;
}

/** A tenant: a small integer for keys, and the name from the token. */
export interface Tenant {
  readonly id: number;
  readonly name: string;
}

import 'reflect-metadata';
import { Transform, Type } from 'class-transformer';
import { ArrayMaxSize, IsArray } from 'class-validator';
import { instantiate } from './instantiate.js';

class Item {
  @Type(() => Number) n: number;
}
class Parent {
  name: string;
}
class Order extends Parent {
  @Type(() => Item) item: Item;
  @Type(() => Item) items: Item[];
  @Transform(({ value }) => (typeof value === 'string' ? value.trim() : value)) code: string;
  any: object;
}

test('declared members become what they declare; all else stays what it is', () => {
  const any = { deep: [{ n: '1' }] };
  const order = instantiate(Order, { item: { n: '1' }, items: [{ n: '2' }, null, 'x', [{ n: '3' }]], code: ' A ', any, name: 'x', unknown: 1 });
  expect(order).toBeInstanceOf(Order);
  expect(order.item).toBeInstanceOf(Item);
  expect(order).toEqual({ item: { n: 1 }, items: [{ n: 2 }, null, 'x', [{ n: 3 }]], code: 'A', any, name: 'x', unknown: 1 });
  expect(order.any).toBe(any);
});

test('an absent member stays absent, and null stays null', () => {
  expect(Object.keys(instantiate(Order, { item: null }))).toEqual(['item']);
  expect(instantiate(Item, { n: null }).n).toBeNull();
});

test('a million members cost what reading them costs', () => {
  const any = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, i) => [`f${i}`, i]));
  expect(instantiate(Order, { any }).any).toBe(any); // with plainToInstance this test would not end
});

class Lists {
  @IsArray() @ArrayMaxSize(3) few: unknown[];
  @IsArray() @Type(() => Lists) inner: Lists[];
}

test('what will be refused is taken only as far as it takes to be refused', () => {
  expect(instantiate(Lists, { few: [1, 2, 3] }).few).toEqual([1, 2, 3]);
  expect(instantiate(Lists, { few: Array(1_000_000).fill(1) }).few).toHaveLength(4);
  const unknown = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`f${i}`, i]));
  const { inner } = instantiate(Lists, { inner: [unknown, unknown, { ...unknown, few: [1] }] });
  expect(inner.map((one) => Object.keys(one).length)).toEqual([80, 20, 1]); // a hundred in all, and what is known
});

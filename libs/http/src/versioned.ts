import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RequestError, validationFailed } from '#kernel';

/** An answer with the version of its object: the version becomes the ETag. */
export class Versioned<T> {
  constructor(
    readonly body: T,
    readonly version: number,
  ) {}
}

/** The versions that a precondition names; `*` is any. */
export type Versions = '*' | readonly number[];

/** `*`, or a list of entity tags (RFC 9110 §8.8.3, §13.1.1). */
const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;
const TAGS = new RegExp(`^(\\*|${TAG.source}([ \\t]*,[ \\t]*${TAG.source})*)$`);

const precondition = (name: 'If-Match' | 'If-None-Match') =>
  createParamDecorator((_: unknown, context: ExecutionContext): Versions | undefined => {
    const given = context.switchToHttp().getRequest<FastifyRequest>().headers[name.toLowerCase()] as string | undefined;
    return given === undefined ? undefined : readVersions(name, given);
  });

/** The versions named by `If-Match`; undefined without the header. A weak tag, or one that is not a version of ours, matches nothing: the comparison is strong. */
export const IfMatch = precondition('If-Match');

/** The versions named by `If-None-Match`, compared weakly; undefined without the header. */
export const IfNoneMatch = precondition('If-None-Match');

/** @throws RequestError validation_failed when the header is not valid by RFC 9110: obeying half of it could overwrite what its sender meant to protect */
export function readVersions(name: 'If-Match' | 'If-None-Match', header: string): Versions {
  if (!TAGS.test(header)) throw validationFailed([{ parameter: name, code: 'is_etag', detail: `${name} takes * or entity tags such as "3", with their quotes.` }]);
  if (header === '*') return '*';
  return [...header.matchAll(TAG)].filter(([, weak, tag]) => (!weak || name === 'If-None-Match') && /^[1-9]\d{0,8}$/.test(tag!)).map(([, , tag]) => Number(tag));
}

const names = (versions: Versions, actual: number | null): boolean => actual !== null && (versions === '*' || versions.includes(actual));

/**
 * @param actual null when there is no such object
 * @throws RequestError version_conflict when the caller saw another version
 */
export function assertVersion(expected: Versions | undefined, actual: number | null): void {
  if (expected !== undefined && !names(expected, actual)) throw new RequestError('version_conflict');
}

/** @throws RequestError version_conflict when the object exists and the caller wants it not to */
export function assertNoVersion(unwanted: Versions | undefined, actual: number | null): void {
  if (unwanted !== undefined && names(unwanted, actual)) throw new RequestError('version_conflict', { detail: 'There is already what If-None-Match says must not be.' });
}

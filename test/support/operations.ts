import { readFileSync } from 'node:fs';

interface Media {
  schema?: unknown;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema?: { type?: string | string[]; enum?: unknown[]; format?: string };
}

/** One operation of the published document, as the specs that walk all of them need it. */
export interface Operation {
  method: string;
  /** With `{placeholders}`. */
  path: string;
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  'x-permission'?: string;
  security?: object[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Media> };
  responses: Record<string, { description?: string; headers?: Record<string, object>; content?: Record<string, Media> }>;
}

interface Document {
  security?: object[];
  components: { schemas: Record<string, unknown> };
  paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
  /** What subscribers are posted, by the event. */
  webhooks: Record<string, object>;
}

export const DOCUMENT = JSON.parse(readFileSync('openapi/marketing.json', 'utf8')) as Document;

export const OPERATIONS: readonly Operation[] = Object.entries(DOCUMENT.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
);

export const isPublic = (operation: Operation): boolean => operation['x-permission'] === 'public';

export const GUARDED = OPERATIONS.filter((operation) => !isPublic(operation));

/** How a spec names the operation: `GET /api/v1/marketing/campaigns`. */
export const title = ({ method, path }: Operation): string => `${method} ${path}`;

/** The path with its placeholders filled in. */
export const fill = (path: string, value: (name: string) => string): string => path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(value(name)));

/** The body's JSON examples by name; none for an operation without a JSON body. */
export function bodyExamples({ requestBody }: Operation): [name: string, body: unknown][] {
  const media = requestBody?.content['application/json'];
  return Object.entries(media?.examples ?? {}).map(([name, { value }]) => [name, value]);
}

export const takesJson = (operation: Operation): boolean => operation.requestBody?.content['application/json'] !== undefined;

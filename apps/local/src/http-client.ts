/** An API client: JSON in, JSON out, and errors that show the problem document. */
export class HttpClient {
  constructor(
    readonly base: string,
    private readonly token: string,
  ) {}

  get<T = Record<string, unknown>>(path: string): Promise<T> {
    return this.send<T>('GET', path);
  }

  post<T = Record<string, unknown>>(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.send<T>('POST', path, body, headers);
  }

  put<T = Record<string, unknown>>(path: string, body?: unknown): Promise<T> {
    return this.send<T>('PUT', path, body);
  }

  patch<T = Record<string, unknown>>(path: string, body: unknown): Promise<T> {
    return this.send<T>('PATCH', path, body);
  }

  /** @throws Error with the problem's code and detail when the answer is not 2xx */
  async send<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const response = await this.raw(method, path, body, headers);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 1000)}`);
    return (text === '' ? {} : JSON.parse(text)) as T;
  }

  /** The raw response, whatever its status. */
  raw(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const json = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body);
    return fetch(`${this.base}/api/v1/marketing${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(json && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: json ? JSON.stringify(body) : (body as string) }),
    });
  }
}

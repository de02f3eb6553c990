import { collectDefaultMetrics, Histogram, register } from 'prom-client';

/** The metrics of this process for `GET /metrics`, in the Prometheus text format. */
export const registry = register;

collectDefaultMetrics();

export const httpDuration = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Time to answer, by route pattern and status.',
  labelNames: ['method', 'route', 'status'],
  buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
});

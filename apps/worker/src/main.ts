import { createServer } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { PinoLogger } from '#app/api/src/logger';
import { registry } from '#app/api/src/metrics';
import { loadEnv } from '#config';
import { WorkerModule } from './worker.module.js';

const env = loadEnv(process.env);
const worker = await NestFactory.createApplicationContext(WorkerModule.forRoot(env), { logger: new PinoLogger(env.LOG_LEVEL), abortOnError: false });
worker.enableShutdownHooks();

/** Serves health and metrics, nothing else. */
const health = createServer((request, response) => {
  const answer = (status: number, body: string, type = 'text/plain'): void => void response.writeHead(status, { 'content-type': type }).end(body);
  if (request.url === '/health/live') return answer(200, 'ok');
  if (request.url === '/metrics') return void registry.metrics().then((text) => answer(200, text, registry.contentType));
  if (request.url !== '/health/ready') return answer(404, 'not found');
  const probe = worker.get(DataSource).query('SELECT 1');
  probe.then(() => answer(200, 'ok'), () => answer(503, 'unavailable'));
});
health.listen(env.WORKER_PORT, env.HOST);
process.once('SIGTERM', () => health.close());
process.once('SIGINT', () => health.close());

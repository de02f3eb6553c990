import { loadEnv } from '#config';
import { ApiModule } from './api.module.js';
import { createApp } from './configure-app.js';
import { PinoLogger } from './logger.js';
import { serveDocs } from './openapi.js';

const env = loadEnv(process.env);
const app = await createApp(ApiModule.forRoot(env), new PinoLogger(env.LOG_LEVEL));
app.enableShutdownHooks(); // SIGTERM and SIGINT drain: requests and jobs under way finish first
serveDocs(app);
await app.listen(env.PORT, env.HOST);

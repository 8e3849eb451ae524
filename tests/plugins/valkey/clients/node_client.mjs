// Clients and a queue of Node.js. What they need is in node_modules beside this file.
import Redis from "ioredis";
import { createClient } from "redis";
import { RedisStore } from "connect-redis";
import { Queue, Worker } from "bullmq";

const url = process.env.REDIS_URL;
const prefix = process.env.REDIS_PREFIX ?? "app:";
const quiet = (client) => (client.on("error", () => {}), client);

async function ioredis() {
  const [redis, listening] = [quiet(new Redis(url, { keyPrefix: prefix })), quiet(new Redis(url))];
  await redis.set("k", "v");
  await listening.subscribe(`${prefix}news`);
  const heard = new Promise((done) => listening.on("message", (_, text) => done(text)));
  await redis.publish(`${prefix}news`, "hi");
  if ((await redis.get("k")) !== "v" || (await heard) !== "hi") throw new Error("lost");
  redis.disconnect();
  listening.disconnect();
}

async function nodeRedis() {
  for (const RESP of [2, 3]) {
    const redis = quiet(createClient({ url, RESP, name: "app" }));
    await redis.connect();
    await redis.set(`${prefix}k`, "v");
    if ((await redis.get(`${prefix}k`)) !== "v") throw new Error("lost");
    await redis.close();
  }
}

async function session() {
  const client = quiet(createClient({ url }));
  await client.connect();
  const store = new RedisStore({ client, prefix: `${prefix}session:` });
  await store.set("a", { cookie: {}, x: 1 });
  if ((await store.get("a")).x !== 1) throw new Error("lost");
  await client.close();
}

async function bullmq() {
  const connection = quiet(new Redis(url, { maxRetriesPerRequest: null, enableReadyCheck: false }));
  const queue = quiet(new Queue("jobs", { connection, prefix: `${prefix}bull` }));
  const worker = quiet(new Worker("jobs", async (job) => job.data.n + 1, { connection, prefix: `${prefix}bull` }));
  const done = new Promise((ok) => worker.on("completed", (_, result) => ok(result)));
  await queue.add("x", { n: 1 });
  if ((await done) !== 2) throw new Error("lost");
}

const outcomes = {};
for (const attempt of [ioredis, nodeRedis, session, bullmq]) {
  try {
    await attempt();
    outcomes[attempt.name] = "works";
  } catch (error) {
    outcomes[attempt.name] = String(error).includes("NOPERM") ? "refused" : String(error);
  }
}
console.log(JSON.stringify(outcomes));
process.exit(0);

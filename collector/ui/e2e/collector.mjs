// A real collector with a folder of its own, and an agent for this host.
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const bin = process.env.ORCHESTRIX_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug');
const program = (name) => join(bin, `orchestrix-${name}`);

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

export async function until(what, test, limit = 20_000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function startCollector() {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrix-e2e-'));
  const [api, agents] = [await freePort(), await freePort()];
  const data = join(dir, 'collector');
  const children = [];
  const start = (name, args) => {
    const child = spawn(program(name), args, { stdio: 'ignore' });
    children.push(child);
    return child;
  };
  start('collector', ['serve', '--data-dir', data, '--api', `127.0.0.1:${api}`, '--agents', `127.0.0.1:${agents}`]);
  const base = `http://127.0.0.1:${api}`;
  await until('the collector', () => fetch(`${base}/readyz`).then((answer) => answer.ok, () => false));
  const token = readFileSync(join(data, 'admin.token'), 'utf8').trim();
  const command = (...args) => execFileSync(program('collector'), [...args, '--data-dir', data], { encoding: 'utf8' });
  const get = async (path) => (await fetch(base + path, { headers: { authorization: `Bearer ${token}` } })).json();
  return {
    base,
    token,
    get,
    sql: (text) => execFileSync('sqlite3', ['-cmd', '.timeout 20000', join(data, 'inventory.db')], { input: text, encoding: 'utf8' }),
    apiToken: (role) => JSON.parse(command('api-token', 'create', '--name', role, '--role', role, '-o', 'json')).token,
    async startAgent() {
      const join_ = join(dir, 'join.token');
      writeFileSync(join_, JSON.parse(command('token', 'create', '-o', 'json')).token, { mode: 0o600 });
      start('agent', ['run', '--collector', `127.0.0.1:${agents}`, '--state-dir', join(dir, 'agent'), '--token-file', join_]);
      await until('the first report', async () => (await get('/api/v1/places')).total.connected > 0, 60_000);
    },
    async stop() {
      for (const child of children.reverse()) {
        if (child.exitCode !== null) continue;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 15_000))]);
        if (child.exitCode === null) child.kill('SIGKILL');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export const missingProgram = () => ['collector', 'agent'].map(program).find((path) => !existsSync(path)) ?? null;

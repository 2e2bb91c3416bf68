// A real collector with a folder of its own, and real agents for this host.
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const bin = process.env.ORCHESTRIX_BIN ?? join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug');
const program = (name) => join(bin, `orchestrix-${name}`);

export const missingProgram = () => ['collector', 'agent'].map(program).find((path) => !existsSync(path)) ?? null;

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Waits until `test` answers something true, and returns that. */
export async function until(what, test, limit = 20_000) {
  const end = Date.now() + limit;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 15_000))]);
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}

/** Starts a collector on an empty database. */
export async function startCollector() {
  const dir = mkdtempSync(join(tmpdir(), 'orchestrix-e2e-'));
  const [api, agents] = [await freePort(), await freePort()];
  const data = join(dir, 'collector');
  const children = [];
  const start = (name, log, args) => {
    const file = openSync(join(dir, `${log}.log`), 'w');
    const child = spawn(program(name), args, { stdio: ['ignore', file, file] });
    children.push(child);
    return child;
  };
  start('collector', 'collector', ['serve', '--data-dir', data, '--api', `127.0.0.1:${api}`, '--agents', `127.0.0.1:${agents}`]);
  const base = `http://127.0.0.1:${api}`;
  await until('the collector', () => fetch(`${base}/readyz`).then((answer) => answer.ok, () => false));
  const token = readFileSync(join(data, 'admin.token'), 'utf8').trim();
  const command = (...args) => execFileSync(program('collector'), [...args, '--data-dir', data], { encoding: 'utf8' });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const ask = async (method, path, body) => {
    const answer = await fetch(base + path, { method, headers: method === 'PATCH' ? { ...headers, 'content-type': 'application/merge-patch+json' } : headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 400)}`);
    return text === '' ? null : JSON.parse(text);
  };
  return {
    base,
    dir,
    token,
    get: (path) => ask('GET', path),
    post: (path, body) => ask('POST', path, body),
    patch: (path, body) => ask('PATCH', path, body),
    sql: (text) => execFileSync('sqlite3', ['-cmd', '.timeout 30000', join(data, 'inventory.db')], { input: text, encoding: 'utf8' }),
    apiToken: (role) => JSON.parse(command('api-token', 'create', '--name', `a ${role}`, '--role', role, '-o', 'json')).token,
    /** Enrols an agent for this host; it looks at `docker`, or at no engine. */
    startAgent(docker = null) {
      const at = join(dir, `agent${children.length}`);
      const nowhere = `unix://${at}/no.sock`;
      const token_ = join(dir, `join${children.length}.token`);
      writeFileSync(token_, JSON.parse(command('token', 'create', '-o', 'json')).token, { mode: 0o600 });
      const config = `${at}.toml`;
      writeFileSync(config, `[inspect.podman]\naddress = "${nowhere}"\n\n[inspect.docker]\naddress = "${docker ?? nowhere}"\n`);
      return start('agent', `agent${children.length}`, ['run', '--config', config, '--collector', `127.0.0.1:${agents}`, '--state-dir', at, '--token-file', token_]);
    },
    stopAgent: end,
    async stop() {
      for (const child of children.reverse()) await end(child);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

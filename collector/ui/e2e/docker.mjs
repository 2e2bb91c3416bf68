// The Docker engine that the tests share: `ORCHESTRIX_TEST_DOCKER_HOST`, with the image test:bb in it.
import { execFileSync } from 'node:child_process';

export const host = process.env.ORCHESTRIX_TEST_DOCKER_HOST ?? null;

const cli = (...args) => execFileSync('docker', ['-H', host, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** Why no container can be run; null when one can. */
export function missing() {
  if (!host) return 'ORCHESTRIX_TEST_DOCKER_HOST is not set (tests/run starts an engine)';
  try {
    cli('image', 'inspect', 'test:bb');
    return null;
  } catch (error) {
    return `no engine with the image test:bb answers at ${host}: ${String(error.message).split('\n')[0]}`;
  }
}

/** `docker run` of something that sleeps; returns how to end it. */
export function run(name, ...options) {
  const id = cli('run', '-d', '--name', name, ...options, 'test:bb', 'sleep', '600');
  return { id, name, remove: () => cli('rm', '-f', id) };
}

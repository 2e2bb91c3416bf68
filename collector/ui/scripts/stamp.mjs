// Leaves a fingerprint of the sources in dist, which collector/build.rs compares: FNV-1a over the path and content of
// each source, by path. Both must name the same sources. With --check it tells by its status whether dist is current.
import { readFileSync, readdirSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ui = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = ['index.html', 'package-lock.json', 'tsconfig.json', 'vite.config.ts'];

const inFolder = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

const names = [...SOURCES.map((name) => join(ui, name)).filter(existsSync), ...inFolder(join(ui, 'src')), ...inFolder(join(ui, 'public'))]
  .map((file) => relative(ui, file).replaceAll('\\', '/'))
  .filter((name) => !/\.test\.tsx?$/.test(name) && name !== 'src/api/schema.d.ts')
  .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));

// Two halves of 32 bits: BigInt would take seconds.
let high = 0xcbf29ce4;
let low = 0x84222325;
const add = (byte) => {
  low = (low ^ byte) >>> 0;
  // times 0x0000_0100_0000_01b3
  const product = low * 0x1b3;
  const carried = Math.floor(product / 0x1_0000_0000);
  high = (Math.imul(high, 0x1b3) + carried + Math.imul(low, 0x100)) >>> 0;
  low = product >>> 0;
};
for (const name of names) {
  for (const byte of Buffer.from(name)) add(byte);
  add(0);
  for (const byte of readFileSync(join(ui, name))) add(byte);
  add(0);
}
const stamp = high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
const file = join(ui, 'dist', 'sources.txt');
if (process.argv.includes('--check')) process.exit(existsSync(file) && readFileSync(file, 'utf8').trim() === stamp ? 0 : 1);
writeFileSync(file, `${stamp}\n`);

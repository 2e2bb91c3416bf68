import { describe, expect, it } from 'vitest';

import { csv, csvCell } from './csv';
import { fieldName, middle, visible } from './text';
import { ago, duration, timestamp } from './time';
import { bytes, cores, count, percent, plural } from './units';

describe('units', () => {
  it('shows what is not known as a question mark, never as zero', () => {
    for (const show of [count, bytes, cores]) {
      expect(show(null)).toBe('?');
      expect(show(undefined)).toBe('?');
      expect(show(0)).not.toBe('?');
    }
    expect(percent(null, 4)).toBe('?');
    expect(percent(1, 0)).toBe('?');
  });

  it('says 100 % only of all and 0 % only of none', () => {
    expect(percent(9_999, 10_000)).toBe('99 %');
    expect(percent(1, 10_000)).toBe('< 1 %');
    expect(percent(0, 10_000)).toBe('0 %');
    expect(percent(10_000, 10_000)).toBe('100 %');
  });

  it('keeps three digits of bytes', () => {
    expect(bytes(1_536)).toBe('1.5 KiB');
    expect(bytes(1_023)).toBe('1023 B');
    expect(bytes(25_769_803_776)).toBe('24 GiB');
    expect(cores(250)).toBe('0.25');
    expect(count(1_234_567)).toBe('1\u2009234\u2009567');
    expect(plural(1, 'compute')).toBe('1 compute');
    expect(plural(0, 'compute')).toBe('0 computes');
  });
});

describe('times', () => {
  const now = Date.parse('2026-03-01T12:00:00Z');

  it('counts in two units at most', () => {
    expect(duration(45_000)).toBe('45 s');
    expect(duration(3_600_000)).toBe('1 h');
    expect(duration(3_660_000)).toBe('1 h 1 min');
    expect(duration(90_061_000)).toBe('1 d 1 h');
  });

  it('tells the past from the future and from what is not known', () => {
    expect(ago('2026-03-01T11:59:00Z', now)).toBe('1 min ago');
    expect(ago('2026-03-01T12:01:00Z', now)).toBe('in 1 min');
    expect(ago('2026-03-01T12:00:00Z', now)).toBe('now');
    expect(ago(null, now)).toBe('unknown');
    expect(timestamp('yesterday')).toBe('unknown');
  });
});

describe('texts from hosts', () => {
  it('make what cannot be seen visible', () => {
    expect(visible('web\u202Egpj.exe')).toBe('web⟨202E⟩gpj.exe');
    expect(visible('a\u0000b\u001b[31m')).toBe('a⟨0000⟩b⟨001B⟩[31m');
    expect(visible('grün שלום')).toBe('grün שלום');
  });

  it('are named for people', () => {
    expect(fieldName('osDistribution')).toBe('OS distribution');
    expect(fieldName('primaryMacAddress')).toBe('Primary MAC address');
    expect(middle('abcdefghij', 5)).toBe('ab…ij');
  });
});

describe('spreadsheets', () => {
  it('never get a formula', () => {
    for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1']) expect(csvCell(text).replaceAll('"', '')).toMatch(/^'/);
    expect(csvCell(-1)).toBe('-1');
  });

  it('keep commas, quotes and line breaks in their cell', () => {
    expect(csv(['a', 'b'], [['x,"y"\n', null]])).toBe('a,b\r\n"x,""y""\n",\r\n');
  });
});

// What environments took and how the inventory grew, over a span of time that ends with the time that is looked at.

import { makeAutoObservable } from 'mobx';

import { type Growth, readGrowth, readUse, type UseOverTime } from '../api/samples';
import { Loadable } from './loadable';

const DAY = 86_400_000;

/** Spans that can be chosen, in milliseconds. */
export const SPANS = { day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY } as const;
export type Span = keyof typeof SPANS;
export const isSpan = (text: string | null): text is Span => text !== null && text in SPANS;

export class SamplesStore {
  readonly use = new Loadable<UseOverTime>();
  readonly growth = new Loadable<Growth>();
  since = 0;
  until = 0;

  constructor(private readonly read = { use: readUse, growth: readGrowth }) {
    makeAutoObservable<this, 'read'>(this, { use: false, growth: false, read: false });
  }

  /** Reads the samples of a span that ends at `until`. */
  async show(span: Span, until: number): Promise<void> {
    this.until = until;
    this.since = until - SPANS[span];
    const { since } = this;
    await Promise.all([this.use.load(() => this.read.use(since, until)), this.growth.load(() => this.read.growth(since, until))]);
  }
}

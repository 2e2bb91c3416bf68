// The present, by the collector's clock, and the past that is looked at instead.

import { makeAutoObservable } from 'mobx';

const TICK = 5_000;

export class ClockStore {
  /** Milliseconds since 1970; moves every few seconds, so that ages stay true without redrawing all the time. */
  now: number;
  /** The time whose inventory is shown, RFC 3339; `null` for the present. */
  asOf: string | null = null;

  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(private readonly skew: () => number = () => 0) {
    this.now = Date.now();
    makeAutoObservable<this, 'timer' | 'skew'>(this, { timer: false, skew: false });
  }

  start(): void {
    this.tick();
    this.timer ??= setInterval(() => this.tick(), TICK);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  get isLive(): boolean {
    return this.asOf === null;
  }

  /** When ages are counted from. */
  get reference(): number {
    return this.asOf === null ? this.now : Date.parse(this.asOf);
  }

  look(asOf: string | null): void {
    this.asOf = asOf !== null && !Number.isNaN(Date.parse(asOf)) ? asOf : null;
  }

  private tick(): void {
    this.now = Date.now() + this.skew();
  }
}

// Something that is read from the collector: not yet, on its way, there, or failed. The newest question wins.

import { makeObservable, observable, observableRef, runInAction } from 'mobx';

export type LoadState = 'idle' | 'loading' | 'ready' | 'failed';

export class Loadable<T> {
  state: LoadState = 'idle';
  /** Stays while it is read again, so that nothing jumps. */
  value: T | null = null;
  error: unknown = null;

  private asked = 0;

  constructor() {
    makeObservable(this, { state: observable, value: observableRef, error: observableRef });
  }

  async load(read: () => Promise<T>): Promise<T | null> {
    this.asked += 1;
    const mine = this.asked;
    runInAction(() => {
      this.state = 'loading';
    });
    try {
      const value = await read();
      runInAction(() => {
        if (mine !== this.asked) return;
        this.value = value;
        this.error = null;
        this.state = 'ready';
      });
      return mine === this.asked ? value : null;
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return null;
      runInAction(() => {
        if (mine !== this.asked) return;
        this.error = error;
        this.state = 'failed';
      });
      return null;
    }
  }

  clear(): void {
    this.asked += 1;
    runInAction(() => {
      this.state = 'idle';
      this.value = null;
      this.error = null;
    });
  }

  /** True while there is nothing to show yet. */
  get isFirst(): boolean {
    return this.value === null && (this.state === 'idle' || this.state === 'loading');
  }
}

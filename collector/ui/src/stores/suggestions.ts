// What the search field proposes while somebody types.

import { makeAutoObservable } from 'mobx';

import { type Found, search } from '../api/search';
import { Loadable } from './loadable';

const PAUSE = 140;

export class SuggestionsStore {
  text = '';
  readonly found = new Loadable<Found>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private abort: AbortController | null = null;

  constructor(private readonly ask: typeof search = search) {
    makeAutoObservable<this, 'timer' | 'abort' | 'ask'>(this, { found: false, timer: false, abort: false, ask: false });
  }

  type(text: string): void {
    this.text = text;
    clearTimeout(this.timer);
    this.abort?.abort();
    if (text.trim() === '') {
      this.found.clear();
      return;
    }
    this.timer = setTimeout(() => {
      const abort = new AbortController();
      this.abort = abort;
      void this.found.load(() => this.ask(text, { limit: 5, signal: abort.signal }));
    }, PAUSE);
  }
}

// What was just done, with a way back where there is one.

import { makeAutoObservable } from 'mobx';

export interface Toast {
  text: string;
  undo: (() => Promise<unknown>) | null;
}

export class ToastStore {
  shown: Toast | null = null;

  constructor() {
    makeAutoObservable(this);
  }

  tell(text: string, undo: (() => Promise<unknown>) | null = null): void {
    this.shown = { text, undo };
  }

  close(): void {
    this.shown = null;
  }

  async undo(): Promise<void> {
    const undo = this.shown?.undo;
    this.close();
    if (!undo) return;
    try {
      await undo();
      this.tell('Undone.');
    } catch (error) {
      this.tell(`It could not be undone: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

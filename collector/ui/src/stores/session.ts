// Who is signed in, and what they may do.

import { makeAutoObservable, runInAction } from 'mobx';

import { ApiError, client, ok, type Schemas, setLogin } from '../api/client';

export type Role = 'viewer' | 'operator' | 'admin';

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

type State = 'asking' | 'out' | 'in';

export class SessionStore {
  state: State = 'asking';
  who: Schemas['Session'] | null = null;
  collector: Schemas['Collector'] | null = null;
  problem: string | null = null;
  /** The collector's clock minus the browser's, in milliseconds. */
  skew = 0;

  constructor() {
    makeAutoObservable(this);
    setLogin({ whenSignedOut: () => this.ended('Your session has ended.') });
  }

  may(role: Role): boolean {
    return this.who !== null && RANK[this.who.role] >= RANK[role];
  }

  /** Continues a session that a cookie stands for. */
  async resume(): Promise<void> {
    try {
      this.enter(await ok(client.GET('/api/v1/session')));
      await this.meet();
    } catch (error) {
      const out = error instanceof ApiError && error.status === 401;
      this.ended(out ? null : message(error));
    }
  }

  async signIn(token: string): Promise<void> {
    this.problem = null;
    try {
      this.enter(await ok(client.POST('/api/v1/session', { body: { token } })));
      await this.meet();
    } catch (error) {
      this.ended(error instanceof ApiError && error.status === 401 ? 'This token is not known, has expired or was revoked.' : message(error));
    }
  }

  async signOut(): Promise<void> {
    await ok(client.DELETE('/api/v1/session')).catch(() => undefined);
    this.ended(null);
  }

  private async meet(): Promise<void> {
    const collector = await ok(client.GET('/api/v1/collector'));
    runInAction(() => {
      this.collector = collector;
      this.skew = collector.nowMs - Date.now();
      this.state = 'in';
    });
  }

  private enter(who: Schemas['Session']): void {
    this.who = who;
    setLogin({ csrfToken: who.csrfToken ?? null });
  }

  private ended(problem: string | null): void {
    this.state = 'out';
    this.who = null;
    this.problem = problem;
    setLogin({ csrfToken: null });
  }
}

export const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

// Every store, put together once. Components take what they need from the context.

import { createContext, useContext } from 'react';

import { AllocationStore } from './allocation';
import { AutomationStore } from './automation';
import { ClockStore } from './clock';
import { DetailStore } from './detail';
import { EnvironmentsStore } from './environments';
import { IdentityStore } from './identity';
import { LiveStore } from './live';
import { PrefsStore } from './prefs';
import { SamplesStore } from './samples';
import { SessionStore } from './session';
import { ToastStore } from './toast';
import { TreeStore } from './tree';

export class Stores {
  readonly prefs = new PrefsStore(localStorage);
  readonly session = new SessionStore();
  readonly clock = new ClockStore(() => this.session.skew);
  readonly live = new LiveStore();
  readonly tree = new TreeStore(this.clock, this.live);
  readonly toast = new ToastStore();
  readonly environments = new EnvironmentsStore(this.clock, this.live);
  readonly allocation = new AllocationStore();
  readonly automation = new AutomationStore(this.live);
  readonly identity = new IdentityStore();
  readonly samples = new SamplesStore();
  readonly detail = new DetailStore(this.clock, this.live);
}

export const StoresContext = createContext<Stores | null>(null);

export function useStores(): Stores {
  const stores = useContext(StoresContext);
  if (!stores) throw new Error('no stores above this component');
  return stores;
}

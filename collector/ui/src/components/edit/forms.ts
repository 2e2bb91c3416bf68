// What people can edit of each kind: the columns of the inventory that are theirs. The collector checks everything
// again; this only says what to ask for.

import type { Kind } from '../../api/inventory';

export interface FormField {
  name: string;
  label: string;
  type?: 'text' | 'number' | 'lines' | 'flag';
  required?: boolean;
  /** Words to choose from. */
  options?: string[];
  /** It names another resource. */
  refers?: 'datacenter' | 'cloud' | 'environment' | 'partner' | 'region' | 'availability_zone';
}

const STATUS: FormField = { name: 'status', label: 'Status', options: ['ACTIVE', 'INACTIVE', 'MAINTENANCE'] };
const NAME: FormField = { name: 'name', label: 'Name', required: true };
const CODE: FormField = { name: 'code', label: 'Code', required: true };
const DESCRIPTION: FormField = { name: 'description', label: 'Description', type: 'lines' };

export type EditableKind = Exclude<Kind, 'workload'>;

export const FORMS: Record<EditableKind, FormField[]> = {
  partner: [
    NAME,
    { name: 'displayName', label: 'Name for people', required: true },
    { name: 'type', label: 'Type', required: true, options: ['cloud-provider', 'vendor', 'both'] },
    { name: 'contactEmail', label: 'Mail address' },
    { name: 'website', label: 'Web site' },
    STATUS,
  ],
  cloud: [NAME, { name: 'clientName', label: 'Run for' }, { name: 'deploymentRegion', label: 'Deployed in' }, DESCRIPTION, STATUS],
  region: [NAME, CODE, { name: 'geographicArea', label: 'Area' }, { name: 'complianceZones', label: 'Compliance zones' }, DESCRIPTION, STATUS],
  availability_zone: [NAME, CODE, { name: 'zoneType', label: 'Type', options: ['STANDARD', 'EDGE', 'LOCAL'] }, { name: 'isDefault', label: 'It is the default one', type: 'flag' }, STATUS],
  datacenter: [
    NAME,
    { name: 'type', label: 'Type' },
    { name: 'provider', label: 'Provider' },
    { name: 'tier', label: 'Tier', type: 'number' },
    { name: 'locationOther', label: 'Location' },
    { name: 'isDrSite', label: 'It is a recovery site', type: 'flag' },
    STATUS,
  ],
  compute: [
    NAME,
    { name: 'purpose', label: 'Purpose' },
    DESCRIPTION,
    { name: 'datacenterId', label: 'Datacenter', refers: 'datacenter' },
    { name: 'computeType', label: 'Type', options: ['DEDICATED', 'VM'] },
    { name: 'hostname', label: 'Host name' },
    { name: 'ipAddress', label: 'Address' },
    { name: 'operatingSystem', label: 'Operating system' },
    { name: 'cpuCores', label: 'Processors', type: 'number' },
    { name: 'memoryGb', label: 'Memory, GiB', type: 'number' },
    { name: 'notes', label: 'Notes', type: 'lines' },
    STATUS,
  ],
  environment: [NAME, CODE, { name: 'type', label: 'Type', required: true, options: ['PRODUCTION', 'STAGING', 'DEVELOPMENT', 'TESTING', 'QA', 'DR'] }, DESCRIPTION, STATUS],
};

/** What can be made in a place, and the field that says where. */
export const CHILDREN: Partial<Record<Kind, { kind: EditableKind; at: string }[]>> = {
  partner: [{ kind: 'cloud', at: 'partnerId' }],
  cloud: [{ kind: 'region', at: 'cloudId' }],
  region: [{ kind: 'availability_zone', at: 'regionId' }],
  availability_zone: [{ kind: 'datacenter', at: 'availabilityZoneId' }],
  datacenter: [{ kind: 'compute', at: 'datacenterId' }],
};

export const LIST_OF: Record<EditableKind, string> = {
  partner: '/api/v1/partners',
  cloud: '/api/v1/clouds',
  region: '/api/v1/regions',
  availability_zone: '/api/v1/availability-zones',
  datacenter: '/api/v1/datacenters',
  compute: '/api/v1/computes',
  environment: '/api/v1/environments',
};

export type Values = Record<string, string>;

/** Fields as texts, as an input holds them. */
export function toValues(fields: FormField[], row: Record<string, unknown>): Values {
  return Object.fromEntries(fields.map(({ name }) => [name, asText(row[name])]));
}

const asText = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value);

/** Texts as the collector takes them: an empty one says that it is not known. */
export function fromValues(fields: FormField[], values: Values): Record<string, unknown> {
  return Object.fromEntries<unknown>(
    fields.map(({ name, type, refers }): [string, unknown] => {
      const text = (values[name] ?? '').trim();
      if (type === 'flag') return [name, text === 'true'];
      if (text === '') return [name, null];
      // What is no number goes as it is: the collector says what is wrong with it.
      const number = type === 'number' || refers ? Number(text) : Number.NaN;
      return [name, Number.isFinite(number) ? number : text];
    }),
  );
}

const example = (name: string, query: unknown) => ({ name, text: JSON.stringify(query, null, 2) });

export const EXAMPLES = [
  example('The hierarchy down to the computes', {
    kind: 'partner',
    select: ['name'],
    include: [
      {
        kind: 'cloud',
        select: ['name'],
        include: [
          {
            kind: 'region',
            select: ['name'],
            include: [
              {
                kind: 'availabilityzone',
                select: ['name'],
                include: [{ kind: 'datacenter', select: ['name'], include: [{ kind: 'compute', select: ['name', 'ipAddress', 'operatingSystem'], page: { limit: 100 } }] }],
              },
            ],
          },
        ],
      },
    ],
  }),
  example('Containers of an image, with their hosts', {
    kind: 'workload',
    criteria: { workloadType: 'container', image: { $like: '%nginx%' }, endedAt: { $isnull: true } },
    select: ['workloadName', 'image', 'status'],
    sort: ['workloadName'],
    page: { limit: 100 },
    include: [{ kind: 'compute', select: ['name', 'ipAddress'] }],
  }),
  example('Computes with Docker', {
    kind: 'capability',
    criteria: { capabilityType: 'docker' },
    include: [{ kind: 'compute', select: ['id', 'name', 'operatingSystem'] }],
  }),
  example('Environments with what is given to them', {
    kind: 'environment',
    select: ['code', 'name', 'type'],
    include: [{ kind: 'environmentassociation', select: ['resourceType', 'resourceId', 'isPrimary', 'allocatedPercentage'] }],
  }),
];

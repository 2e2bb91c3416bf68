import { Box, Typography } from '@mui/material';

import type { Workload } from '../../../api/inventory';
import { Name } from '../../../components/Name';

type Port = Workload['ports'][number];

const cell = { py: 0.9, pr: 3, borderBottom: '1px solid', borderColor: 'divider', textAlign: 'left', fontWeight: 400 } as const;

/** Ports with where they can be reached and who listens: exposed is not published, published is not answered. */
export function PortList({ ports }: { ports: Port[] }) {
  return (
    <Box component="section" sx={{ mt: 5 }}>
      <Typography variant="h3" sx={{ mb: 1 }}>
        Ports
      </Typography>
      {ports.length === 0 ? (
        <Box sx={{ color: 'text.secondary' }}>None were seen.</Box>
      ) : (
        <Box component="table" sx={{ borderCollapse: 'collapse', width: 1 }}>
          <thead>
            <tr>
              {['Port', 'On the host', 'Listener'].map((name) => (
                <Box component="th" scope="col" key={name} sx={{ ...cell, color: 'text.secondary', fontSize: 11 }}>
                  {name}
                </Box>
              ))}
            </tr>
          </thead>
          <tbody>
            {ports.map((port, index) => (
              <tr key={index}>
                <Box component="td" sx={{ ...cell, fontFamily: 'var(--mono)', fontSize: 12 }}>
                  {port.containerPort ?? "?"}/{port.protocol}
                </Box>
                <Box component="td" sx={{ ...cell, fontFamily: 'var(--mono)', fontSize: 12 }}>
                  {port.hostPort ? `${port.hostAddress ?? ''}:${port.hostPort}` : <Box component="span" sx={{ color: 'text.secondary' }}>not published</Box>}
                </Box>
                <Box component="td" sx={cell}>
                  {port.listener ? <Name text={port.listener.process ?? port.listener.address} /> : <Box component="span" sx={{ color: 'text.secondary' }}>none seen</Box>}
                </Box>
              </tr>
            ))}
          </tbody>
        </Box>
      )}
    </Box>
  );
}

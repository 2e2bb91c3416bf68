import { IconButton, Menu, MenuItem, Tooltip } from '@mui/material';
import { observer } from 'mobx-react-lite';
import { useState } from 'react';

import { useStores } from '../stores/root';
import { Icon } from './Icon';

interface Props {
  table: string;
  columns: { id: string; label: string }[];
  first: string[];
}

/** Which columns of a table are shown; the browser remembers it. */
export const ColumnChooser = observer(function ColumnChooser({ table, columns, first }: Props) {
  const { prefs } = useStores();
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const all = columns.map((column) => column.id);
  const shown = prefs.columns(table, all, first);
  const toggle = (id: string) => prefs.setColumns(table, all.filter((column) => (column === id ? !shown.includes(id) : shown.includes(column))));
  return (
    <>
      <Tooltip title="Columns">
        <IconButton aria-label="Columns" aria-haspopup="menu" onClick={(event) => setAnchor(event.currentTarget)} sx={{ color: 'text.secondary' }}>
          <Icon name="columns" />
        </IconButton>
      </Tooltip>
      <Menu open={anchor !== null} anchorEl={anchor} onClose={() => setAnchor(null)}>
        {columns.map((column) => (
          <MenuItem key={column.id} role="menuitemcheckbox" aria-checked={shown.includes(column.id)} onClick={() => toggle(column.id)}>
            <span className="tick">{shown.includes(column.id) && <Icon name="check" size={14} tone="accent" />}</span>
            {column.label}
          </MenuItem>
        ))}
      </Menu>
    </>
  );
});

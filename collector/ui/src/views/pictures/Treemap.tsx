import { Box } from '@mui/material';
import { hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react';

import type { ComputeSummary } from '../../api/inventory';
import { useGo } from '../../components/Go';
import { hueOf } from '../../components/EnvironmentBadge';
import { useWidth } from '../../components/useWidth';
import { visible } from '../../format/text';
import { bytes, gibibytes, NOT_KNOWN, percent } from '../../format/units';

const GIB = 1_073_741_824;
const HEIGHT = 560;

interface Tile {
  x: number;
  y: number;
  width: number;
  height: number;
  compute: ComputeSummary;
}

interface Leaf {
  compute?: ComputeSummary;
  children?: Leaf[];
}

/** Places tiles of one environment together. A compute of unknown size gets the smallest tile, hatched. */
export function layout(computes: ComputeSummary[], width: number): Tile[] {
  const groups = new Map<string, ComputeSummary[]>();
  for (const compute of computes) {
    const code = compute.environments[0]?.code ?? '';
    groups.set(code, [...(groups.get(code) ?? []), compute]);
  }
  const root = hierarchy<Leaf>({ children: [...groups.values()].map((group) => ({ children: group.map((compute) => ({ compute })) })) })
    .sum((leaf) => (leaf.compute ? Math.max(1, leaf.compute.memoryGb ?? 1) : 0))
    .sort((one, other) => (other.value ?? 0) - (one.value ?? 0));
  const placed = treemap<Leaf>().tile(treemapSquarify).size([width, HEIGHT]).paddingOuter(1).paddingInner(computes.length > 2_000 ? 0.5 : 1.5)(root);
  return placed.leaves().flatMap((leaf) => (leaf.data.compute ? [{ x: leaf.x0, y: leaf.y0, width: leaf.x1 - leaf.x0, height: leaf.y1 - leaf.y0, compute: leaf.data.compute }] : []));
}

const filled = (compute: ComputeSummary): number | null =>
  compute.memoryBytes === null || compute.memoryBytes === undefined || !compute.memoryGb ? null : Math.min(1, compute.memoryBytes / (compute.memoryGb * GIB));

/** Drawn on one canvas: ten thousand tiles are nothing for it. What a tile says is said below it as text. */
export function Treemap({ computes }: { computes: ComputeSummary[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box) ?? 0;
  const [over, setOver] = useState<Tile | null>(null);
  const go = useGo();
  const tiles = useMemo(() => (width > 0 ? layout(computes, width) : []), [computes, width]);

  useEffect(() => {
    const element = canvas.current;
    if (!element || width === 0) return undefined;
    const paint = () => draw(element, tiles, width);
    paint();
    // The colours come from the page: another scheme is painted anew.
    const observer = new MutationObserver(paint);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => observer.disconnect();
  }, [tiles, width]);

  const find = (event: PointerEvent): Tile | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return tiles.find((tile) => x >= tile.x && x < tile.x + tile.width && y >= tile.y && y < tile.y + tile.height) ?? null;
  };
  const told = over?.compute;
  return (
    <Box>
      <Box ref={box} sx={{ height: HEIGHT }}>
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Treemap of ${computes.length} computes by memory and use; the same is in the table of the infrastructure`}
          onPointerMove={(event) => setOver(find(event))}
          onPointerLeave={() => setOver(null)}
          onPointerUp={(event) => {
            const tile = find(event);
            if (tile) go(`/infrastructure/compute/${tile.compute.id}`);
          }}
          style={{ display: 'block', cursor: over ? 'pointer' : 'default' }}
        />
      </Box>
      <Box sx={{ minHeight: 20, mt: 2, fontSize: 12, color: told ? 'text.primary' : 'text.secondary' }}>
        {told ? (
          <>
            <bdi>{visible(told.name)}</bdi> · {told.environments.map((badge) => visible(badge.code)).join(', ') || 'no environment'} · memory {bytes(told.memoryBytes)} of {told.memoryGb ? gibibytes(told.memoryGb) : NOT_KNOWN} (
            {percent(told.memoryBytes, told.memoryGb ? told.memoryGb * GIB : null)})
          </>
        ) : (
          'Point at a tile to see what it is; hatched tiles were never measured.'
        )}
      </Box>
    </Box>
  );
}

function draw(canvas: HTMLCanvasElement, tiles: Tile[], width: number): void {
  const scale = globalThis.devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = HEIGHT * scale;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${HEIGHT}px`;
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--orx-palette-${name}`).trim();
  const [line, text, unknown] = [colour('divider'), colour('text-primary'), colour('orx-unknown')];
  context.scale(scale, scale);
  context.clearRect(0, 0, width, HEIGHT);
  context.font = '11px "Inter Variable", sans-serif';
  for (const { x, y, width: wide, height: high, compute } of tiles) {
    const use = filled(compute);
    const environment = compute.environments[0];
    const hue = environment ? hueOf(environment.id) : unknown;
    context.globalAlpha = 0.14;
    context.fillStyle = hue;
    context.fillRect(x, y, wide, high);
    context.globalAlpha = 0.75;
    if (use === null) hatch(context, x, y, wide, high, line);
    else context.fillRect(x, y + high * (1 - use), wide, high * use);
    context.globalAlpha = 1;
    if (wide > 52 && high > 18) {
      context.save();
      context.beginPath();
      context.rect(x, y, wide - 4, high);
      context.clip();
      context.fillStyle = text;
      context.fillText(visible(compute.name), x + 5, y + 14);
      context.restore();
    }
  }
}

function hatch(context: CanvasRenderingContext2D, x: number, y: number, wide: number, high: number, colour: string): void {
  context.save();
  context.beginPath();
  context.rect(x, y, wide, high);
  context.clip();
  context.strokeStyle = colour;
  context.beginPath();
  for (let at = -high; at < wide; at += 6) {
    context.moveTo(x + at, y + high);
    context.lineTo(x + at + high, y);
  }
  context.stroke();
  context.restore();
}

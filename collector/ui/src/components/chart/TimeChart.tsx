import { Box } from '@mui/material';
import { scaleLinear, scaleTime } from 'd3-scale';
import { area, stack } from 'd3-shape';
import { type KeyboardEvent, type PointerEvent, useMemo, useRef, useState } from 'react';

import { timestamp } from '../../format/time';
import { useWidth } from '../useWidth';
import { Legend } from './Legend';
import { nearest, runs } from './runs';

/** A part of the whole over time; `null` where it had nothing. */
export interface Line {
  key: string;
  name: string;
  colour: string;
  values: (number | null)[];
}

interface Props {
  /** What it shows, for those who do not see it. */
  label: string;
  /** Milliseconds since 1970, the oldest first. */
  times: number[];
  /** From the bottom up. */
  lines: Line[];
  since: number;
  until: number;
  now: number;
  text: (value: number) => string;
  /** What the marks of the axis are round multiples of, for a largest value; 1 when not given. */
  unit?: (largest: number) => number;
  height?: number;
}

const MARGIN = { left: 56, right: 8, top: 8, bottom: 22 };
/** Half the width of a time at the axis; one nearer to the edge would be cut off. */
const HALF_TICK = 26;

/** Parts of a whole over time, one upon the other. A place in time is chosen with the pointer or the arrow keys, and what there was is told below. */
export function TimeChart({ label, times, lines, since, until, now, text, unit, height = 200 }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box) ?? 0;
  const [chosen, setChosen] = useState<number | null>(null);
  const totals = useMemo(() => times.map((_, place) => lines.reduce((sum, line) => sum + (line.values[place] ?? 0), 0)), [times, lines]);
  const x = scaleTime([since, until], [MARGIN.left, Math.max(MARGIN.left + 1, width - MARGIN.right)]);
  const largest = Math.max(1, ...totals);
  const mark = unit?.(largest) ?? 1;
  const scale = scaleLinear([0, largest / mark], [height - MARGIN.bottom, MARGIN.top]).nice(4);
  const y = (value: number) => scale(value / mark);
  const paths = useMemo(() => shapes(times, lines, now), [times, lines, now]);
  const draw = area<Point>((point) => x(point.at), (point) => y(point.from), (point) => y(point.to));

  const place = chosen !== null && chosen < times.length ? chosen : null;
  const shown = place ?? times.length - 1;
  const point = (event: PointerEvent<SVGSVGElement>) => {
    const left = event.currentTarget.getBoundingClientRect().left;
    setChosen(nearest(times, x.invert(event.clientX - left).getTime()));
  };
  const key = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -times.length, End: times.length }[event.key];
    if (by === undefined || times.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    setChosen(Math.max(0, Math.min(times.length - 1, shown + by)));
  };
  const last = totals.at(-1);
  return (
    <Box>
      <Box ref={box} sx={{ height }}>
        {width > 0 && (
          <svg
            className="time-chart"
            width={width}
            height={height}
            role="slider"
            aria-label={label}
            aria-valuemin={0}
            aria-valuemax={Math.max(0, times.length - 1)}
            aria-valuenow={Math.max(0, shown)}
            aria-valuetext={spoken(times, lines, shown, text)}
            tabIndex={0}
            onPointerMove={point}
            onPointerLeave={() => setChosen(null)}
            onKeyDown={key}
          >
            {scale.ticks(4).map((tick) => (
              <g key={tick} transform={`translate(0 ${scale(tick)})`}>
                <line className="grid" x1={MARGIN.left} x2={width - MARGIN.right} />
                <text className="tick" x={MARGIN.left - 6} dy="0.32em" textAnchor="end">
                  {text(tick * mark)}
                </text>
              </g>
            ))}
            {x.ticks(Math.max(2, Math.floor(width / 110))).map((tick) => (
              <text key={tick.getTime()} className="tick" x={x(tick)} y={height - 6} textAnchor={width - x(tick) < HALF_TICK ? 'end' : 'middle'}>
                {x.tickFormat()(tick)}
              </text>
            ))}
            {paths.map(({ line, points }) => (
              <g key={line.key} fill={line.colour}>
                {points.map((run) =>
                  run.length === 1 && run[0] ? (
                    <rect key={run[0].at} x={x(run[0].at) - 2} width={4} y={y(run[0].to)} height={Math.max(0, y(run[0].from) - y(run[0].to))} />
                  ) : (
                    <path key={run[0]?.at} d={draw(run) ?? ''} />
                  ),
                )}
              </g>
            ))}
            {place !== null && <line className="cursor" x1={x(times[place] ?? 0)} x2={x(times[place] ?? 0)} y1={MARGIN.top} y2={height - MARGIN.bottom} />}
          </svg>
        )}
      </Box>
      <Legend
        at={times[shown] === undefined ? null : `${place === null ? 'last sample, ' : ''}${timestamp(new Date(times[shown] ?? 0).toISOString())}`}
        lines={lines}
        place={shown}
        total={totals[shown] ?? last ?? null}
        text={text}
      />
    </Box>
  );
}

interface Point {
  at: number;
  from: number;
  to: number;
}

/** The areas of each line, one for each stretch without a gap. */
function shapes(times: number[], lines: Line[], now: number): { line: Line; points: Point[][] }[] {
  const layers = stack<number, number>()
    .keys(lines.map((_, index) => index))
    .value((place, index) => lines[index]?.values[place] ?? 0)(times.map((_, place) => place));
  const stretches = runs(times, now);
  return lines.map((line, index) => ({
    line,
    points: stretches.map(([first, end]) =>
      times.slice(first, end + 1).map((at, offset) => {
        const [from, to] = layers[index]?.[first + offset] ?? [0, 0];
        return { at, from, to };
      }),
    ),
  }));
}

function spoken(times: number[], lines: Line[], place: number, text: (value: number) => string): string {
  const at = times[place];
  if (at === undefined) return 'no sample yet';
  const parts = lines.flatMap((line) => {
    const value = line.values[place];
    return value === null || value === undefined ? [] : [`${line.name} ${text(value)}`];
  });
  return `${timestamp(new Date(at).toISOString())}: ${parts.join(', ')}`;
}

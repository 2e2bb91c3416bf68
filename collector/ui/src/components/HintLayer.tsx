import { useEffect, useRef, useState } from 'react';

const DELAY = 350;

interface Shown {
  text: string;
  left: number;
  top: number;
  /** Above the element, where there is no room below it. */
  above: boolean;
}

/** What an element says about itself; a name that is seen whole says nothing more. */
function hintOf(target: EventTarget | null): { element: HTMLElement; text: string } | null {
  const element = target instanceof Element ? target.closest<HTMLElement>('[data-hint]') : null;
  const text = element?.dataset.hint;
  if (!element || !text) return null;
  if (element.dataset.hintCut !== undefined && element.scrollWidth <= element.clientWidth) return null;
  return { element, text };
}

/**
 * Hints of everything that has `data-hint`: one layer for the whole page, because a tooltip of its own in each cell costs
 * more than the cell.
 */
export function HintLayer() {
  const [shown, setShown] = useState<Shown | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    const hide = () => {
      clearTimeout(timer.current);
      setShown(null);
    };
    const over = (event: Event) => {
      hide();
      const hint = hintOf(event.target);
      if (!hint) return;
      timer.current = setTimeout(() => {
        const box = hint.element.getBoundingClientRect();
        const above = box.bottom > innerHeight - 80;
        setShown({ text: hint.text, left: Math.max(8, Math.min(box.left, innerWidth - 300)), top: above ? box.top - 6 : box.bottom + 6, above });
      }, DELAY);
    };
    const events: [string, (event: Event) => void][] = [
      ['pointerover', over],
      ['pointerdown', hide],
      ['keydown', hide],
      ['wheel', hide],
    ];
    for (const [name, listen] of events) document.addEventListener(name, listen, { passive: true });
    return () => {
      hide();
      for (const [name, listen] of events) document.removeEventListener(name, listen);
    };
  }, []);
  if (!shown) return null;
  return (
    <div role="tooltip" className={shown.above ? 'hint above' : 'hint'} style={{ left: shown.left, top: shown.top }}>
      <bdi>{shown.text}</bdi>
    </div>
  );
}

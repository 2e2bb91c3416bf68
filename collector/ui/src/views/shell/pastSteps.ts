/** A step of the slider that a person can hit: a thousandth of its length, in a round unit. */
export function stepOf(length: number): number {
  const steps = [1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400];
  const wanted = length / 1_000 / 1_000;
  return (steps.find((step) => step >= wanted) ?? 86_400) * 1_000;
}

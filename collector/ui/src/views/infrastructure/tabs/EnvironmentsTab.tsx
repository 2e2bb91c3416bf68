export function EnvironmentsTab() {
  return null;
}

export function EnvironmentFilter({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  void value;
  void onChange;
  return null;
}

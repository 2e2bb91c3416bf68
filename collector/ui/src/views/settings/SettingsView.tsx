export default function SettingsView() { return null; }

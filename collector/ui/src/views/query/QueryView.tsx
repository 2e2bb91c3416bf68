export default function QueryView() { return null; }

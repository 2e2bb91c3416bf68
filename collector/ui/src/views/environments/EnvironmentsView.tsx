export default function EnvironmentsView() { return null; }

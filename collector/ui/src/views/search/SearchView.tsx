export default function SearchView() { return null; }

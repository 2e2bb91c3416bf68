export async function matches() {}

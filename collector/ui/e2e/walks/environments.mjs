export async function environments() {}

export async function edits() {}
